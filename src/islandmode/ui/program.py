"""The program: one command line in, one exit code out, and every error a sentence."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import NoReturn

# Typer brings a click of its own and gives this name nowhere else; the installed `click` is another class.
from typer._click.exceptions import ClickException
from typer.main import get_command

from islandmode.run.outermost import INTERNAL, exit_code_of
from islandmode.system.output import outlast_readers, telling, unsaid
from islandmode.ui import as_json
from islandmode.ui.cli import BAD_INPUT, CRASH_FILE, app
from islandmode.ui.cli_words import JSON


def command(arguments: list[str]) -> int:
    """Run one command line and return its exit code; a command line that typer does not understand is bad input."""
    try:
        ended = get_command(app).main(arguments, prog_name="islandmode", standalone_mode=False)
    except ClickException as complaint:
        complaint.show()
        _tell_machines(arguments, BAD_INPUT, [complaint.format_message()])
        return BAD_INPUT
    return int(ended or 0)


def _tell_machines(arguments: Sequence[str], code: int, errors: Sequence[str]) -> None:
    if as_json.is_wanted(arguments):
        as_json.print_error(code, errors)


def called(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every error becomes one sentence, for machines too where they asked."""
    tell = partial(_tell_machines, arguments)
    with telling(tell) if JSON in arguments else nullcontext():
        return exit_code_of(lambda: command(arguments), CRASH_FILE, tell)


def main() -> NoReturn:
    """Run the program."""
    outlast_readers()
    code = called(sys.argv[1:])
    why = unsaid()
    if why:
        print(f"islandmode: what this command said could not all be written ({why}).", file=sys.stderr)
        code = code or INTERNAL
    sys.exit(code)
