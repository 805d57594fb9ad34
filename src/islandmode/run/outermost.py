"""The outermost edge of the program: every end becomes one of the exit codes, and never a traceback.

0 held and restoration proven    4 refused before it isolated anything, nothing of it left on any device
1 breached                       5 restoration unproven; outranks all others
2 bad input, nothing touched     6 finished, nothing to judge
3 inconclusive or not tested     7 internal error; 5 if anything may still be isolated

Most refusals come before a device is touched, and say so. A refusal that comes while devices are armed names them: their
objects were removed and seen gone, or the code is 5.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from islandmode.core.errors import IslandmodeError
from islandmode.core.text import cleaned
from islandmode.system import modes
from islandmode.system.apart import apart
from islandmode.system.redaction import redacted

NOTHING_TO_JUDGE, INTERNAL, STRANDED = 6, 7, 5
WRITE_S = 2.0


class Broken(Exception):
    """A fault of Islandmode in the middle of a run; `restored` says whether every point was seen restored all the same."""

    def __init__(self, *, restored: bool) -> None:
        """Carry what the exit code depends on; the fault itself is the cause."""
        super().__init__("internal error during the run")
        self.restored = restored


def sentence_of(error: BaseException) -> str:
    """Give an error's words, fit for a terminal: without secrets, and with nothing from a device that could steer it."""
    return cleaned(redacted(str(error)), lines=True)


def exit_code_of(
    command: Callable[[], int], crash_file: Path, told: Callable[[int, Sequence[str]], object] | None = None
) -> int:
    """Run a command and return its exit code; every error becomes one sentence on standard error, and goes to `told`."""
    said: list[str] = []

    def say(sentence: str) -> None:
        print(f"islandmode: {sentence}", file=sys.stderr)
        said.extend(sentence.splitlines())

    try:
        return command()
    except IslandmodeError as error:
        code = error.exit_code
        say(sentence_of(error))
    except Exception as error:  # noqa: BLE001 - the last edge: a person sees a sentence, the details go into a file
        code = _internal(error, crash_file, say)
    if told is not None:
        told(code, said)
    return code


def _internal(error: Exception, crash_file: Path, say: Callable[[str], None]) -> int:
    code = STRANDED if isinstance(error, Broken) and not error.restored else INTERNAL
    if code == STRANDED:
        say("STRANDED: an internal error ended the run and restoration was not seen.")

    def write() -> None:
        modes.make_folders(crash_file.parent)
        # What was raised may quote what a device said, or what was said to it.
        modes.write_text(crash_file, cleaned(redacted("".join(traceback.format_exception(error))), lines=True))

    unwritten = apart(write, WRITE_S)
    where = "its details could not be written" if unwritten else f"details are in {crash_file}"
    cause = error.__cause__ or error
    say(f"internal error ({type(cause).__name__}); {where}. Please report it.")
    return code
