"""A secret that cannot be had: told with its place before a run begins, and no obstacle to restoring the other devices."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import anyio
import pytest

from islandmode.core.capabilities import Calls
from islandmode.core.errors import InputError, NoSecret, Refused
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.rescue import Restorable
from islandmode.isolation.point import IsolationPoint, PointState
from islandmode.operate.audience import Audience, Pages
from islandmode.operate.devices import _look_at
from islandmode.operate.ground import Ground, Opened, PlantGround
from islandmode.operate.opening import opened
from islandmode.operate.plan import plan_of
from islandmode.operate.restoring import restore_points
from islandmode.operate.run import _run_here
from islandmode.operate.telling import Kept
from islandmode.operate.transcripts import Transcripts
from islandmode.store.run_request import RunRequest
from islandmode.system.clock import Clock, MachineClock
from tests.run.test_resume import AT_ONCE, CLEAN, FakePoint

PROJECT = Path(__file__).resolve().parents[2]
SITE = "inventory/millbrook.yaml"
OUTER, INNER = "enterprise-firewall", "plant-firewall"


def plant(root: Path, outer: str, inner: str) -> Path:
    """Copy the site with two firewalls, with these references to their passwords."""
    shutil.copytree(PROJECT / "examples" / "millbrook", root, dirs_exist_ok=True)
    site = root / SITE
    text = site.read_text(encoding="utf-8").replace(f"lab:{OUTER}", outer).replace(f"lab:{INNER}", inner)
    site.write_text(text, encoding="utf-8")
    (root / "inventory" / "known_hosts").write_text("", encoding="ascii")
    return root


def place_of(root: Path, reference: str) -> str:
    """Find where a reference stands."""
    lines = (root / SITE).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines) if reference in text)
    return f"{SITE}:{line + 1}:{lines[line].index(reference) + 1}"


def test_every_missing_secret_is_told_with_its_place_and_no_run_begins(tmp_path: Path) -> None:
    """Within a drill's task group such an error was an internal error, and its run had a folder already."""
    references = "systemd:outer-password", "command:/nowhere/pass"
    root = plant(tmp_path, *references)
    _, plan = plan_of(root, "cut-off")
    request = RunRequest("a-run", root, "cut-off", "rehearsal", "nobody", {})
    with pytest.raises(InputError) as refused:
        _run_here(request, plan, PlantGround(root, "millbrook"), Audience(cast(Pages, None)))
    first, second = str(refused.value).splitlines()
    assert first.startswith(f"{place_of(root, references[0])}: The secret systemd:outer-password is not here: ")
    assert second == (
        f"{place_of(root, references[1])}: The program /nowhere/pass, which prints a secret, cannot be started (No such file or "
        "directory); name a program that this account may execute."
    )
    assert not (root / "runs" / "a-run").exists()


def test_a_secret_of_a_lab_is_refused_on_a_plant(tmp_path: Path) -> None:
    root = plant(tmp_path, f"lab:{OUTER}", "file:missing")
    _, plan = plan_of(root, "cut-off")
    with pytest.raises(Refused, match=f"^The secret lab:{OUTER} exists only in a rehearsal"):
        opened(PlantGround(root, "millbrook"), plan, MachineClock.of_this_boot(), "a-run")


@dataclass
class FakeGround:
    """A ground on which only some devices can be logged in to."""

    here: Mapping[str, FakePoint]

    def open_points(
        self,
        plan: Restorable,
        clock: Clock,
        run: str | None,
        only: Collection[str] | None = None,
        transcripts: Transcripts | None = None,
    ) -> Opened:
        """Open what can be opened."""
        wanted = plan.points.keys() if only is None else only
        lost = {
            name: NoSecret("The secret file:missing cannot be read (gone).", ("isolation_points", name))
            for name in sorted(set(wanted) - self.here.keys())
        }
        points = {name: cast(IsolationPoint, point) for name, point in self.here.items() if name in wanted}
        return Opened(points, lost)


def test_a_missing_secret_keeps_no_other_device_from_being_restored_and_ends_no_alarm(tmp_path: Path) -> None:
    _, plan = plan_of(plant(tmp_path, "file:missing", "file:fw"), "cut-off")
    owed = {name: point.conduits for name, point in plan.points.items()}
    assert set(owed) == {OUTER, INNER}
    ground, listener, path = FakeGround({INNER: FakePoint(CLEAN, name=INNER)}), Kept(), tmp_path / "restore.jsonl"
    resumed = restore_points(plan, cast(Ground, ground), owed, listener, names=("millbrook", "a-run"), path=path)
    assert resumed.seen == {INNER}
    assert not resumed.is_whole(owed)
    assert listener.warned == [
        f"{OUTER} cannot be logged in to, and is not restored by this command: The secret file:missing cannot be read (gone)."
    ]
    assert any(OUTER in line for line in listener.by_hand)
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ended = records[-1]
    # This record ends the alarm of a whole run.
    assert (ended["kind"], ended["data"]["restored"], ended["data"]["points"]) == ("resume.ended", False, [INNER])


