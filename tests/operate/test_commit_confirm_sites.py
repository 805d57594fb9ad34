"""A site whose firewall is isolated by one commit: what is planned of it, and what is refused with its place before anything is contacted."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from islandmode.core.errors import InputError
from islandmode.operate.check import check_workspace
from islandmode.operate.plan import plan_of
from islandmode.ui.plan_text import print_plan
from tests.lab.test_commit_confirm import FIREWALL, workspace_of

STATE = "/home/islandmode/.napalm_nftables"
DRILL = "drills/quarterly-isolation.yaml"
RECIPE = "inventory/recipes/nftables-confirm.yaml"


class FakeLab:
    """A lab that nobody asks anything of: where its state would be."""

    def __init__(self, folder: Path) -> None:
        self.state_dir = folder / "labs"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return workspace_of(tmp_path / "workspace", FakeLab(tmp_path), STATE)  # type: ignore[arg-type]


def edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")


def test_it_is_planned_with_one_timer_of_the_device_and_lines_that_a_person_can_type(workspace: Path) -> None:
    assert [str(error) for error in check_workspace(workspace).errors] == []
    point = plan_of(workspace, "quarterly-isolation")[1].points[FIREWALL]
    able = point.capabilities
    assert (able.arms, able.timer, able.further, able.reverts) == ("with_isolate", "device", "confirms", "commit")
    assert (able.renewable, able.latest_s, able.undo_tier) == (False, 12.0, "B")
    assert point.rendering.restore[:2] == (
        "add table inet islandmode_remote-access",
        "delete table inet islandmode_remote-access",
    )


def test_its_plan_says_that_isolating_starts_the_timer(workspace: Path) -> None:
    told = StringIO()
    print_plan(plan_of(workspace, "quarterly-isolation")[1], Console(file=told, width=400))
    said = told.getvalue()
    assert "arm: nothing takes effect; the command that isolates brings the timer with it" in said
    assert "undone by the device itself at most 182 s after it was isolated" in said
    assert "after it was armed" not in said


def test_two_stages_on_it_are_refused_at_the_second(workspace: Path) -> None:
    edit(
        workspace / DRILL,
        lambda text: text.replace(
            "isolate: [remote-access, corporate-dmz, corporate-line3]\n    hold: 3 s\n",
            "isolate: [remote-access]\n    hold: 3 s\n  - name: corporate\n    isolate: [corporate-dmz, corporate-line3]\n    hold: 3 s\n",
        ),
    )
    with pytest.raises(InputError) as refused:
        plan_of(workspace, "quarterly-isolation")
    said = str(refused.value)
    line = 1 + (workspace / DRILL).read_text(encoding="utf-8").splitlines().index(
        "    isolate: [corporate-dmz, corporate-line3]"
    )
    assert (
        f"{DRILL}:{line}:14: Stages everything and corporate both isolate on conduit-firewall (nftables-confirm), which has one timer"
        in said
    )
    assert "isolate both in one stage." in said


@pytest.mark.parametrize(
    ("driver", "why"),
    [
        ("napalm:junos", "nothing here checks its device's host key"),
        ("napalm:eos", "a plain commit writes the startup configuration"),
        ("napalm:nxos", "it refuses revert_in"),
        ("https:panos", "Nothing here speaks https"),
    ],
)
def test_a_driver_that_cannot_carry_an_isolation_is_refused_at_its_place(
    workspace: Path, driver: str, why: str
) -> None:
    edit(workspace / RECIPE, lambda text: text.replace("driver: napalm:nftables", f"driver: {driver}"))
    errors = [str(error) for error in check_workspace(workspace).errors]
    assert any(error.startswith(f"{RECIPE}:7:9: ") and why in error for error in errors), errors
    with pytest.raises(InputError, match="mend that file first"):
        plan_of(workspace, "quarterly-isolation")


def test_a_drill_that_outlasts_the_timer_is_refused_because_nothing_sets_it_again(workspace: Path) -> None:
    edit(workspace / DRILL, lambda text: text.replace("hold: 3 s", "hold: 10 min"))
    with pytest.raises(InputError, match="conduit-firewall cannot renew its timer and allows 180 s"):
        plan_of(workspace, "quarterly-isolation")
