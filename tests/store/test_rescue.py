"""A restore by a drill's name: whatever is wrong with the rest of the workspace, it finds its points."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.operate.rescue_points import rescue_of
from islandmode.store.rescue import read_needed
from tests.store.test_catalog import BESIDE
from tests.store.workspace import FILES, write_workspace

DRILL, SITE, PACK = "drills/weekly.yaml", "inventory/north.yaml", "probes/line.yaml"
SECOND = """\
  second:
    platform: nftables
    isolates: office-line
    interfaces: {office: eth1, line: eth2}
    management: {address: 10.0.2.253, zone: line}
    login: {user: drill, password: hunter2}
"""


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="nothing"),
        pytest.param(BESIDE, id="files beside"),
        pytest.param({PACK: "probes: 7"}, id="no probes"),
        pytest.param({DRILL: FILES[DRILL].replace("dead_man: 3 min", "dead_man: soon")}, id="limits"),
        pytest.param({DRILL: FILES[DRILL].replace("continuity: [plc]", "continuty: [plc]")}, id="a misspelt key"),
        pytest.param({SITE: FILES[SITE].replace("tcp/502", "modbus")}, id="a flow"),
        pytest.param({SITE: FILES[SITE].replace("level: 4", "level: 9")}, id="a zone"),
        pytest.param({"inventory/north (copy).yaml": FILES[SITE].replace("10.0.2.254", "10.9.9.9")}, id="a copy"),
    ],
)
def test_a_rescue_needs_only_stages_and_points(changed: dict[str, str], tmp_path: Path) -> None:
    rescue, lost, left_out = rescue_of(write_workspace(tmp_path, **changed), "weekly")
    assert {name: point.place for name, point in rescue.points.items()} == {"firewall": "10.0.2.254"}
    assert rescue.points["firewall"].conduits == rescue.conduits == ("office-line",)
    assert rescue.points["firewall"].rendering.restore
    assert lost == ()
    assert bool(left_out) is (bool(changed) and PACK not in changed)


def test_a_point_that_is_wrong_keeps_no_other_isolated_and_is_said(tmp_path: Path) -> None:
    rescue, lost, _ = rescue_of(write_workspace(tmp_path, **{SITE: FILES[SITE] + SECOND}), "weekly")
    assert set(rescue.points) == {"firewall"}
    assert str(lost[0]).startswith("second cannot be restored by this drill: inventory/north.yaml:")
    assert "hunter2" not in str(lost[0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("nftables", "magic"), 'second: There is no platform "magic"; known: '),
        (("eth2}", "eth1}"), "second: interface eth1 leads to both office and line"),
    ],
)
def test_what_a_platform_cannot_restore_is_said_at_its_point(wrong: tuple[str, str], told: str, tmp_path: Path) -> None:
    text = FILES[SITE] + SECOND.replace("hunter2", "env:SECOND").replace(*wrong)
    rescue, lost, _ = rescue_of(write_workspace(tmp_path, **{SITE: text}), "weekly")
    assert set(rescue.points) == {"firewall"}
    line = text[: text.index("  second:")].count("\n") + 2
    assert [str(why).partition(told)[0] for why in lost] == [f"{SITE}:{line}:5: "]


def test_an_option_that_a_platform_does_not_have_keeps_nothing_isolated(tmp_path: Path) -> None:
    site = FILES[SITE].replace("platform: nftables", "platform: nftables\n    options: {vdom: plant}")
    rescue, lost, _ = rescue_of(write_workspace(tmp_path, **{SITE: site}), "weekly")
    assert set(rescue.points) == {"firewall"}
    assert lost == ()
    assert rescue.points["firewall"].options == {"vdom": "plant"}


def test_a_conduit_that_no_point_isolates_any_more_is_said(tmp_path: Path) -> None:
    drill = FILES[DRILL].replace("isolate: office-line", "isolate: [office-line, other-line]")
    _, lost, _ = rescue_of(write_workspace(tmp_path, **{DRILL: drill}), "weekly")
    assert [str(why) for why in lost] == ["No isolation point that can be read isolates other-line."]


def test_without_its_site_there_is_nothing_to_restore_by(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    (tmp_path / SITE).unlink()
    with pytest.raises(InputError, match=r'There is no site "north" in inventory/'):
        read_needed(tmp_path, "weekly")
