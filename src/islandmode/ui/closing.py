"""What is printed when a person keeps a conduit closed, or closes a run."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.operate.addendum import Added
from islandmode.operate.closing import close, keep_closed
from islandmode.operate.run import exit_code
from islandmode.store.ledger import path_of
from islandmode.ui.as_json import print_json
from islandmode.ui.pages import HtmlPages
from islandmode.ui.results import print_result


def print_kept_closed(workspace: Path, run: str, conduit: str, person: str, *, as_json: bool) -> int:
    """Record it, and print what became of that; raises `InputError` and `Refused`."""
    came = keep_closed(workspace, run, conduit, person, HtmlPages())
    if isinstance(came, str):
        print_json({"said": came}) if as_json else print(came)
        return 0
    if not as_json:
        print(
            f"addendum {came.number} of {came.run.run}: {person} keeps {conduit} closed; the run's own record stays as it is"
        )
    warn_not_entered(came)
    print_result(came.plan, came.verdict, came.folder, as_json=as_json)
    return exit_code(came.verdict.verdict, came.verdict.restoration)


def print_closed(workspace: Path, run: str, person: str, *, drained: bool, as_json: bool) -> int:
    """Close a run, and print that; raises `InputError` and `Refused`."""
    came = close(workspace, run, person, HtmlPages(), drained=drained)
    if isinstance(came, str):
        print_json({"said": came}) if as_json else print(came)
        return 0
    warn_not_entered(came)
    if as_json:
        print_json({"run": came.run.run, "closed_by": person, "addendum": came.number})
    else:
        print(f"{came.run.run} is closed: {person} confirmed that the service is back (addendum {came.number}).")
        for backlog in came.verdict.backlogs:
            print(f"  {backlog.words}")
    return 0


def warn_not_entered(came: Added) -> None:
    """Say of an addendum that the ledger does not have it, and why."""
    if came.not_entered:
        print(
            f"islandmode: addendum {came.number} was not seen entered in {path_of(came.run.workspace)} ({came.not_entered}); it counts for nothing there.",
            file=sys.stderr,
        )
