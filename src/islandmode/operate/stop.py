"""Abort and restore: always available, never gated, and independent of the run's own processes.

Abort asks first: a file in the run's folder, which conductor and guardian both read, and a signal. The conductor then restores,
and its record stays complete. If restoration is not seen soon, or neither process lives, this process restores through its own
sessions.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from islandmode.core.errors import InputError
from islandmode.core.judging.timeline import of_kind
from islandmode.core.unfinished import armed
from islandmode.operate.requesting import put_request
from islandmode.operate.telling import Kept, Listener
from islandmode.operate.unfinished import (
    KnownRuns,
    is_workspace,
    known_runs,
    lab_is_gone,
    owed_by,
    was_restored,
)
from islandmode.operate.watch import Unwatched, Watch
from islandmode.run.outermost import STRANDED
from islandmode.store.rundir import GUARDIAN, VERDICT, RunDirectory
from islandmode.system import own_program
from islandmode.system.clock import MachineClock
from islandmode.system.machine_state import VARIABLE
from islandmode.system.own_program import typed
from islandmode.system.process import EMPTY_ENVIRONMENT

NAMED_WITHIN_S = 0.3
OBEYED_WITHIN_S = 1.0
ENDED_WITHIN_S = 15.0
RECORDS_WITHIN_S = 3.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class StopOrder:
    """A stop or a restore as a person or a program asks for it; `arguments` are the program's, to start again on the operations host."""

    workspace: Path
    run: str | None = None
    lab: str | None = None
    arguments: tuple[str, ...] = ()
    becomes: bool = False
    """Whether this process may become the one on the operations host, and not return."""
    at_once: bool = False
    """Whether the processes of the run were asked already."""
    watch: Watch = field(default_factory=Unwatched)
    listener: Listener = field(default_factory=Kept)
    asked: bool = False
    """Whether the run's processes were asked a moment ago: a second signal could end one that writes its verdict."""

    def said(self, *words: str) -> StopOrder:
        """Fill in the command line for the operations host, unless the caller gave it."""
        if self.arguments:
            return self
        named = (self.run,) if self.run is not None else ()
        lab = ("--lab", self.lab) if self.lab is not None else ()
        return replace(self, arguments=(*words, *named, "--workspace", str(self.workspace.resolve()), *lab))


def arguments_for(verb: str, run: RunDirectory, lab: str | None = None) -> tuple[str, ...]:
    """Give this program's arguments for one run, which may belong to another workspace."""
    named = run.record.ground.get("name", lab) if run.record is not None else lab
    return (verb, run.run, "--workspace", str(run.workspace), *(("--lab", str(named)) if named is not None else ()))


def restore(order: StopOrder) -> int:
    """Restore what one run, or every run of this machine, still owes; returns 0 when all of it was seen, else 5."""
    order = order.said("restore")
    known = known_runs(order.workspace)
    watch = order.watch
    chosen = (known.find(order.run),) if order.run is not None else tuple(filter(owed_by, _each(watch, known)))
    return _bring_back(order, known, chosen, "No known run has left anything isolated.")


def abort(order: StopOrder) -> int:
    """Stop one run, or every run of this machine that goes on; returns 0 when restoration was seen, else 5."""
    order = order.said("abort")
    known = known_runs(order.workspace)
    none = "No run is going on."
    if order.run is not None:
        run = known.find(order.run)
        return _bring_back(order, known, (run,), none, frozenset({run.root} if order.asked else ()))
    # Ask the running drills before reading the records of ended runs: there may be years of them.
    asked = frozenset() if order.at_once else frozenset(_ask_all(_each(order.watch, known)))
    chosen = [
        run for run in _each(order.watch, known) if run.root in asked or run.conductor() is not None or owed_by(run)
    ]
    return _bring_back(order, known, chosen, none, asked)


def _each(watch: Watch, known: KnownRuns) -> Iterator[RunDirectory]:
    """Yield each run; every run that could be read shows that the disk answers."""
    for run in known.runs:
        watch.step()
        yield run
    watch.step()


def _ask_all(runs: Iterator[RunDirectory]) -> Iterator[Path]:
    """Ask every running drill that this account may act on to restore; yields their folders."""
    for run in runs:
        holder = run.conductor()
        if holder is not None and _may_act_on(run) and (owed_by(run) or not was_restored(run)):
            ask(run, holder.pid)
            yield run.root


