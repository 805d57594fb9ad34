"""Where a row is played, and what breaks in it: processes killed or frozen, the firewall restarted, the disk filled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from islandmode.rehearse import backends
from islandmode.rehearse.containers.lab import ContainerLab
from islandmode.rehearse.lab import Lab
from islandmode.system.machine_state import VARIABLE
from tests.crash import launcher
from tests.crash.scenarios import Scenario
from tests.lab.drills import PROJECT, newest_run
from tests.lab.drills import read_journal as read_conductor
from tests.lab.guarded import guardian_pid
from tests.lab.rogue.bypass import in_node
from tests.lab.test_pair import A, signal_keepalived
from tests.lab.test_plays import playing, runner_of, says_begun
from tests.patience import LONG_PATIENCE_S, PATIENCE_S
from tests.standing_still import send, stand_still
from tests.system.hanging_disk import FreezingDisk
from tests.system.small_disk import fill_up

DRILL = "drills/quarterly-isolation.yaml"
NO_WAY_IN = (
    "add table inet noway; add chain inet noway in { type filter hook input priority -20; }; "
    "add rule inet noway in iifname eth0 drop"
)


STRANDED = 5
UNREAD = "again when its disk answers"
"""What a command says that a busy machine gave no time to read a run's record."""
RESTORES_MOST = 5


class MomentMissed(AssertionError):
    """The drill ended, or was restored, before its moment came, as where a busy machine is too slow for a step: nothing was shown."""


def ended_early(code: int) -> MomentMissed:
    """Say how the drill ended before its moment."""
    return MomentMissed(f"the drill ended with {code} before its moment came.")


@dataclass
class Stage:
    """Where a row is played: a running lab, a folder of its own, and the processes that were started."""

    scenario: Scenario
    lab: Lab
    folder: Path
    drill: str = DRILL
    firewalls: tuple[str, ...] = ("fw",)
    """The nodes that isolate, and on which nothing may be left."""
    program: tuple[str, ...] = ()
    """What conducts the drill in place of the launcher; empty where the launcher does."""
    push: Callable[[], None] | None = None
    """Puts the cable back, where a person isolates by one."""
    running: subprocess.Popen[bytes] | None = None
    fault_s: float = 0.0
    back_s: float = 0.0
    standing: frozenset[str] = frozenset()
    """What still stood on the firewall when everything passed again."""
    banner: int = 0
    disk: FreezingDisk | None = None
    """The disk below the runs, in a row that freezes it."""

    @property
    def mark(self) -> Path:
        """File in which the launcher says when its moment came."""
        return self.folder / "mark"

    @property
    def conductor(self) -> subprocess.Popen[bytes]:
        """The conductor's process."""
        if self.running is None:
            raise AssertionError("the conductor was not started")
        return self.running

    def run(self) -> Path:
        """Find the run's directory."""
        found = newest_run(self.folder)
        if found is None:
            raise AssertionError(f"no run began: {self.said()}")
        return found

    def said(self) -> str:
        """Give what the conductor printed."""
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")[-600:]

    def begin(self) -> None:
        """Start the drill."""
        if self.program:
            self.running = self._started(self.lab.enter("ops", self.program, network_only=True))
        else:
            words = ("run", self.drill, "--mode", "rehearsal")
            self.running = self.start(*words, at=self.scenario.at, do=self.scenario.do)

    def start(self, *arguments: str, at: str = "", do: str = "kill") -> subprocess.Popen[bytes]:
        """Start the launcher on the operations host."""
        options: tuple[str, ...] = ("--at", at or "never:never:0", "--do", do, "--guardian", self.scenario.guardian)
        if do.startswith("stop-sshd"):
            stopped = ("--sshd-of", str(self.lab.network_pid("fw")), "--for", str(self.scenario.stopped_for_s))
            options = (*options, *stopped)
        place = ("--workspace", str(self.folder), "--lab", self.lab.name)
        marked = (*options, "--mark", str(self.mark), "islandmode", *arguments, *place)
        if isinstance(self.lab, ContainerLab):
            beside = (sys.executable, "-m", "tests.crash.in_container", str(self.lab.state_dir), self.lab.name)
            argv = (*beside, "python3", str(self.lab.topology.workspace / "launcher.py"), *marked)
        else:
            argv = self.lab.enter("ops", (sys.executable, launcher.__file__, *marked), network_only=True)
        return self._started(argv)

    def _started(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,
            )

    def environment(self) -> dict[str, str]:
        """Give what our commands are started with: a row's `restore` reaches no other row's run."""
        return {**os.environ, "PYTHONPATH": str(PROJECT), VARIABLE: str(self.folder / "known")}

    def signal_conductor(self, number: signal.Signals) -> None:
        """Signal the conductor itself; in a container it is not the process that we started, but one that it stays beside."""
        if not isinstance(self.lab, ContainerLab):
            send(self.conductor.pid, number)
            return
        inside = Path(f"/proc/{self.lab.network_pid('ops')}/ns/pid").readlink()
        for pid in pids_naming(str(self.mark)):
            with suppress(OSError):
                if Path(f"/proc/{pid}/ns/pid").readlink() == inside:
                    send(pid, number)

    def ask(self, *arguments: str) -> int:
        """Run one of our commands to its end and give its exit code."""
        argv = [sys.executable, "-m", "islandmode", *arguments, "--workspace", str(self.folder), "--lab", self.lab.name]
        with (self.folder / "output").open("ab") as output:
            where = self.environment()
            ended = subprocess.run(argv, check=False, timeout=LONG_PATIENCE_S, stdout=output, stderr=output, env=where)
            return ended.returncode

    def restore(self) -> tuple[int, str]:
        """Run `islandmode restore`, and again as long as it says that it had no time to look; give its exit code and what it said."""
        code, said = STRANDED, ""
        for _ in range(RESTORES_MOST):
            kept = (self.folder / "output").stat().st_size
            code = self.ask("restore")
            said = (self.folder / "output").read_bytes()[kept:].decode(errors="replace")
            if UNREAD not in said:
                break
        return code, said


