"""The host keys of a plant that a run keeps: a rescue by the run's own plan logs in by them where the inventory is gone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from islandmode.core.errors import InputError
from islandmode.operate.audience import Audience, Pages
from islandmode.operate.ground import PlantGround, ground_of
from islandmode.operate.plan import plan_of
from islandmode.operate.run import _begin
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import HOST_KEYS, RunDirectory
from islandmode.system.clock import MachineClock
from tests.operate.test_opening import plant

KEYS = "10.0.0.1 ssh-ed25519 AAAA\n"
SECRET = "file:password"


class FakePages:
    """Makes a page without a word."""

    def card(self, *_: Any) -> str:
        """Make none."""
        return ""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = plant(tmp_path, SECRET, SECRET)
    (root / "password").write_text("between-drills", encoding="ascii")
    (root / "password").chmod(0o600)
    (root / "inventory" / "known_hosts").write_text(KEYS, encoding="ascii")
    return root


@pytest.fixture
def begun(workspace: Path) -> RunDirectory:
    """A run that has just begun, on the plant's ground."""
    _, plan = plan_of(workspace, "cut-off")
    ground = PlantGround(workspace, "millbrook")
    request = RunRequest("a-run", workspace, "cut-off", "live", "nobody", ground.words())
    return _begin(request, plan, ground, Audience(cast(Pages, FakePages())))


def open_all(directory: RunDirectory) -> set[str]:
    """Open the run's points as a rescue does, and name those that could be made."""
    made = ground_of(directory).open_points(directory.plan(), MachineClock.of_this_boot(), directory.run)
    assert made.lost == {}
    return set(made.points)


def test_a_rescue_needs_no_inventory(workspace: Path, begun: RunDirectory) -> None:
    shutil.rmtree(workspace / "inventory")
    assert open_all(begun) == set(begun.plan().points)
    assert ground_of(begun).kept() == {HOST_KEYS: KEYS}


def test_a_key_that_was_taken_out_of_the_workspace_counts_no_more(workspace: Path, begun: RunDirectory) -> None:
    (workspace / "inventory" / "known_hosts").write_text("", encoding="ascii")
    assert ground_of(begun).kept() == {HOST_KEYS: ""}


def test_without_any_host_keys_nothing_is_logged_in_to(workspace: Path, begun: RunDirectory) -> None:
    shutil.rmtree(workspace / "inventory")
    (begun.root / HOST_KEYS).unlink()
    with pytest.raises(InputError, match=r"There is no inventory/known_hosts in .*devices trust NAME"):
        open_all(begun)


def test_host_keys_that_cannot_be_read_leave_no_run_behind(workspace: Path) -> None:
    known_hosts = workspace / "inventory" / "known_hosts"
    known_hosts.unlink()
    # A file of which nobody can read the beginning.
    known_hosts.symlink_to("/proc/self/mem")
    _, plan = plan_of(workspace, "cut-off")
    ground = PlantGround(workspace, "millbrook")
    request = RunRequest("a-run", workspace, "cut-off", "live", "nobody", ground.words())
    with pytest.raises(
        InputError, match=r"known_hosts cannot be read \(Input/output error\); let this account read it"
    ):
        _begin(request, plan, ground, Audience(cast(Pages, FakePages())))
    assert not (workspace / "runs" / "a-run").exists()
