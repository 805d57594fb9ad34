"""Command `status`: what runs, and whether anything may still be isolated.

Without `--devices` it reads what runs wrote and what the machine knows of them, and says that no device was looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from islandmode.core.drill import Mode
from islandmode.core.errors import Refused
from islandmode.operate.ledger import checkpoint_told
from islandmode.operate.left_closed import kept_closed_told, open_told
from islandmode.operate.people import asked_in
from islandmode.operate.status import LabStanding, RunStanding, labs_standing, runs_standing
from islandmode.operate.stop import say_whether_all
from islandmode.operate.unfinished import KnownRuns, is_workspace, known_runs
from islandmode.rehearse.lab import lab_command
from islandmode.rehearse.lab_place import STATE, names_meant
from islandmode.run.outermost import STRANDED
from islandmode.store.ledger import last_told, path_of
from islandmode.store.run_request import request_in
from islandmode.store.rundir import RunDirectory
from islandmode.ui.as_json import print_as_json
from islandmode.ui.banner import banner
from islandmode.ui.silent_disk import LookWatch
from islandmode.ui.spoken import Spoken


def print_status(workspace: Path, lab: str | None, watch: LookWatch, *, devices: bool, as_json: bool) -> int:
    """Say whether a lab runs, and which runs of this machine did not end with restoration seen."""
    known = known_runs(workspace)
    if as_json:
        standing = tuple(runs_standing(known, watch))
        runs = [_for_machines(found) for found in standing if found.is_told]
        return print_as_json(partial(_say, known, standing, lab, watch, devices=devices), runs=runs)
    return _say(known, None, lab, watch, devices=devices)


def _for_machines(found: RunStanding) -> dict[str, Any]:
    """Tell of a run whether it goes on, and the points on which something may be isolated."""
    going = {
        "running": found.conductor is not None,
        "process": None if found.conductor is None else found.conductor.pid,
    }
    return {"run": found.run.run, "workspace": str(found.run.workspace), **going, "owed": list(found.owed)}


def _say(
    known: KnownRuns, standing: Sequence[RunStanding] | None, lab: str | None, watch: LookWatch, *, devices: bool
) -> int:
    labs = names_meant(known.workspace, lab)
    if is_workspace(known.workspace):
        for found in labs_standing(known.workspace, labs, watch):
            print(_lab(known.workspace, found))
        watch.at(path_of(known.workspace))
        print(f"L{checkpoint_told(known.workspace)[1:].rstrip('.')}.")
        if told := last_told(known.workspace):
            print(f"L{told[1:]}.")
        for told in (*kept_closed_told(known.workspace), *open_told(known.workspace)):
            print(told)
    code, named = _print_runs(runs_standing(known, watch) if standing is None else standing)
    if devices:
        # Only where it is asked for: logging in brings all that a restore needs.
        from islandmode.operate.devices import look_at_devices  # noqa: PLC0415 - only where it is needed, as it is slow

        code = max(code, look_at_devices(known, labs, watch, Spoken()))
        return max(code, say_whether_all(known, "", Spoken())) if known.unread else code
    if not named or known.unread:
        none = "" if named else "No known run has left anything isolated."
        code = max(code, say_whether_all(known, none, Spoken()))
    return code


def _lab(workspace: Path, lab: LabStanding) -> str:
    if lab.state == "up without its folder":
        end = lab_command("down", lab.name, workspace / STATE)
        return f"Lab {lab.name} is up but its folder is gone; end it with `{end}`."
    return lab.why if lab.state == "unknown" else f"Lab {lab.name} is {lab.state}."


def _live_told(run: RunDirectory) -> str:
    """Say of a run that it isolates the plant itself, and who broke the glass for that; empty for any other."""
    request = request_in(run.root)
    if request is None or request.mode != Mode.LIVE.value:
        return ""
    broken = "" if request.break_glass is None else f", {request.break_glass.told}"
    return f", LIVE on the plant{broken}"


def _print_asked(run: RunDirectory) -> None:
    """Say what people are asked for now, by whichever process of a run lives."""
    # Of a run that this account cannot read, the line above has said so.
    with suppress(Refused):
        for ask in asked_in(run):
            print(f"  ASKED  {ask.told}")


def _print_runs(standing: Iterable[RunStanding]) -> tuple[int, bool]:
    """Say which runs go on or owe a restore; returns the exit code, and whether any such run was named."""
    code, named = 0, False
    for found in standing:
        run, holder = found.run, found.conductor
        if holder is not None:
            process = "a process not visible from here" if holder.pid is None else f"process {holder.pid}"
            what = f"{', '.join(found.owed)} may be isolated" if found.owed else "nothing is on record as isolated"
            live = _live_told(run)
            print(f"{run.run} in {run.workspace} is running{live} ({process}); {what}.")
            _print_asked(run)
            named = True
        elif found.state == "gone with its lab":
            print(f"{run.run} ended without restoration seen; its lab is gone, and the isolation with it.")
        elif found.state == "unfinished":
            print(banner(run, list(found.owed)), file=sys.stderr)
            _print_asked(run)
            code, named = STRANDED, True
    return code, named