def _bring_back(
    order: StopOrder, known: KnownRuns, chosen: Sequence[RunDirectory], none: str, asked: frozenset[Path] = frozenset()
) -> int:
    """Bring back every run that was chosen: ask its processes, wait a moment, then do what is left."""
    # A second request comes from the operations host: the first saw that something is owed, and this host may see more records.
    left = [run for run in chosen if order.at_once or run.root in asked or not _is_settled(run, order.listener)]
    alone = len(left) == 1 and _may_act_on(left[0])
    if alone:
        code = _bring_one_back(replace(order, asked=order.asked or left[0].root in asked), left[0])
    else:
        with order.watch.elsewhere():
            code = bring_back_apart(order.arguments[0], left, order.listener, at_once=order.at_once, asked=asked)
    if chosen and not known.unread:
        return code
    return max(code, say_whether_all(known, "" if chosen else none, order.listener))


def say_whether_all(known: KnownRuns, none: str, listener: Listener) -> int:
    """Say that there is no run, or why that is not known; returns 5 if a run may be hidden."""
    for why in known.unread:
        listener.warn(f"{why}: a run that is not listed here may be going on.")
    if known.unread:
        return STRANDED
    if not is_workspace(known.workspace):
        raise InputError(
            f"{known.workspace} is not a workspace (it has neither drills/ nor runs/), and this machine knows of no run that "
            "goes on or left anything isolated. Name the workspace with --workspace."
        )
    listener.say(f"{none} Devices were not looked at; `{typed('status', '--devices')}` does that.")
    return 0


def _may_act_on(run: RunDirectory) -> bool:
    """Tell whether to act on a run under this account: root does not trust records that another account wrote."""
    return os.geteuid() != 0 or run.record is None or run.record.account == 0


def bring_back_apart(
    verb: str,
    left: Sequence[RunDirectory],
    listener: Listener,
    *,
    at_once: bool = False,
    asked: frozenset[Path] = frozenset(),
) -> int:
    """Restore several runs at once, each in its own process, so that none waits for another run or its lab."""
    children = []
    for run in left:
        listener.say(f"{run.run} in {run.workspace}: {verb} ...")
        again = [*arguments_for(verb, run), *["--at-once"] * at_once, *["--asked"] * (run.root in asked)]
        children.append(subprocess.Popen([sys.executable, "-m", "islandmode", *again], **_as_account(run)))
    codes = [child.wait() for child in children]
    return STRANDED if any(codes) else 0


def _as_account(run: RunDirectory) -> dict[str, Any]:
    """Say how to start a process that acts on a run; as root, under the account of that run."""
    if _may_act_on(run) or run.record is None:
        return {}
    account = run.record.account
    # The other account can read the environment of its processes, and this environment may hold secrets.
    given = {name: os.environ[name] for name in (VARIABLE, "DOCKER_HOST", "PYTHONPATH") if name in os.environ} | {
        own_program.VARIABLE: own_program.program_anywhere()
    }
    environment = {**EMPTY_ENVIRONMENT, **given}
    try:
        known = pwd.getpwuid(account)
    except KeyError:
        return {"user": account, "group": account, "extra_groups": (), "env": environment}
    environment["HOME"] = known.pw_dir
    groups = os.getgrouplist(known.pw_name, known.pw_gid)
    return {"user": account, "group": known.pw_gid, "extra_groups": groups, "env": environment, "cwd": "/"}


def _bring_one_back(order: StopOrder, directory: RunDirectory) -> int:
    if not order.at_once and _obeys(order, directory):
        return 0
    # Imported only now: asking the processes of a run must not wait for what a restore by this process needs.
    from islandmode.operate.restoring import restore_one  # noqa: PLC0415 - only where it is needed, as it is slow

    code = restore_one(order, directory)
    if code == 0 and directory.record is not None:
        directory.record.forget()
    return code


