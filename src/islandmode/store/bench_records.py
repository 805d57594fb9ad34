"""The records of benches, in `inventory/benched/SITE/DEVICE/`: a folder for each, with record, signature and what was said at the console.

A workspace is kept by version control and read by several accounts: a record is public within it, and has no secret in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from islandmode.core.bench.record import BenchRecord, Signature
from islandmode.core.text import cleaned
from islandmode.store.transcripts import TRANSCRIPTS
from islandmode.system.machine_state import read_plain
from islandmode.system.modes import make_folders, write_bytes
from islandmode.system.ssh_signature import SignatureTrouble, sign, signer

BENCHED = Path("inventory") / "benched"
ALLOWED = Path("inventory") / "allowed_signers"
NAMESPACE = "bench@islandmode"
RECORD, SIGNATURE = "record.json", "record.json.sig"
RECORD_MAX_BYTES = 1024 * 1024
UNSIGNED = Signature(trouble="nobody signed it")


@dataclass(frozen=True)
class KeptRecord:
    """A record as it was found; `trouble` says why it cannot be read."""

    path: Path
    record: BenchRecord | None
    signature: Signature = UNSIGNED
    trouble: str = ""


def folder_of(workspace: Path, site: str, device: str) -> Path:
    """Give the folder of a device's records."""
    return workspace / BENCHED / site / device


def new_folder(workspace: Path, site: str, device: str, at: datetime) -> Path:
    """Make the folder of a new bench; raises OSError."""
    folder = folder_of(workspace, site, device) / f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    make_folders(folder)
    return folder


def as_bytes(record: BenchRecord) -> bytes:
    """Write a record as it is signed."""
    return record.model_dump_json(indent=2).encode() + b"\n"


def keep(folder: Path, record: BenchRecord) -> Path:
    """Write a record, still unsigned; raises OSError."""
    write_bytes(folder / RECORD, as_bytes(record))
    return folder / RECORD


def keep_signature(folder: Path, key: Path) -> None:
    """Sign what stands in a folder; raises `SignatureTrouble` and OSError."""
    write_bytes(folder / SIGNATURE, sign((folder / RECORD).read_bytes(), key, NAMESPACE))


def person_of(workspace: Path, key: Path, at: datetime) -> str:
    """Sign a few words with a key, and say who the allowed signers call its owner; empty where nobody. Raises `SignatureTrouble`."""
    words = f"islandmode tries a key at {at:%Y-%m-%dT%H:%M:%SZ}\n".encode()
    return signer(words, sign(words, key, NAMESPACE), workspace / ALLOWED, NAMESPACE, at).person


def public_half(key: Path) -> str:
    """Give the public half of a key as a line of the allowed signers has it; words for it where it does not lie beside the key."""
    path = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        kind, half, *_ = path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return "and the public key"
    return cleaned(f"{kind} {half}")


def take_back(folder: Path) -> None:
    """Take away the folder of a bench that made nothing, with those above it that are empty then. Never raises."""
    with suppress(OSError):
        for path in (folder / TRANSCRIPTS).iterdir() if (folder / TRANSCRIPTS).is_dir() else ():
            path.unlink()
        for empty in (folder / TRANSCRIPTS, folder, *folder.parents[:3]):
            if empty.is_dir():
                empty.rmdir()


def sha256_of(path: Path) -> str:
    """Give the digest of a file; empty where it is missing."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def kept_records(workspace: Path, site: str, device: str) -> tuple[KeptRecord, ...]:
    """Read the records of a device, the newest first; what is wrong with one is said in its place. Never raises for a record."""
    folder = folder_of(workspace, site, device)
    try:
        found = sorted((path for path in folder.iterdir() if (path / RECORD).is_file()), reverse=True)
    except FileNotFoundError:
        return ()
    except OSError as error:
        return (KeptRecord(folder, None, trouble=f"cannot be read ({error.strerror})"),)
    return tuple(read_record(workspace, path) for path in found)


def read_record(workspace: Path, folder: Path) -> KeptRecord:
    """Read the record in a folder, and check its signature. Never raises for a record."""
    path = folder / RECORD
    try:
        data = read_plain(path)
    except OSError as error:
        return KeptRecord(path, None, trouble=f"cannot be read ({error.strerror})")
    try:
        if len(data) > RECORD_MAX_BYTES:
            return KeptRecord(path, None, trouble="is longer than any record")
        record = BenchRecord.model_validate_json(data)
    except (ValidationError, ValueError):
        return KeptRecord(path, None, trouble="is no record of this version")
    if not all(text == cleaned(text) for text in _texts(record.model_dump(mode="python"))):
        # It is shown to everybody who lists the devices.
        return KeptRecord(path, None, trouble="has characters in it that are no text")
    return KeptRecord(path, record, _signature(workspace, folder, data, record))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, tuple | list):
        for value in node:
            yield from _texts(value)


def _signature(workspace: Path, folder: Path, data: bytes, record: BenchRecord) -> Signature:
    try:
        signature = read_plain(folder / SIGNATURE)
    except FileNotFoundError:
        return UNSIGNED
    except OSError as error:
        return Signature(trouble=f"its signature cannot be read ({error.strerror})")
    try:
        person = signer(data, signature, workspace / ALLOWED, NAMESPACE, record.at).person
    except SignatureTrouble as trouble:
        return Signature(trouble=str(trouble))
    if not person:
        return Signature(trouble=f"the key that signed it is not in {ALLOWED}, for {NAMESPACE} and that day")
    return Signature(person=person)
