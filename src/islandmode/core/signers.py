"""OpenSSH's `allowed_signers` and lists of revoked keys, read strictly: what ssh-keygen would take and a reader would miss is refused. Pure.

ssh-keygen honours patterns in principals (any name then signs), lines without `namespaces` (any purpose), lines without `valid-before`
(for ever), times without Z (local time, another moment on another machine) and certificate authorities (keys that nobody sees here).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from islandmode.core.moments import signers_moment, utc_text
from islandmode.core.text import cleaned

PRINCIPAL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$"
_PRINCIPAL = re.compile(PRINCIPAL_PATTERN)
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_OPTION = re.compile(r'(?P<name>[A-Za-z-]+)(?:="(?P<value>[^"]*)")?(?P<end>,|$)')
HARDWARE_TYPES = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    *HARDWARE_TYPES,
)
RSA_LEAST_BYTES = 279
"""How long a public key of RSA with 2048 bits is."""
SHOWN_MAX = 60


@dataclass(frozen=True)
class PublicKey:
    """A public key as OpenSSH writes it: its type, and its bytes in Base64."""

    kind: str
    blob: str

    @property
    def told(self) -> str:
        """Write it as a line has it."""
        return f"{self.kind} {self.blob}"

    @property
    def is_hardware(self) -> bool:
        """Tell whether it is a FIDO key, which a person has to touch."""
        return self.kind in HARDWARE_TYPES


@dataclass(frozen=True)
class Signer:
    """A line of allowed_signers: whose key may sign what, and when."""

    principal: str
    namespaces: tuple[str, ...]
    valid_after: datetime | None
    valid_before: datetime
    key: PublicKey
    line: int

    @property
    def canonical(self) -> str:
        """Write what the line means in the only form that has."""
        after = "" if self.valid_after is None else utc_text(self.valid_after)
        return " ".join(
            (
                self.principal,
                ",".join(sorted(self.namespaces)),
                after or "-",
                utc_text(self.valid_before),
                self.key.told,
            )
        )

    def is_valid(self, at: datetime) -> bool:
        """Tell whether the key may sign at a moment; ssh-keygen counts the last second as within."""
        return (self.valid_after is None or self.valid_after <= at) and at <= self.valid_before


@dataclass(frozen=True)
class BadLine:
    """What is wrong in a line, and where."""

    line: int
    column: int
    sentence: str


class _Wrong(Exception):
    """What is wrong at a column of the line at hand."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column, self.sentence = column, sentence


def read_signers(text: str) -> tuple[tuple[Signer, ...], tuple[BadLine, ...]]:
    """Read allowed_signers: the lines that are good, and what is wrong with the others."""
    good: list[Signer] = []
    bad: list[BadLine] = []
    for number, line in _lines(text):
        try:
            good.append(_signer(line, number))
        except _Wrong as wrong:
            bad.append(BadLine(number, wrong.column, wrong.sentence))
    return tuple(good), tuple(bad)


def read_revoked(text: str) -> tuple[tuple[PublicKey, ...], tuple[BadLine, ...]]:
    """Read revoked_keys, a public key a line: those that are good, and what is wrong with the others."""
    good: list[PublicKey] = []
    bad: list[BadLine] = []
    for number, line in _lines(text):
        try:
            good.append(_key(line, 0))
        except _Wrong as wrong:
            bad.append(BadLine(number, wrong.column, wrong.sentence))
    return tuple(good), tuple(bad)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _signer(line: str, number: int) -> Signer:
    if line != cleaned(line) or "  " in line or line != line.strip():
        raise _Wrong(
            1, "Its parts are not parted by one space each, or something in it is no text; write the line anew."
        )
    principal, _, rest = line.partition(" ")
    _refuse_principal(principal)
    begin = len(principal) + 1
    options, _, key = rest.partition(" ")
    if options in KEY_TYPES or not key:
        raise _Wrong(begin + 1, _NO_NAMESPACES)
    given = _options(options, begin)
    namespaces = _namespaces(given, begin)
    before = _moment(given, "valid-before")
    if before is None:
        raise _Wrong(
            begin + 1, 'There is no valid-before here, so the key would sign for ever; add valid-before="YYYYMMDDZ".'
        )
    after = _moment(given, "valid-after")
    if after is not None and before <= after:
        raise _Wrong(given["valid-before"][1], "valid-before is not later than valid-after; correct one of them.")
    return Signer(principal, namespaces, after, before, _key(key, begin + len(options) + 1), number)


