"""References to secrets, as a site writes them: where a secret is found, never the secret itself. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

SECRET_PATTERN = r"^(env|file|systemd|command|vault|lab):.+$"  # noqa: S105 - the form of a reference, not a secret
FORMS = "env:NAME, file:PATH, systemd:NAME, command:PROGRAM, vault:PATH#KEY with REFERENCE, or lab:NAME"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VAULT = re.compile(r"(?P<path>[^#]*[^#\s])#(?P<key>[A-Za-z0-9_.-]+) with (?P<password>\S.*)")
_OPENS = ("env:", "file:", "systemd:", "command:")
"""How the reference begins that names the password of a vault."""
_CREDENTIAL = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,254}")


def expected_of(reference: str) -> str | None:
    """Say what a reference must be, where it is not that; what stands there may be a secret, so it is never repeated."""
    kind, _, name = reference.partition(":")
    if re.fullmatch(SECRET_PATTERN, reference, re.DOTALL) is None:
        return f"a reference, {FORMS}"
    if not name.isprintable():
        return f"{kind}: and printable characters, on one line"
    if kind == "env" and not _VARIABLE.fullmatch(name):
        return "env: and the name of a variable, of letters, digits and _"
    if kind == "systemd" and not _CREDENTIAL.fullmatch(name):
        return "systemd: and the name of a credential, of letters, digits and . _ - @, as in LoadCredential=NAME:PATH"
    return _of_program(name) if kind == "command" else _of_vault(name) if kind == "vault" else None


def _of_program(words: str) -> str | None:
    try:
        program = argv_of(words)[0]
    except ValueError:
        return "command: and words in which every quote is closed"
    if not program.startswith("/"):
        return "command: and the absolute path of a program with its arguments, such as command:/usr/bin/pass show plant/firewall"
    return None


def _of_vault(name: str) -> str | None:
    found = _VAULT.fullmatch(name)
    if found is None or not found["password"].startswith(_OPENS):
        return (
            "vault: and a file, # and a key in it, and the word with before a reference to the vault's password, such as "
            "vault:inventory/passwords.yml#firewall with file:vault-password"
        )
    inner = expected_of(found["password"])
    return None if inner is None else f"vault: and, after the word with, {inner}"


@dataclass(frozen=True)
class InVault:
    """What a reference into a vault names: the file, a key in it, and the reference to the vault's own password."""

    path: str
    key: str
    password: str


def in_vault(name: str) -> InVault:
    """Take apart what follows vault: in a reference that is right."""
    found = _VAULT.fullmatch(name)
    if found is None:
        raise ValueError("no reference into a vault")
    return InVault(found["path"], found["key"], found["password"])


def argv_of(words: str) -> tuple[str, ...]:
    """Split what follows command: at its spaces; quotes and backslashes mean what they do in a shell, and nothing else does."""
    return tuple(shlex.split(words)) or ("",)


def shown(reference: str) -> str:
    """Write a reference as a sentence may show it: of a program without its arguments, which may hold a token, and of a vault without its password's."""
    kind, _, name = reference.partition(":")
    if kind == "vault":
        vault = in_vault(name)
        return f"vault:{vault.path}#{vault.key}"
    return f"command:{argv_of(name)[0]}" if kind == "command" else reference
