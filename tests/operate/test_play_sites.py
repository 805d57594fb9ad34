"""A site whose firewall Ansible plays isolate: what is planned of it, and what is refused with its place before anything is contacted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.planning.digest import plan_digest
from islandmode.operate.check import check_workspace
from islandmode.operate.plan import plan_of
from islandmode.operate.rescue_points import rescue_of
from tests.lab.test_plays import FIREWALL, ISOLATE, workspace_of
from tests.operate.test_commit_confirm_sites import FakeLab, edit

DRILL = "drills/quarterly-isolation.yaml"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return workspace_of(tmp_path / "workspace", FakeLab(tmp_path))  # type: ignore[arg-type]


def test_it_is_planned_with_a_timer_of_each_conduit_and_restored_by_lines(workspace: Path) -> None:
    assert [str(error) for error in check_workspace(workspace).errors] == []
    point = plan_of(workspace, "quarterly-isolation")[1].points[FIREWALL]
    able = point.capabilities
    assert (able.arms, able.timer, able.renewable, able.undo_tier, able.latest_s) == (
        "before",
        "conduit",
        False,
        "A",
        85.0,
    )
    assert point.rendering.stages[0].isolate[1] == (
        'ansible-playbook playbooks/isolate.yml table=islandmode_corporate-dmz run=this-run outer="eth1" inner="eth3"'
    )
    assert all(line.startswith("sudo -n /usr/sbin/nft 'add table inet islandmode_") for line in point.rendering.restore)


def test_an_edit_of_a_playbook_changes_the_plans_digest(workspace: Path) -> None:
    before = plan_digest(plan_of(workspace, "quarterly-isolation")[1])
    edit(workspace / ISOLATE, lambda text: f"{text}# edited\n")
    assert plan_digest(plan_of(workspace, "quarterly-isolation")[1]) != before


def test_a_playbook_that_is_missing_is_told_where_it_is_named(workspace: Path) -> None:
    (workspace / ISOLATE).unlink()
    with pytest.raises(InputError) as error:
        plan_of(workspace, "quarterly-isolation")
    assert (
        "inventory/recipes/nftables-plays.yaml:47:16: The playbook playbooks/isolate.yml cannot be read (No such file or directory); add it, "
        "or correct its name."
    ) in str(error.value)


def test_a_timer_that_does_not_outlast_the_plays_is_refused(workspace: Path) -> None:
    edit(workspace / DRILL, lambda text: text.replace("hold: 3 s", "hold: 2 min"))
    with pytest.raises(
        InputError, match="conduit-firewall cannot renew its timer and allows 120 s, but this drill needs"
    ):
        plan_of(workspace, "quarterly-isolation")


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("no playbook at all")])
def test_a_restore_by_the_drills_name_needs_no_playbook(workspace: Path, spoil: Callable[[Path], object]) -> None:
    spoil(workspace / ISOLATE)
    rescue, lost, left_out = rescue_of(workspace, "quarterly-isolation")
    assert (lost, left_out) == ((), ())
    assert rescue.points[FIREWALL].rendering.restore
