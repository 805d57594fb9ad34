"""Command `ledger`: every attempt at a drill, and whether any was taken away."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from islandmode.core.text import in_words
from islandmode.operate.ledger import AttemptSeen, LedgerSeen, look_at_ledger
from islandmode.store.ledger import last_told, path_of
from islandmode.system.clock import MachineClock, iso_utc
from islandmode.ui.as_json import PREFIX, print_json
from islandmode.ui.name_table import NameTable
from islandmode.ui.silent_disk import LookWatch

DOES_NOT_FIT = 4
HEAD = ("run", "line", "begun (UTC)", "mode", "result", "restoration", "folder")


def print_ledger(workspace: Path, watch: LookWatch, known: str | None, *, as_json: bool) -> int:
    """Print the attempts and the checkpoint, and on standard error what does not fit."""
    seen = look_at_ledger(workspace, watch, known, iso_utc(MachineClock.of_this_boot().utc_us()))
    code = DOES_NOT_FIT if seen.wrong else 0
    if as_json:
        print_json(_for_machines(seen, code))
        return code
    if seen.checkpoint is None and not seen.wrong:
        print("No run was entered in the ledger yet.")
        return code
    if seen.attempts:
        Console().print(NameTable(HEAD, [_row(each) for each in seen.attempts]))
    if seen.checkpoint is not None:
        print(f"\n{seen.checkpoint.told()}")
        print(f"An outsider checks that with: head -n {seen.checkpoint.size} {path_of(workspace)} | sha256sum")
    if told := last_told(workspace):
        print(f"L{told[1:]}.")
    for sentence in seen.wrong:
        print(f"{PREFIX}{sentence}", file=sys.stderr)
    if not seen.wrong:
        going = [each.attempt.run for each in seen.attempts if each.goes_on]
        held = " It is what it was when your checkpoint was made, or follows on that." if known else ""
        end = f"; {in_words(going)} still goes on" if going else ""
        print(
            f"Every line follows from the line before it, and every run has its end, and its folder as it was then{end}.{held}"
        )
    return code


def _row(seen: AttemptSeen) -> tuple[str, ...]:
    attempt = seen.attempt
    begun = attempt.utc[:19].replace("T", " ")
    result = "goes on" if seen.goes_on else attempt.result
    if attempt.addenda:
        result = f"{result} (addendum {attempt.addenda[-1].number}: {attempt.addenda[-1].result})"
    mode = f"{attempt.mode}, BREAK GLASS" if attempt.broke_glass else attempt.mode
    return attempt.run, str(attempt.line), begun, mode, result, attempt.restoration, seen.folder


def _for_machines(seen: LedgerSeen, code: int) -> dict[str, object]:
    at = seen.checkpoint
    return {
        "exit_code": code,
        "checkpoint": None if at is None else {**asdict(at), "note": at.note()},
        "attempts": [
            {
                "run": each.attempt.run,
                "line": each.attempt.line,
                "begun": each.attempt.utc,
                "mode": each.attempt.mode,
                "drill_digest": each.attempt.drill_digest,
                "result": None if each.goes_on else each.attempt.result,
                "restoration": each.attempt.restoration or None,
                "folder": each.folder,
                **({"break_glass": True} if each.attempt.broke_glass else {}),
                **({"addenda": [asdict(added) for added in each.attempt.addenda]} if each.attempt.addenda else {}),
            }
            for each in seen.attempts
        ],
        "wrong": list(seen.wrong),
    }
