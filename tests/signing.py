"""People of a sample plant who sign, with keys that are made for a test; and signatures of FIDO keys that no hardware ever saw."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from islandmode.core.sshsig import armoured
from islandmode.store.people import folder_of

NAMESPACES = (
    "request@islandmode,approval@islandmode,go@islandmode,revoke@islandmode,paper@islandmode,tabletop@islandmode"
)
VALID = f'namespaces="{NAMESPACES}",valid-after="20260101Z",valid-before="20400101Z"'
PERSONS = {
    "engineer": ("OT engineer", ("ot-engineering",)),
    "shift-lead": ("Shift lead", ("plant-operations",)),
    "plant-manager": ("Plant manager", ("plant-operations", "plant-management")),
    "security-lead": ("OT security lead", ("ot-security",)),
}
"""Plainly fictional roles of the sample plant Riverside: position and roles of each."""
TWO_PEOPLE = "base: two-people\n"


@dataclass(frozen=True)
class Keys:
    """Where the private key of each person lies."""

    folder: Path

    def of(self, person: str) -> Path:
        """Give the private key of a person."""
        return self.folder / person

    def public(self, person: str) -> str:
        """Give the public key of a person, as type and Base64."""
        kind, blob, *_ = self.of(person).with_name(f"{person}.pub").read_text(encoding="ascii").split()
        return f"{kind} {blob}"

    def make(self, name: str) -> Path:
        """Make a key."""
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.of(name)))
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        return self.of(name)


def person_yaml(key: str, position: str, roles: tuple[str, ...], principals: tuple[str, ...] = ()) -> str:
    """Write a person of people.yaml."""
    named = ", ".join(principals or (f"{key}@riverside",))
    return (
        f"  {key}:\n    name: The {position.lower()} of Riverside\n    position: {position}\n    organisation: Riverside (sample plant)\n"
        f"    roles: [{', '.join(roles)}]\n    principals: [{named}]\n"
    )


def people_yaml(persons: Mapping[str, tuple[str, tuple[str, ...]]] = PERSONS) -> str:
    """Write people.yaml."""
    return "people:\n" + "".join(person_yaml(key, position, roles) for key, (position, roles) in persons.items())


def make_people(workspace: Path, keys: Keys, policy: str = TWO_PEOPLE) -> None:
    """Give a workspace its people, with a new key each."""
    folder = folder_of(workspace)
    folder.mkdir(parents=True)
    for person in PERSONS:
        keys.make(person)
    (folder / "people.yaml").write_text(people_yaml(), encoding="utf-8")
    lines = [f"{person}@riverside {VALID} {keys.public(person)}\n" for person in PERSONS]
    (folder / "allowed_signers").write_text("".join(lines), encoding="utf-8")
    (folder / "revoked_keys").write_text("", encoding="utf-8")
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")


FIDO = b"sk-ssh-ed25519@openssh.com"
APPLICATION = b"ssh:"


def text(data: bytes) -> bytes:
    """Write bytes in SSH's own form."""
    return len(data).to_bytes(4, "big") + data


@dataclass(frozen=True)
class FakeFido:
    """A FIDO key in software only: the signatures are whole, and no hardware, no touch and no PIN were there, whatever their flags say."""

    private: Ed25519PrivateKey

    @classmethod
    def make(cls) -> FakeFido:
        """Make a key in software."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def blob(self) -> bytes:
        """Give the public key."""
        return text(FIDO) + text(self.private.public_key().public_bytes_raw()) + text(APPLICATION)

    @property
    def public(self) -> str:
        """Give the public key as a line has it."""
        return f"{FIDO.decode()} {base64.b64encode(self.blob).decode()}"

    def sign(self, data: bytes, namespace: str, flags: int, counter: int = 7) -> bytes:
        """Sign as such a key does, with flags of one's choice."""
        about = text(namespace.encode()) + text(b"") + text(b"sha512")
        signed = b"SSHSIG" + about + text(hashlib.sha512(data).digest())
        seen = bytes([flags]) + counter.to_bytes(4, "big")
        made = self.private.sign(hashlib.sha256(APPLICATION).digest() + seen + hashlib.sha256(signed).digest())
        signature = text(FIDO) + text(made) + seen
        return armoured(b"SSHSIG" + (1).to_bytes(4, "big") + text(self.blob) + about + text(signature))
