"""The drill that the page of the first live drill shows is one: it validates and plans on the site that ships."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from islandmode.core.digest_words import words_of
from islandmode.core.errors import Refused
from islandmode.operate import signing
from islandmode.operate.plan import plan_of, refused_for_live
from islandmode.operate.signing import Order
from islandmode.store import people
from islandmode.ui.approving import Wish, approve_request
from islandmode.ui.program import command
from tests.operate.approvals_given import At
from tests.operate.test_approvals_page import begin_people

PAGE = Path(__file__).parents[2] / "docs" / "first-live-drill.md"
TEXT = PAGE.read_text(encoding="utf-8")


def begin(workspace: Path) -> None:
    """Make the sample workspace with the drill of the page."""
    (text,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert command(["init", str(workspace)]) == 0
    (workspace / "drills" / "first-live.yaml").write_text(text, encoding="utf-8")


def words(verb: str, **instead: str) -> list[str]:
    """Give the words of a command of the page, with some of them changed."""
    (line,) = re.findall(rf"^islandmode ({verb} .*)$", TEXT, re.MULTILINE)
    for option, value in instead.items():
        line, changed = re.subn(rf"(?<=--{option.replace('_', '-')} )(\S+)", value, line)
        assert changed == 1
    return shlex.split(line)


def test_the_keys_that_approvals_md_makes_sign_all_that_the_page_types(tmp_path: Path) -> None:
    workspace, now = tmp_path / "plant", datetime.now(UTC)
    begin(workspace)
    begin_people(workspace)
    signers = people.folder_of(workspace) / "allowed_signers"
    signers.write_text(signers.read_text().replace('valid-before="20280101Z"', 'valid-before="20800101Z"'))
    asks, signs = workspace / "ot-engineer", workspace / "shift-lead"
    here = ["--workspace", str(workspace)]
    yesterday = f"{now - timedelta(days=1):%Y-%m-%d}"
    assert command([*words("tabletop", held_on=yesterday, key=str(signs)), *here]) == 0
    window = [f"{now + timedelta(days=1, hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (0, 4)]
    assert command([*words("request", **{"from": window[0], "to": window[1], "key": str(asks)}), *here]) == 0
    plan = plan_of(workspace, "first-live")[1]
    wish = Wish(signs, go_sheet=tmp_path / "go-sheet.html")
    assert approve_request(workspace, words("approve")[1], wish, lambda _: " ".join(words_of(plan.plan_digest))) == 0
    read = people.load_people(workspace)
    may = {line.principal.partition("@")[0]: line.namespaces for line in read.signers}
    assert {person for person, namespaces in may.items() if "go@islandmode" in namespaces} == {"shift-lead"}
    assert all("revoke@islandmode" in namespaces for namespaces in may.values())


def test_the_window_of_the_page_is_refused_before_the_day_that_it_names(tmp_path: Path) -> None:
    workspace = tmp_path / "plant"
    begin(workspace)
    begin_people(workspace)
    said = words("request")
    window = (said[said.index("--from") + 1], said[said.index("--to") + 1])
    assert "the one of this page is refused before 26 December 2026" in TEXT

    def ask(at: datetime) -> None:
        signing.ask_window(Order(workspace, workspace / "ot-engineer", "", At(at)), "first-live", *window)

    with pytest.raises(Refused, match=r"The window ends more than 14 d from now"):
        ask(datetime(2026, 12, 25, 23, 59, tzinfo=UTC))
    ask(datetime(2026, 12, 26, 23, 59, tzinfo=UTC))


def test_no_code_is_typed_where_a_list_of_processes_shows_it() -> None:
    assert "--code" not in TEXT
    assert words("go") == ["go", "last", "--shift-ends", "14:00-08:00"]


def test_what_leaves_a_run_open_is_closed_by_the_page() -> None:
    told = TEXT[TEXT.index("## 8.") :]
    assert words("close") == ["close", "last", "--by", "Shift lead"]
    assert told.index("The run stays open") < told.index("islandmode close") < told.index("nothing is left")


def test_the_drill_of_the_page_isolates_the_vendors_for_a_minute_on_an_idle_line(tmp_path: Path) -> None:
    begin(tmp_path)
    assert command(["validate", "--workspace", str(tmp_path)]) == 0
    loaded, plan = plan_of(tmp_path, "first-live")
    assert (plan.conduits, plan.hold_s, plan.drill.is_idle) == (("remote-access",), 60.0, True)
    # What a live run still needs is people, rungs and fresh backups: nothing in the drill itself.
    against = " ".join(refused_for_live(tmp_path, loaded, plan))
    assert "drills/first-live.yaml" not in against
