"""The drill that the page of the first live drill shows is one: it validates and plans on the site that ships."""

from __future__ import annotations

import re
from pathlib import Path

from islandmode.operate.plan import plan_of, refused_for_live
from islandmode.ui.program import command

PAGE = Path(__file__).parents[2] / "docs" / "first-live-drill.md"


def test_the_drill_of_the_page_isolates_the_vendors_for_a_minute_on_an_idle_line(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert command(["init", str(tmp_path)]) == 0
    (tmp_path / "drills" / "first-live.yaml").write_text(text, encoding="utf-8")
    assert command(["validate", "--workspace", str(tmp_path)]) == 0
    loaded, plan = plan_of(tmp_path, "first-live")
    assert (plan.conduits, plan.hold_s, plan.drill.is_idle) == (("remote-access",), 60.0, True)
    # What a live run still needs is people, rungs and fresh backups: nothing in the drill itself.
    against = " ".join(refused_for_live(tmp_path, loaded, plan))
    assert "drills/first-live.yaml" not in against
