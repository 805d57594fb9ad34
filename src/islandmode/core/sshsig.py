"""OpenSSH's signatures (SSHSIG), taken apart: which key, for which purpose, and whether a person touched the key. Pure.

Whether a signature holds is ssh-keygen's to say. It takes a FIDO signature that was made without a touch or a PIN, and any armour that decodes
to the same bytes; both are refused here. The form is OpenSSH's PROTOCOL.sshsig.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from islandmode.core.signers import KEY_TYPES, PublicKey
from islandmode.core.text import cleaned

BEGIN, END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
MAGIC, VERSION = b"SSHSIG", 1
LINE_LETTERS = 70
SIZE_MAX_BYTES = 8192
HASHES = ("sha512", "sha256")
USER_PRESENT, USER_VERIFIED = 0x01, 0x04
"""FIDO flags: the key was touched; its PIN, or a finger, was given."""


class BadSignature(Exception):
    """Why a file is no signature that is taken here, as a clause."""


@dataclass(frozen=True)
class SshSignature:
    """A signature's own words; nothing of it says whether it holds."""

    key: PublicKey
    namespace: str
    hash: str
    flags: int | None = None
    """FIDO flags; None where the key is no FIDO key."""
    counter: int | None = None

    @property
    def untouched(self) -> str:
        """Say what a FIDO key did not ask of the person, as a clause; empty where it asked both, and for a key without hardware."""
        if self.flags is None:
            return ""
        lacking = [
            what for flag, what in ((USER_PRESENT, "a touch"), (USER_VERIFIED, "its PIN")) if not self.flags & flag
        ]
        if not lacking:
            return ""
        return f"it was made by a FIDO key without {' and '.join(lacking)} (flags 0x{self.flags:02x}); sign with a key that was made with -O verify-required"


class _Reader:
    """Bytes in SSH's own form, read from their beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, length: int) -> bytes:
        if length > len(self._data):
            raise BadSignature("it ends too early")
        taken, self._data = self._data[:length], self._data[length:]
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def text(self) -> bytes:
        return self.take(self.number())

    def end(self) -> None:
        if self._data:
            raise BadSignature("something follows its end")


def read_signature(data: bytes) -> SshSignature:
    """Take a signature file apart; raises `BadSignature`."""
    reader = _Reader(_unarmoured(data))
    if reader.take(len(MAGIC)) != MAGIC or reader.number() != VERSION:
        raise BadSignature("it is no signature of OpenSSH")
    key = _key(reader.text())
    namespace = reader.text()
    reserved = reader.text()
    hashed = reader.text().decode("ascii", "replace")
    signature = _Reader(reader.text())
    reader.end()
    if reserved or hashed not in HASHES:
        raise BadSignature("it uses what OpenSSH's own signatures do not")
    kind = signature.text().decode("ascii", "replace")
    if kind != key.kind and not (key.kind == "ssh-rsa" and kind in ("rsa-sha2-512", "rsa-sha2-256")):
        raise BadSignature("its kind does not fit its key")
    signature.text()
    flags = counter = None
    if key.is_hardware:
        flags, counter = signature.take(1)[0], signature.number()
    signature.end()
    return SshSignature(key, cleaned(namespace.decode("utf-8", "replace")), hashed, flags, counter)


def _unarmoured(data: bytes) -> bytes:
    """Take the armour off; of all the ways to write the same signature only ssh-keygen's own is taken, so that a file has one form."""
    if len(data) > SIZE_MAX_BYTES:
        raise BadSignature("it is longer than any signature")
    if not data.startswith(BEGIN) or not data.endswith(END):
        raise BadSignature("it is not as ssh-keygen writes a signature")
    try:
        raw = base64.b64decode(data[len(BEGIN) : -len(END)].replace(b"\n", b""), validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("it is not as ssh-keygen writes a signature") from None
    if armoured(raw) != data:
        raise BadSignature("its armour is not as ssh-keygen writes it: the same signature has one form only")
    return raw


def armoured(raw: bytes) -> bytes:
    """Write a signature's bytes as ssh-keygen does."""
    letters = base64.b64encode(raw)
    lines = (letters[at : at + LINE_LETTERS] + b"\n" for at in range(0, len(letters), LINE_LETTERS))
    return BEGIN + b"".join(lines) + END


def _key(blob: bytes) -> PublicKey:
    kind = _Reader(blob).text().decode("ascii", "replace")
    if kind not in KEY_TYPES:
        raise BadSignature(f"its key is of a type that is not taken here, {cleaned(kind)}")
    return PublicKey(kind, base64.b64encode(blob).decode("ascii"))
