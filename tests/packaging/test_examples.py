"""The example workspaces: each validates, is planned and is drawn as it stands in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.ui.cli import command

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MILLBROOK = EXAMPLES / "millbrook"


def test_every_example_is_listed_and_tested() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert folders == {MILLBROOK.name}
    assert f"[{MILLBROOK.name}]({MILLBROOK.name}/)" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_two_firewalls_in_series_validate_plan_and_are_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command(["validate", "--workspace", str(MILLBROOK)]) == 0
    assert "drills/cut-off.yaml: good. 2 stages, 7 s of hold at millbrook" in capsys.readouterr().out
    assert command(["plan", "cut-off", "--workspace", str(MILLBROOK)]) == 0
    plan = capsys.readouterr().out
    # Nine services to two controllers, of which three are tried; a range counts by one port of it.
    assert "17%, sampled" in plan
    # The outer firewall is managed from a zone behind the inner one: that way is counted too.
    assert "192.168.30.0/24" in plan
    assert "192.168.99.0/24" in plan
    picture = tmp_path / "millbrook.svg"
    assert command(["lab", "graph", str(picture), "--workspace", str(MILLBROOK)]) == 0
    drawn = picture.read_text(encoding="utf-8")
    assert all(f">{node}<" in drawn for node in ("enterprise-fw", "plant-fw", "sw-dmz", "plc-pasteuriser"))
