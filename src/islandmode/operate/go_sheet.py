"""The go sheet: made on the machine of the person who signs, printed once, and kept nowhere else."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from islandmode.core.approval import Approval
from islandmode.core.errors import InputError, Refused
from islandmode.core.go_code import CODE_BITS, CODES, code_of
from islandmode.core.people import People

OWN = 0o600
NOTHING_SIGNED = "Nothing was signed."


@dataclass(frozen=True)
class GoSheet:
    """A file that does not exist yet, for the page with an approval's codes; only the account that signs may read it."""

    path: Path
    page: Callable[[Approval, tuple[str, ...]], str]
    """Writes the page."""

    def write(self, approval: Approval, codes: tuple[str, ...]) -> None:
        """Write it, before the approval is signed: codes that nobody has on paper give no go. Raises `InputError`."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, OWN)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, OWN)
                file.write(self.page(approval, codes))
                file.flush()
                os.fsync(descriptor)
        except FileExistsError:
            raise InputError(
                f"{self.path} is there already; name a new file for the go sheet. {NOTHING_SIGNED}"
            ) from None
        except OSError as error:
            raise InputError(
                f"The go sheet {self.path} cannot be written ({error.strerror}); name a file that you may write. {NOTHING_SIGNED}"
            ) from None

    def take_away(self) -> None:
        """Remove it again, where nothing was signed."""
        with suppress(OSError):
            self.path.unlink()


def new_codes() -> tuple[str, ...]:
    """Draw the codes of a sheet."""
    return tuple(code_of(secrets.randbits(CODE_BITS)) for _ in range(CODES))


def refuse_sheet(workspace: Path, path: Path, role: str, people: People, *, on_paper: bool) -> None:
    """Refuse a go sheet where it must not lie, or for a role that says no go, before anything is asked; raises `InputError` and `Refused`."""
    if on_paper:
        raise Refused(
            f"A paper form has no go sheet: who enters the form would have its codes. The go is then given with a key. {NOTHING_SIGNED}"
        )
    if role not in people.policy.go:
        raise Refused(
            f"Role {role} may not say go by the policy ({', '.join(people.policy.go)} may); leave --go-sheet out. {NOTHING_SIGNED}"
        )
    if os.path.lexists(path):
        raise InputError(f"{path} is there already; name a new file for the go sheet. {NOTHING_SIGNED}")
    folder = path.absolute().parent.resolve()
    inside = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
    if inside is None and folder.is_relative_to(workspace.resolve()):
        inside = workspace
    if inside is not None:
        raise InputError(
            f"{path} lies in {inside}, a repository or workspace that others read; name a file for the go sheet outside of it. {NOTHING_SIGNED}"
        )