def _is_settled(directory: RunDirectory, listener: Listener) -> bool:
    """Tell whether a run needs no restore, and say why."""
    if directory.conductor() is not None:
        return False
    if not owed_by(directory):
        listener.say(f"{directory.run}: nothing to restore: restoration was seen, or nothing was armed.")
        if not (directory.root / VERDICT).exists():
            # Only now: it brings all that judges, and most runs have their verdict.
            from islandmode.operate.judge import judge_died  # noqa: PLC0415 - only where it is needed, as it is slow

            judge_died(directory)
        return True
    return went_with_its_lab(directory, listener)


def went_with_its_lab(directory: RunDirectory, listener: Listener) -> bool:
    """Tell whether a run's lab is gone, and the isolation with it; say so."""
    gone = lab_is_gone(directory)
    if gone:
        listener.say(f"{directory.run}: its lab is gone, and the isolation with it.")
    return gone


def _obeys(order: StopOrder, directory: RunDirectory) -> bool:
    """Ask a run's processes to restore, unless they were asked already; tell whether they did in time."""
    holder, owed = directory.conductor(), owed_by(directory)
    if holder is None and (owed or not order.asked):
        if directory.denied():
            # Its conductor may live without this account seeing it; it still hears the request.
            put_request(directory, "abort")
        return False
    if not owed and was_restored(directory) and not order.asked:
        order.listener.say(f"{directory.run}: restoration was seen already; the run is writing its verdict.")
        return True
    if holder is not None and not order.asked:
        ask(directory, holder.pid)
    if anyio.run(partial(_obeyed, order, directory, was_owed=bool(owed))):
        touched = bool(owed) or bool(armed(directory.records()))
        order.listener.say(
            f"{directory.run}: {'stopped; restoration was seen' if touched else 'stopped before anything was armed'}."
        )
        return True
    return False


def ask(directory: RunDirectory, pid: int | None) -> None:
    """Put a request into the run's folder, and signal the conductor; either is enough, and both may fail."""
    try:
        if not put_request(directory, "abort")[1]:
            # If the request is read before the signal, the record names the person who asked.
            anyio.run(MachineClock.of_this_boot().sleep, NAMED_WITHIN_S)
    finally:
        if pid is not None:
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)


async def _obeyed(order: StopOrder, directory: RunDirectory, *, was_owed: bool) -> bool:
    """Wait, within a limit, until the run's own journals say that it is restored.

    Where a device works on a restore for a while, a second restore would only disturb the first: the abort waits for it while
    the process of the run that ordered it lives.
    """
    clock = MachineClock.of_this_boot()
    begun_us = clock.monotonic_us()
    within_s = OBEYED_WITHIN_S if was_owed else ENDED_WITHIN_S
    works_s: float | None = None
    while owed_by(directory) or not (was_owed or directory.conductor() is None):
        waited_s = (clock.monotonic_us() - begun_us) / 1_000_000
        if waited_s >= within_s and works_s is None:
            works_s = _works_s(directory) if was_owed else 0.0
            if works_s and _is_restoring(directory):
                order.listener.say(
                    f"{directory.run}: its own processes restore; {_worked_on(directory)} for up to {works_s:g} s."
                )
        if works_s is not None and (waited_s >= within_s + works_s or not _is_restoring(directory)):
            return False
        order.watch.step()
        await clock.sleep(LOOK_EVERY_S)
    return True


def _works_s(directory: RunDirectory) -> float:
    """Tell how long the devices of a run work on a restore before it takes effect; 0 where its plan cannot be read."""
    try:
        points = directory.plan().points
    except InputError:
        return 0.0
    return max((points[name].capabilities.works_s.restore for name in owed_by(directory) if name in points), default=0)


def _worked_on(directory: RunDirectory) -> str:
    """Say what a restore of a run waits for."""
    points = directory.plan().points
    by_hand = [name for name in owed_by(directory) if name in points and points[name].capabilities.asks_person]
    return (
        f"a person is asked to restore {', '.join(by_hand)}, and waited for" if by_hand else "the device works on that"
    )


def _is_restoring(directory: RunDirectory) -> bool:
    """Tell whether a process of the run lives that has written down that it restores."""
    conductor, others = directory.journals()
    guardian = others.get(GUARDIAN)
    ordered = conductor is not None and any(of_kind(conductor.records, "restore.ordered"))
    took_over = guardian is not None and any(of_kind(guardian.records, "guardian.took_over"))
    return (ordered and directory.conductor() is not None) or (took_over and directory.guardian() is not None)
