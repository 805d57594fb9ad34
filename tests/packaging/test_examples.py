"""The example workspaces: each validates, is planned and is drawn as it stands in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.ui.cli import command

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MILLBROOK, KIRKBY = EXAMPLES / "millbrook", EXAMPLES / "kirkby"


def test_every_example_is_listed_and_tested() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert folders == {MILLBROOK.name, KIRKBY.name}
    assert all(f"[{name}]({name}/)" in (EXAMPLES / "README.md").read_text(encoding="utf-8") for name in folders)


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


def test_a_firewall_and_a_router_by_recipes_and_a_modem_by_hand_validate_and_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command(["validate", "--workspace", str(KIRKBY)]) == 0
    said = capsys.readouterr().out
    assert "drills/all-ways.yaml: good. 2 stages, 300 s of hold at kirkby" in said
    assert "drills/devices-only.yaml: good." in said
    card = tmp_path / "card.html"
    assert command(["plan", "all-ways", "--workspace", str(KIRKBY), "--card", str(card)]) == 0
    plan = capsys.readouterr().out
    assert all(f"╭─ {name} ─" in plan for name in ("edge-firewall", "vendor-router", "press-modem"))
    assert "Device 3 of 3: press-modem" in card.read_text(encoding="utf-8")
    with pytest.raises(Refused, match="press-modem is isolated by hand"):
        command(["run", "all-ways", "--mode", "rehearsal", "--workspace", str(KIRKBY)])