def wait_until(is_so: Callable[[], bool], longest_s: float, what: str) -> None:
    """Wait until something is so; raises when that does not come."""
    until_s = time.monotonic() + longest_s
    while not is_so():
        if time.monotonic() > until_s:
            raise AssertionError(f"not within {longest_s:g} s: {what}")
        time.sleep(0.02)


def break_it(stage: Stage) -> None:
    """Wait for the row's moment, and do from outside what is done from there."""
    row = stage.scenario
    if row.outside is not None and row.outside.act == "fill-disk":
        mount_small_disk(stage)
    if row.outside is None:
        wait_until(
            lambda: stage.mark.exists() or stage.conductor.poll() is not None, LONG_PATIENCE_S, "the moment comes"
        )
        if not stage.mark.exists():
            raise ended_early(stage.conductor.returncode)
        wait_until(lambda: stage.mark.read_text(encoding="ascii") != "", PATIENCE_S, "the mark is written")
        stage.fault_s = float(stage.mark.read_text(encoding="ascii"))
        return
    wanted = row.outside

    def written() -> bool:
        if stage.conductor.poll() is not None:
            raise ended_early(stage.conductor.returncode)
        found = newest_run(stage.folder)
        records = read_conductor(found) if found is not None else []
        key, value = wanted.says
        return any(one["kind"] == wanted.after and one["data"].get(key) == value for one in records)

    wait_until(written, LONG_PATIENCE_S, f"{wanted.after} is recorded")
    if wanted.task:
        wait_until(lambda: has_begun(stage, wanted.task), LONG_PATIENCE_S, f"the task {wanted.task} begins")
    # In the middle of a hold, not at its edge.
    time.sleep(0.6)
    stage.fault_s = time.monotonic()
    ACTS[wanted.act](stage)


