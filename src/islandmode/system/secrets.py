"""Secrets: resolved from references when needed, never printed, and masked in everything that is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from islandmode.core.errors import InputError, Refused
from islandmode.core.secret_reference import FORMS, argv_of, expected_of, shown
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.process import CREDENTIALS
from islandmode.system.redaction import KNOWN, Redactor, Secret
from islandmode.system.secret_program import WITHIN_S, NotPrinted, printed_by

SIZE_MAX_BYTES = 64 * 1024
KEY_BEGINS = "-----BEGIN "
AT_ONCE_MAX = 64
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secrets:
    """Resolves references to secrets; `lab` is given only where a running lab may be asked."""

    def __init__(
        self,
        workspace: Path,
        lab: Callable[[str], str] | None = None,
        *,
        redactor: Redactor = KNOWN,
        clock: Clock | None = None,
        within_s: float = WITHIN_S,
    ) -> None:
        """Resolve relative paths against the workspace; every resolved secret is added to the redactor."""
        self._workspace = workspace
        self._lab = lab
        self._redactor = redactor
        self._clock = clock
        self._within_s = within_s
        self._ran: dict[str, str | InputError] = {}

    def run_programs(self, references: Iterable[str | None]) -> None:
        """Run the programs of these references, all at once and each once: many devices wait for the slowest, not for the sum."""
        programs = {reference for reference in references if reference and reference.startswith("command:")}
        programs = {reference for reference in programs - self._ran.keys() if expected_of(reference) is None}
        if programs:
            with ThreadPoolExecutor(min(len(programs), AT_ONCE_MAX)) as threads:
                self._ran |= zip(programs, threads.map(self._run, programs), strict=True)

    def resolve(self, reference: str) -> Secret:
        """Return the secret that a reference names; errors name the reference, never a value."""
        kind, _, name = reference.partition(":")
        sources = {
            "env": self._env,
            "file": self._file,
            "systemd": self._credential,
            "command": self._printed,
            "lab": self._from_lab,
        }
        if kind not in sources or not name:
            # What stands there may be a secret written out by mistake, so it is not repeated.
            raise InputError(f"A secret is named by a reference: {FORMS}.")
        expected = expected_of(reference)
        if expected is not None:
            raise InputError(f"A reference to a secret must be {expected}.")
        value = sources[kind](name)
        if not value:
            raise InputError(f"The secret {shown(reference)} is empty; give it a value.")
        if len(value.splitlines()) > 1 and not value.startswith(KEY_BEGINS):
            raise InputError(
                f'The secret {shown(reference)} has several lines; a password is one line, and a key begins with "{KEY_BEGINS}".'
            )
        self._redactor.learn(value)
        return Secret(value)

    def redact(self, text: str) -> str:
        """Replace every secret resolved so far by a placeholder."""
        return self._redactor.redact(text)

    def _env(self, name: str) -> str:
        try:
            return os.environ[name]
        except KeyError:
            raise InputError(f"The secret env:{name} is not set; export {name} before you start this.") from None

    def _file(self, name: str) -> str:
        path = self._workspace / name
        open_to = f"can be read by others; make it private: chmod 600 {path}"
        return _private_text(path, f"The secret file:{name}", OTHERS, open_to).rstrip("\r\n")

    def _credential(self, name: str) -> str:
        """Read what systemd put into a folder of the unit that this process belongs to."""
        what, folder = f"The secret systemd:{name}", os.environ.get(CREDENTIALS)
        if not folder:
            raise InputError(
                f"{what} is not here: systemd gave this process no credentials ({CREDENTIALS} is not set); start it as a unit with "
                f"LoadCredential={name}:PATH, or by hand with systemd-run --pty --property=LoadCredential={name}:PATH."
            )
        path = Path(folder) / name
        if not path.exists():
            raise InputError(
                f"{what} is not among the credentials of this process; add LoadCredential={name}:PATH to its unit and start it again."
            )
        # systemd lets a unit's account read its credentials by an access list, which shows as a right of the group.
        open_to = "can be read by every account; only systemd may put it there, and it does that in private."
        return _private_text(path, what, stat.S_IRWXO, open_to).rstrip("\r\n")

    def _printed(self, words: str) -> str:
        reference = f"command:{words}"
        self.run_programs((reference,))
        found = self._ran[reference]
        if isinstance(found, InputError):
            raise found
        return found

    def _run(self, reference: str) -> str | InputError:
        """Run the program of a reference; what it printed stands in no error."""
        clock = self._clock or MachineClock.of_this_boot()
        argv, what = argv_of(reference.partition(":")[2]), shown(reference).partition(":")[2]
        try:
            data = printed_by(argv, clock, within_s=self._within_s, most_bytes=SIZE_MAX_BYTES)
            return data.decode("utf-8").rstrip("\r\n")
        except NotPrinted as why:
            return InputError(f"The program {what}, which prints a secret, {why}.")
        except UnicodeDecodeError:
            return InputError(f"The program {what}, which prints a secret, printed what is not UTF-8 text.")

    def _from_lab(self, name: str) -> str:
        if self._lab is None:
            raise Refused(
                f"The secret lab:{name} exists only in a rehearsal; give the plant's device a secret of its own."
            )
        return self._lab(name)


def _private_text(path: Path, what: str, closed_to: int, open_to: str) -> str:
    """Read a file that no other account can read. It is opened first, so that the checked file is the file that is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{what} is not a file.")
            if stat.S_IMODE(found.st_mode) & closed_to:
                raise InputError(f"{what} {open_to}")
            if found.st_size > SIZE_MAX_BYTES:
                raise InputError(f"{what} has {found.st_size} bytes; at most {SIZE_MAX_BYTES} are read.")
            return file.read(SIZE_MAX_BYTES).decode("utf-8")
    except OSError as error:
        raise InputError(f"{what} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise InputError(f"{what} is not UTF-8 text.") from None
