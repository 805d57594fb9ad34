"""Command `status`: what runs, and whether anything may still be isolated.

Without `--devices` it reads what runs wrote and what the machine knows of them, and says that no device was looked at.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from islandmode.rehearse import backends
from islandmode.rehearse.lab import LabUnknown, lab_command
from islandmode.run.outermost import STRANDED, sentence_of
from islandmode.store.rundir import RunDirectory
from islandmode.ui.as_json import print_as_json
from islandmode.ui.banner import banner
from islandmode.ui.lab_place import STATE, names_meant
from islandmode.ui.silent_disk import LookWatch
from islandmode.ui.stop_commands import say_whether_all
from islandmode.ui.unfinished_runs import (
    KnownRuns,
    is_workspace,
    known_runs,
    lab_is_gone,
    owed_by,
)


def print_status(workspace: Path, lab: str | None, watch: LookWatch, *, devices: bool, as_json: bool) -> int:
    """Say whether a lab runs, and which runs of this machine did not end with restoration seen."""
    known = known_runs(workspace)
    if as_json:
        runs = [told for one in known.runs if (told := _for_machines(one, watch))]
        return print_as_json(partial(_say, known, lab, watch, devices=devices), runs=runs)
    return _say(known, lab, watch, devices=devices)


def _for_machines(one: RunDirectory, watch: LookWatch) -> dict[str, Any]:
    """Tell of a run whether it goes on, and the points on which something may be isolated; nothing where neither is so."""
    watch.at(one.root)
    holder, owed = one.conductor(), sorted(owed_by(one))
    if holder is None and (not owed or lab_is_gone(one)):
        return {}
    going = {"running": holder is not None, "process": None if holder is None else holder.pid}
    return {"run": one.run, "workspace": str(one.workspace), **going, "owed": owed}


def _say(known: KnownRuns, lab: str | None, watch: LookWatch, *, devices: bool) -> int:
    labs = names_meant(known.workspace, lab)
    if is_workspace(known.workspace):
        watch.at(known.workspace / STATE)
        for name in labs:
            _print_lab(known.workspace, name)
    code, named = _print_runs(known, watch)
    if devices:
        # Only where it is asked for: logging in brings all that a restore needs.
        from islandmode.ui.devices import look_at_devices  # noqa: PLC0415 - only where it is needed, as it is slow

        code = max(code, look_at_devices(known, labs, watch))
        return max(code, say_whether_all(known, "")) if known.unread else code
    if not named or known.unread:
        code = max(
            code, say_whether_all(known, "" if named else "No run that is known here has left anything isolated.")
        )
    return code


def _print_lab(workspace: Path, lab: str) -> None:
    try:
        there = backends.attach(lab, workspace / STATE)
        if there is None and backends.is_orphan(lab, workspace / STATE):
            print(
                f"Lab {lab} is up and its folder is gone; end it with `{lab_command('down', lab, workspace / STATE)}`."
            )
            return
        print(f"Lab {lab} is {'not running' if there is None else 'up'}.")
    except LabUnknown as error:
        print(sentence_of(error))


def _print_runs(known: KnownRuns, watch: LookWatch) -> tuple[int, bool]:
    """Say which runs go on or owe a restore; returns the exit code, and whether there is one of which all is not well."""
    code, named = 0, False
    for one in known.runs:
        watch.at(one.root)
        owed, holder = owed_by(one), one.conductor()
        if holder is not None:
            process = "a process that cannot be seen from here" if holder.pid is None else f"process {holder.pid}"
            what = f"{', '.join(sorted(owed))} may be isolated" if owed else "nothing is on record as isolated"
            print(f"{one.run} in {one.workspace} is running ({process}); {what}.")
            named = True
        elif not owed:
            if one.record is not None:
                # It is over by its own journals; only nobody was there to take the record away.
                one.record.forget()
        elif lab_is_gone(one):
            print(f"{one.run} ended without restoration seen; its lab is gone, and the isolation with it.")
            if one.record is not None:
                one.record.forget()
        else:
            print(banner(one, sorted(owed)), file=sys.stderr)
            code, named = STRANDED, True
    return code, named
