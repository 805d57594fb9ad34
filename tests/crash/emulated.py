"""Plays a row of the crash matrix on the plant with two emulated devices: the device kills, and another process or its own clock restores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from islandmode.store.journal import read_journal
from tests.crash.breaking import pids_naming
from tests.crash.playing import Played
from tests.crash.scenarios import FORTIOS, LINES, RENEWS, Layer, Scenario
from tests.lab.drills import REFUSED, Drill, newest_run, wait_for
from tests.lab.guarded import end_quietly, guardian_pid, records, run_of
from tests.lab.three_platforms import DEAD_MAN_S, GATE, ROUTER, PlantOfThree, plant_of_three
from tests.patience import LONG_PATIENCE_S, PATIENCE_S, wait_until
from tests.standing_still import stand_still

LOOKS_EVERY_S = 0.1
WATCHED = 40
"""So many lines of a device tell which session watches it: a restore says fewer, its looks among them."""
GUARDED_S = 15.0
"""How long after the fault a process that lives may take to bring everything back, its logins on a busy machine among it."""
assert DEAD_MAN_S == 180.0


@dataclass
class Watch:
    """Asks an emulated device ten times a second whether everything would pass; times are this machine's monotonic seconds."""

    plant: PlantOfThree
    name: str
    samples: list[tuple[float, bool]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        while not self._over.wait(LOOKS_EVERY_S):
            at_s = time.monotonic()
            self.samples.append((at_s, all(self.plant.ways(self.name).values())))

    @property
    def last_closed_s(self) -> float:
        """When something was last seen not to pass; 0 where everything always did."""
        return max((at_s for at_s, is_open in self.samples if not is_open), default=0.0)

    @property
    def opened_s(self) -> float:
        """When everything was first seen to pass again after that."""
        return min(at_s for at_s, _ in self.samples if at_s > self.last_closed_s)


@dataclass
class Struck:
    """A row under way: when its fault came, by this machine's clock and by the device's."""

    row: Scenario
    plant: PlantOfThree
    name: str
    running: Drill
    fault_s: float = 0.0
    fault_up_s: float = 0.0
    was_open: bool = False
    """Whether the device let everything pass when the fault came."""
    has_come: threading.Event = field(default_factory=threading.Event)
    missed: str = ""
    """Why the row's moment never came although the drill began; empty as long as it may."""

    @property
    def run(self) -> Path:
        return run_of(self.plant.workspace)

    def strike(self) -> None:
        """Kill what the row says, in this moment."""
        self.was_open = all(self.plant.ways(self.name).values())
        if self.row.do == "kill-guardian":
            os.kill(guardian_pid(self.plant.workspace), signal.SIGKILL)
        elif self.row.guardian == "killed":
            guardian = guardian_pid(self.plant.workspace)
            # Neither may have a moment in which it could restore.
            stand_still(guardian)
            self.running.kill()
            os.kill(guardian, signal.SIGKILL)
        else:
            self.running.kill()
        self.fault_s, self.fault_up_s = time.monotonic(), self.plant.devices[self.name].clock.up_s
        self.has_come.set()

    def at_line(self, number: int, is_carried_out: bool) -> None:  # noqa: FBT001 - as a device calls it
        """Strike where the line comes that the row names; a restore before any renewal has the same numbers, but a session of its own."""
        if self.has_come.is_set() or self.missed or (number, is_carried_out) != line_of(self.row):
            return
        if self.row.at.startswith("renew") and not self.is_said_by_who_watches():
            self.missed = "it was restored before any renewal, as it must be where a device answers too late"
        else:
            self.strike()

    def is_said_by_who_watches(self) -> bool:
        """Tell whether the newest line came over the session that reads the device all the time: a restore has its own."""
        latest = [line.session for line in self.plant.devices[self.name].log[-WATCHED:]]
        return Counter(latest).most_common(1) == [(latest[-1], latest.count(latest[-1]))]


def line_of(row: Scenario) -> tuple[int, bool]:
    """Give the configuring line of a row's moment, and whether it is carried out."""
    step, _, when = row.at.partition(":")
    first, last = RENEWS[row.recipe] if step == "renew" else LINES[row.recipe][step]
    return {"before": (first, False), "amid": (last - 1, True), "after": (last, True)}[when]


def play_emulated(row: Scenario, lab: Lab, folder: Path) -> Played:
    """Play a row; the lab is afterwards as it was before."""
    lab = backends.attach(lab.name, lab.state_dir) or lab
    played = Played(row)
    name = GATE if row.recipe == FORTIOS else ROUTER
    router_recipe = row.recipe if name == ROUTER else "ios-time-range"
    # Near its planned end a run renews no more: in a hold that is shorter than the timer there is no renewal at all.
    hold = "10 min" if row.at.startswith("renew") else "2 min" if row.at == "hold" else "2 s"
    with plant_of_three(folder, lab, hold=hold, router_recipe=router_recipe) as plant, Watch(plant, name) as watch:
        # A refusal is for the matrix to begin again: the numbers of lines count from a device's beginning.
        struck = Struck(row, plant, name, plant.drill(again=0))
        try:
            begin(struck)
            bring_back(struck, watch, played)
            judge(struck, watch, played)
        except (AssertionError, OSError, subprocess.SubprocessError) as failed:
            # A drill that was restored before its renewal, as it must be where a device answers too late, has not shown it either.
            played.refused = struck.running.poll() == REFUSED or bool(struck.missed)
            played.wrong.append(f"{failed} {said(struck.running)}")
        finally:
            leave_nobody(struck)
    return played


def begin(struck: Struck) -> None:
    """Wait for the row's moment."""
    if struck.row.at == "hold":
        wait_for(struck.running, struck.plant.workspace, "hold.started")
        struck.strike()
        return
    device = struck.plant.devices[struck.name]
    device.faults.strikes = struck.at_line
    if struck.row.at.startswith("renew"):
        wait_for(struck.running, struck.plant.workspace, "hold.started")
        # Half of the timer, before a renewal is due.
        struck.has_come.wait(DEAD_MAN_S / 2)
    wait_until(lambda: struck.has_come.is_set() or is_over(struck), "the row's moment comes")
    if not struck.has_come.is_set():
        why = struck.missed or f"the drill ended with {struck.running.returncode}"
        raise AssertionError(f"its moment did not come: {why}")


def is_over(struck: Struck) -> bool:
    """Tell whether the row's moment can come no more."""
    return bool(struck.missed) or struck.running.poll() is not None


def bring_back(struck: Struck, watch: Watch, played: Played) -> None:
    """Wait until everything passes and stands as before, by the layer that is left."""
    plant = struck.plant
    if struck.row.layer is Layer.TIMER:
        if not watch.last_closed_s and not any(not is_open for is_open in plant.ways(struck.name).values()):
            raise AssertionError("nothing was isolated when both were killed.")
        played.beyond_s = hastened(struck)
        restore_by_command(struck)
        return
    if struck.row.do == "kill-guardian":
        struck.running.wait(LONG_PATIENCE_S)
    else:
        wait_until(
            lambda: guardian_restored(plant) >= set(plant.plan.points), "the guardian has restored all three devices"
        )
    wait_until(lambda: plant.is_restored, "all three devices are restored")
    restored_s = time.monotonic()
    wait_until(lambda: watch.samples[-1][0] > restored_s, "the device is looked at once more")
    if watch.last_closed_s and not struck.was_open:
        played.beyond_s = max(watch.opened_s - struck.fault_s, 0.0)


def hastened(struck: Struck) -> float:
    """Let the devices' clocks run until this one lets everything pass; give the seconds of its own clock since the fault."""
    device, plant = struck.plant.devices[struck.name], struck.plant
    longest_s = plant.plan.dead_man_s + plant.plan.points[struck.name].capabilities.late_s
    while not all(plant.ways(struck.name).values()):
        if device.clock.up_s - struck.fault_up_s > longest_s + 1:
            raise AssertionError(f"still isolated {longest_s:.0f} s of its own clock after the fault")
        for each in plant.devices.values():
            each.clock.move(1.0)
    return device.clock.up_s - struck.fault_up_s


def restore_by_command(struck: Struck) -> None:
    """Let `islandmode restore` put away what the device's timer has left; for its proof it would wait for minutes."""
    plant = struck.plant
    argv = (sys.executable, "-m", "islandmode", "restore", struck.run.name, "--workspace", str(plant.workspace))
    enter = plant.lab.enter("ops", argv, network_only=True)
    with subprocess.Popen(enter, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as restoring:
        try:
            wait_until(lambda: plant.is_restored, "islandmode restore has put everything away")
        finally:
            restoring.kill()


def judge(struck: Struck, watch: Watch, played: Played) -> None:
    """Decide by what the devices were seen to do; the journals only name who acted."""
    row, run = struck.row, struck.run
    played.acted = acted(struck, watch)
    played.journals = journals_of(run)
    played.verdict = verdict_of(run)
    if row.layer is not Layer.TIMER and played.beyond_s > GUARDED_S:
        played.wrong.append(f"back {played.beyond_s:.1f} s late")
    if not struck.plant.is_restored:
        played.wrong.append("not everything passes and stands as before")
    played.restored = not played.wrong
    if played.acted != row.layer:
        played.wrong.append(f"expected {row.layer}, but it was {played.acted}")
    if "NOT READABLE" in played.journals:
        played.wrong.append("a journal cannot be read")
    if played.verdict != row.verdict:
        played.wrong.append(f"expected the verdict {row.verdict or 'none'}, but it was {played.verdict or 'none'}")


def acted(struck: Struck, watch: Watch) -> str:
    """Name who brought the row's device back."""
    if struck.row.layer is Layer.TIMER:
        return Layer.TIMER
    if watch.last_closed_s and struck.was_open:
        # Its last line had landed, and it died before it could note what came of it.
        return Layer.CONDUCTOR
    found: list[tuple[float, str]] = []
    for writer, layer in (("conductor", Layer.CONDUCTOR), ("guardian", Layer.GUARDIAN)):
        kept = records(struck.plant.workspace, writer)
        found += [(asked_s(record), layer) for record in kept if is_restored_by(record, struck.name)]
    return min(found)[1] if found else "nobody"


def guardian_restored(plant: PlantOfThree) -> set[str]:
    """Name the devices of which the guardian recorded that it restored them."""
    kept = records(plant.workspace, "guardian")
    return {name for name in plant.plan.points if any(is_restored_by(record, name) for record in kept)}


def is_restored_by(record: dict[str, Any], name: str) -> bool:
    """Tell whether a record says that a device was restored."""
    data = record["data"]
    return (record["kind"], data.get("point"), data.get("outcome")) == ("restore.attempt", name, "done")


def asked_s(record: dict[str, Any]) -> float:
    """Tell when the attempt of a record began."""
    return float(record["data"]["asked_us"]) / 1_000_000


def journals_of(run: Path) -> str:
    """Say whether conductor's and guardian's journals can be read up to their end."""
    told = []
    for path in sorted((run / "journals").glob("*.jsonl")):
        if path.stem in {"conductor", "guardian"}:
            reading = read_journal(path.read_bytes())
            state = (
                "whole" if reading.whole else "last line cut off" if reading.cut_off else f"NOT READABLE: {reading.why}"
            )
            told.append(f"{path.stem} {state}")
    return ", ".join(told)


def verdict_of(run: Path) -> str:
    """Give the verdict that the conductor wrote; empty where it died."""
    path = run / "verdict.json"
    if not path.is_file() or not path.stat().st_size:
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    return f"{found['verdict']}, restoration {found['restoration']}"


def leave_nobody(struck: Struck) -> None:
    """End every process that names the row's run: a guardian that still waits, and far workers, which would go on to the end of their schedule."""
    struck.plant.leave_nobody()
    if struck.running.stdout is not None and not struck.running.stdout.closed:
        end_quietly(struck.running)
    found = newest_run(struck.plant.workspace)
    for pid in pids_naming(found.name) if found is not None else ():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def said(running: Drill) -> str:
    """Give the end of what a drill printed, which ends it."""
    with suppress(ProcessLookupError):
        running.kill()
    return end_quietly(running)[-600:]