def test_a_restore_that_can_log_in_nowhere_says_why_of_each_device_and_how_to_restore_by_hand(tmp_path: Path) -> None:
    _, plan = plan_of(plant(tmp_path, "file:missing", "file:missing"), "cut-off")
    owed = {name: point.conduits for name, point in plan.points.items()}
    ground, listener, path = cast(Ground, FakeGround({})), Kept(), tmp_path / "restore.jsonl"
    resumed = restore_points(plan, ground, owed, listener, names=("millbrook", "a-run"), path=path)
    assert not resumed.is_whole(owed)
    assert resumed.seen == set()
    assert {line.split(" ")[0] for line in listener.warned} == {OUTER, INNER}
    assert all(any(name in line for line in listener.by_hand) for name in (OUTER, INNER))


@dataclass
class StuckPoint(FakePoint):
    """A device that does not restore, and says why."""

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Refuse."""
        await anyio.lowlevel.checkpoint()
        now_us = MachineClock.of_this_boot().monotonic_us()
        return Reading(Outcome.NOT_DONE, None, "a change of colleague waits", now_us, now_us)


def test_a_restore_says_why_a_device_was_not_seen_restored(tmp_path: Path) -> None:
    _, plan = plan_of(plant(tmp_path, "file:missing", "file:fw"), "cut-off")
    owed = {INNER: plan.points[INNER].conduits}
    at_once = Calls(restore=0.01, restore_anew=0.01)
    stuck = StuckPoint(CLEAN, name=INNER, capabilities=AT_ONCE.model_copy(update={"calls_s": at_once}))
    ground, listener, path = cast(Ground, FakeGround({INNER: stuck})), Kept(), tmp_path / "restore.jsonl"
    resumed = restore_points(plan, ground, owed, listener, names=("millbrook", "a-run"), path=path)
    assert resumed.seen == set()
    assert listener.warned == [f"{INNER} was not seen restored: a change of colleague waits."]
    assert any(INNER in line for line in listener.by_hand)


def test_a_restore_asks_for_no_secret_of_a_device_that_owes_nothing(tmp_path: Path) -> None:
    _, plan = plan_of(plant(tmp_path, "file:missing", "file:missing"), "cut-off")
    owed = {INNER: plan.points[INNER].conduits}
    ground, listener = cast(Ground, FakeGround({INNER: FakePoint(CLEAN, name=INNER)})), Kept()
    resumed = restore_points(
        plan, ground, owed, listener, names=("millbrook", "a-run"), path=tmp_path / "restore.jsonl"
    )
    assert resumed.is_whole(owed)
    assert listener.warned == []


def test_a_look_names_each_device_that_it_cannot_log_in_to(tmp_path: Path) -> None:
    _, plan = plan_of(plant(tmp_path, "file:missing", "file:missing"), "cut-off")
    listener = Kept()
    assert _look_at(dict(plan.points), cast(Ground, FakeGround({})), {}, listener) == 5
    why = "could not be read: The secret file:missing cannot be read (gone)."
    assert sorted(listener.warned) == [f"{OUTER} {why}", f"{INNER} {why}"]


def test_the_missing_key_of_a_witness_is_told_with_its_place_and_no_run_begins(tmp_path: Path) -> None:
    """Within a drill's task group it was an internal error, and its run had a folder already."""
    root = plant(tmp_path, "file:outer", "file:inner")
    for name in ("outer", "inner"):
        (root / name).write_text("a password")
        (root / name).chmod(0o600)
    site = root / SITE
    text = site.read_text(encoding="utf-8")
    far = "planning: {zone: corporate, address: 10.60.1.20"
    jump = "{address: 192.168.30.41, user: witness, key: file:jump.key}"
    login = f"{far}, ssh: {{address: 192.168.30.40, user: witness, key: file:office.key, jump: {jump}}}"
    site.write_text(text.replace(far, login), encoding="utf-8")
    _, plan = plan_of(root, "cut-off")
    request = RunRequest("a-run", root, "cut-off", "dry-run", "nobody", {})
    with pytest.raises(InputError) as refused:
        _run_here(request, plan, PlantGround(root, "millbrook"), Audience(cast(Pages, None)))
    first, second = str(refused.value).splitlines()
    missing = "cannot be read (No such file or directory)."
    assert first == f"{place_of(root, 'file:office.key')}: The secret file:office.key {missing}"
    assert second == f"{place_of(root, 'file:jump.key')}: The secret file:jump.key {missing}"
    assert not (root / "runs" / "a-run").exists()