def has_begun(stage: Stage, task: str) -> bool:
    """Tell whether a task of the play that isolates has begun; raises where it can begin no more."""
    ordered = (one["data"]["why"] for one in read_conductor(stage.run()) if one["kind"] == "restore.ordered")
    why = next(ordered, "")
    if why:
        raise MomentMissed(f"the drill was restored before its moment came: {why}")
    return says_begun(stage.run(), task)


def kill_conductor(stage: Stage) -> None:
    """Kill the conductor."""
    stage.signal_conductor(signal.SIGKILL)


def kill_runner(stage: Stage) -> None:
    """Kill the process that runs the play, and not the play."""
    found = playing(stage.run())
    if not found:
        raise MomentMissed("the play that was to die had been ended.")
    os.kill(runner_of(found[0]), signal.SIGKILL)


def kill_keepalived(stage: Stage) -> None:
    """Kill keepalived on the active member: its addresses stay there, and the other member takes them too."""
    signal_keepalived(stage.lab, A, "KILL")


def both(first: Callable[[Stage], None], second: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """Do one after the other."""

    def act(stage: Stage) -> None:
        first(stage)
        second(stage)

    return act


def kill_guardian(stage: Stage) -> None:
    """Kill the guardian."""
    os.kill(guardian_pid(stage.folder), signal.SIGKILL)


def freeze_guardian(stage: Stage) -> None:
    """Stop the guardian; it stays so until the row is over."""
    stand_still(guardian_pid(stage.folder))


def freeze_both(stage: Stage) -> None:
    """Stop conductor and guardian."""
    stage.signal_conductor(signal.SIGSTOP)
    freeze_guardian(stage)


def kill_group(stage: Stage) -> None:
    """Kill everything in the conductor's process group."""
    os.killpg(stage.conductor.pid, signal.SIGKILL)


def kill_both(stage: Stage) -> None:
    """Kill guardian and conductor so that neither can do anything for the other."""
    guardian = guardian_pid(stage.folder)
    stand_still(guardian)
    stage.signal_conductor(signal.SIGKILL)
    os.kill(guardian, signal.SIGKILL)


def no_way_in(stage: Stage) -> None:
    """Drop everything that reaches the firewall over its management network."""
    in_node(stage.lab, "fw", "nft", NO_WAY_IN)


def restart_firewall(stage: Stage) -> None:
    """Restart the firewall: it boots from its saved configuration."""
    stage.lab = backends.restart(stage.lab, "fw")


def mount_small_disk(stage: Stage) -> None:
    """Give the runs a disk of their own, which can be filled."""
    runs = stage.folder / "runs"
    runs.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(runs)], check=True, timeout=PATIENCE_S)


def fill_disk(stage: Stage) -> None:
    """Take every free byte of the disk that the run writes on."""
    fill_up(stage.folder / "runs")


def kill_far_vantage(stage: Stage) -> None:
    """Kill the worker that looks from the office."""
    ours = pids_naming(f"{stage.run().name}/office")
    if not ours:
        raise AssertionError("no worker looks from the office.")
    for pid in ours:
        os.kill(pid, signal.SIGKILL)


ACTS: dict[str, Callable[[Stage], None]] = {
    "kill-conductor": kill_conductor,
    "kill-runner": kill_runner,
    "kill-keepalived": kill_keepalived,
    "kill-guardian": kill_guardian,
    "freeze-guardian": freeze_guardian,
    "freeze-both": freeze_both,
    "kill-group": kill_group,
    "kill-both": kill_both,
    "no-way-in": no_way_in,
    "restart-firewall": restart_firewall,
    "fill-disk": fill_disk,
    "kill-far-vantage": kill_far_vantage,
    "kill-conductor-and-keepalived": both(kill_keepalived, kill_conductor),
    "kill-both-and-keepalived": both(kill_keepalived, kill_both),
}


def pids_naming(text: str) -> list[int]:
    """Find processes whose command line names something of this row."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if text.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return found
