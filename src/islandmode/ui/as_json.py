"""What commands say for machines (`--json`): one JSON document on standard output, whatever happens.

A command that has a document of its own prints that. One that only says sentences, and any that ends with an error, prints
`exit_code`, `told` (what it said) and `errors` (what was wrong, by line). Sentences for people stay on standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from islandmode.core.errors import IslandmodeError
from islandmode.run.outermost import sentence_of
from islandmode.system.output import KeptOutput, telling

PREFIX = "islandmode: "
SPEAKING = frozenset({"approvals", "conduct", "devices", "ledger", "plan", "run", "runs", "show", "status", "validate"})
"""The commands that have `--json`."""


def is_wanted(arguments: Sequence[str]) -> bool:
    """Tell whether a command line asks for JSON; one that cannot be understood may, too."""
    command = next((word for word in arguments if not word.startswith("-")), "")
    return command in SPEAKING and "--json" in arguments


def print_json(document: Any) -> None:
    """Print a document for machines."""
    print(json.dumps(document, indent=2))


def print_error(code: int, errors: Sequence[str]) -> None:
    """Print what a command that failed says for machines."""
    print_json({"exit_code": code, "told": [], "errors": list(errors)})


def print_as_json(act: Callable[[], int], **more: Any) -> int:
    """Run what says sentences, and print them for machines, with what else there is to say; returns its exit code."""
    kept = KeptOutput()

    def tell(code: int, _errors: Sequence[str]) -> None:
        kept.let_go()
        for line in kept.errors:
            print(line, file=sys.stderr)
        errors = [line.removeprefix(PREFIX) for line in kept.errors]
        print_json({"exit_code": code, **more, "told": kept.told, "errors": errors})

    try:
        with telling(tell):
            code = act()
    except IslandmodeError as error:
        code = error.exit_code
        print(f"{PREFIX}{sentence_of(error)}", file=sys.stderr)
    except BaseException:
        kept.let_go()
        raise
    tell(code, ())
    return code
