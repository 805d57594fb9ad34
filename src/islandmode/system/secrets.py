"""Secrets: resolved from references when needed, never printed, and masked in everything that is written."""

from __future__ import annotations

import os
import queue
import stat
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from islandmode.core.errors import InputError, Refused
from islandmode.core.secret_reference import FORMS, argv_of, expected_of, in_vault, shown
from islandmode.system.ansible_vault import VaultTrouble, opened, value_of
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.life import FAULTS
from islandmode.system.process import CREDENTIALS
from islandmode.system.ready import start_work
from islandmode.system.redaction import KNOWN, Redactor, Secret
from islandmode.system.secret_program import KILL_S, WITHIN_S, NotPrinted, printed_by

SIZE_MAX_BYTES = 64 * 1024
KEY_BEGINS = "-----BEGIN "
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
        self._had: dict[str, str | BaseException] = {}

    def fetch(self, references: Iterable[str | None]) -> None:
        """Fetch what lies on a disk or comes from a program, all at once and each once: many devices wait for the slowest alone.

        What does not come in time is left behind: a restore must not wait for a disk that hangs.
        """
        wanted = dict.fromkeys(reference for reference in references if reference and self._is_fetched(reference))
        heard: queue.SimpleQueue[tuple[str, str | BaseException]] = queue.SimpleQueue()
        clock = self._clock or MachineClock.of_this_boot()
        for reference in wanted:
            self._had[reference] = InputError(
                f"The secret {shown(reference)} did not come within {self._bound_s:g} s; see whether its disk answers."
            )
            try:
                start_work(partial(self._fetch_one, reference, heard))
            except RuntimeError as error:
                heard.put((reference, InputError(f"The secret {shown(reference)} cannot be fetched ({error}).")))
        until_us = clock.monotonic_us() + round(self._bound_s * 1_000_000)
        for _ in wanted:
            try:
                reference, found = heard.get(timeout=max(0.0, (until_us - clock.monotonic_us()) / 1_000_000))
            except queue.Empty:
                break
            self._had[reference] = found

    @property
    def _bound_s(self) -> float:
        """Seconds within which every secret is had or given up: a program's own time, and what it takes to end one."""
        return self._within_s + 2 * KILL_S

    def _is_fetched(self, reference: str) -> bool:
        slow = reference.partition(":")[0] in {"file", "systemd", "command", "vault"}
        return slow and reference not in self._had and expected_of(reference) is None

    def _fetch_one(self, reference: str, heard: queue.SimpleQueue[tuple[str, str | BaseException]]) -> None:
        kind, _, name = reference.partition(":")
        sources = {"file": self._file, "systemd": self._credential, "command": self._printed, "vault": self._in_vault}
        try:
            heard.put((reference, sources[kind](name)))
        except FAULTS as error:
            heard.put((reference, error))

    def resolve(self, reference: str) -> Secret:
        """Return the secret that a reference names; errors name the reference, never a value."""
        kind, _, name = reference.partition(":")
        if kind not in {"env", "file", "systemd", "command", "vault", "lab"} or not name:
            # What stands there may be a secret written out by mistake, so it is not repeated.
            raise InputError(f"A secret is named by a reference: {FORMS}.")
        expected = expected_of(reference)
        if expected is not None:
            raise InputError(f"A reference to a secret must be {expected}.")
        value = (
            self._env(name) if kind == "env" else self._from_lab(name) if kind == "lab" else self._fetched(reference)
        )
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
        """Run a program; what it printed stands in no error."""
        clock = self._clock or MachineClock.of_this_boot()
        argv, what = argv_of(words), shown(f"command:{words}").partition(":")[2]
        try:
            data = printed_by(argv, clock, within_s=self._within_s, most_bytes=SIZE_MAX_BYTES)
            return data.decode("utf-8").rstrip("\r\n")
        except NotPrinted as why:
            raise InputError(f"The program {what}, which prints a secret, {why}.") from None
        except UnicodeDecodeError:
            raise InputError(f"The program {what}, which prints a secret, printed what is not UTF-8 text.") from None

    def _in_vault(self, name: str) -> str:
        """Open a vault; neither its password nor anything in it stands in an error. The password is masked from then on, as every secret."""
        vault = in_vault(name)
        what, path = f"The secret vault:{vault.path}#{vault.key}", self._workspace / vault.path
        password = self.resolve(vault.password)
        # It is encrypted, so that others may read the file itself.
        text = _private_text(path, what, 0, "")
        try:
            return value_of(opened(text, password), vault.key)
        except VaultTrouble as why:
            raise InputError(f"{what} cannot be had: {path} {str(why).replace('FILE', str(path))}.") from None

    def _fetched(self, reference: str) -> str:
        self.fetch((reference,))
        found = self._had[reference]
        if isinstance(found, BaseException):
            raise found
        return found

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