_NO_NAMESPACES = 'There is no namespaces here, so the key would sign anything; add namespaces="approval@islandmode" with what it signs.'


def _refuse_principal(principal: str) -> None:
    if any(letter in principal for letter in "*?!,"):
        raise _Wrong(
            1, f"{_shown(principal)} is a pattern or a list, by which several names could sign; write one principal."
        )
    if not _PRINCIPAL.match(principal):
        raise _Wrong(1, f"{_shown(principal)} is no principal: letters, digits, ., _, @, + and -, at most 100.")


def _options(options: str, begin: int) -> dict[str, tuple[str, int]]:
    """Read the options, each with the column at which it stands."""
    found: dict[str, tuple[str, int]] = {}
    at = 0
    while at < len(options):
        option = _OPTION.match(options, at)
        column = begin + at + 1
        if option is None:
            raise _Wrong(
                column, f'{_shown(options[at:])} is no option: each is NAME="VALUE", with commas and no spaces between.'
            )
        name = option["name"].lower()
        if name == "cert-authority":
            raise _Wrong(
                column, "This would trust keys that do not stand here, by a certificate; write a line for each key."
            )
        if name not in ("namespaces", "valid-after", "valid-before") or option["value"] is None:
            raise _Wrong(
                column,
                f"{_shown(option['name'])} is not read here; known options: namespaces, valid-after, valid-before.",
            )
        if name in found:
            raise _Wrong(column, f"{name} stands here twice; keep one of them.")
        found[name] = option["value"], column
        at = option.end()
    return found


def _namespaces(given: dict[str, tuple[str, int]], begin: int) -> tuple[str, ...]:
    if "namespaces" not in given:
        raise _Wrong(begin + 1, _NO_NAMESPACES)
    value, column = given["namespaces"]
    names = tuple(value.split(","))
    wrong = [name for name in names if _NAMESPACE.fullmatch(name) is None]
    if wrong:
        raise _Wrong(
            column,
            f"{_shown(wrong[0])} is a pattern or no namespace; write each namespace out, such as approval@islandmode.",
        )
    return names


def _moment(given: dict[str, tuple[str, int]], name: str) -> datetime | None:
    if name not in given:
        return None
    value, column = given[name]
    found = signers_moment(value)
    if found is None:
        raise _Wrong(
            column,
            f"{name} {_shown(value)} is no time in UTC; write YYYYMMDDZ or YYYYMMDDHHMMSSZ: without the Z it is local time.",
        )
    return found


def _key(text: str, begin: int) -> PublicKey:
    kind, _, rest = text.partition(" ")
    if kind not in KEY_TYPES:
        raise _Wrong(
            begin + 1, f"{_shown(kind)} is no key type that is taken here; known types: {', '.join(KEY_TYPES)}."
        )
    blob = rest.partition(" ")[0]
    column = begin + len(kind) + 2
    try:
        raw = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    length = len(kind)
    if (
        raw[:4] != length.to_bytes(4, "big")
        or raw[4 : 4 + length] != kind.encode()
        or base64.b64encode(raw).decode() != blob
    ):
        raise _Wrong(column, f"What follows {kind} is no key of that type; copy the line from the key's .pub file.")
    if kind == "ssh-rsa" and len(raw) < RSA_LEAST_BYTES:
        raise _Wrong(column, "This RSA key has fewer than 2048 bits; take another, best ssh-ed25519.")
    return PublicKey(kind, blob)


def _shown(text: str) -> str:
    return cleaned(text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}...") or "nothing"
