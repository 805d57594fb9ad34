"""Requests, approvals and revocations in `approvals/`: a small file each, with ssh-keygen's signature beside it. A plain git repository carries them.

They are kept for good: a spent approval is a witness of the ledger that its signer saw.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from islandmode.core.approval import (
    SIZE_MAX_BYTES,
    Approval,
    BadDocument,
    Document,
    Kept,
    document_bytes,
    namespace_of,
    read_document,
    signs,
)
from islandmode.core.errors import InputError
from islandmode.core.moments import utc_text
from islandmode.core.people import People
from islandmode.core.sshsig import SIZE_MAX_BYTES as SIGNATURE_MAX_BYTES
from islandmode.core.sshsig import BadSignature, SshSignature, read_signature
from islandmode.core.text import cleaned
from islandmode.store.people import REVOKED, SIGNERS, folder_of
from islandmode.system.machine_state import read_plain
from islandmode.system.modes import make_folders, write_bytes
from islandmode.system.ssh_signature import Allowed, SignatureTrouble, verified

APPROVALS = "approvals"
ENDING, SIGNATURE_ENDING = ".json", ".json.sig"
PHOTOGRAPH_MAX_BYTES = 20 * 1024 * 1024
NO_SIGNATURE = "nobody signed it"


def shown(name: str) -> str:
    """Name a file of the folder as an operator would."""
    return f"{APPROVALS}/{cleaned(name)}"


def path_of(workspace: Path, identity: str) -> Path:
    """Give the file of a document."""
    return workspace / APPROVALS / f"{identity}{ENDING}"


def kept_documents(workspace: Path, people: People, now: datetime) -> tuple[Kept, ...]:
    """Read every document of a workspace and check its signature; what is wrong with one is said in its place. Raises `InputError`."""
    folder = workspace / APPROVALS
    try:
        found = sorted(
            path for path in folder.iterdir() if path.name.endswith(ENDING) and not path.name.startswith(".")
        )
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read ({error.strerror}); it has the approvals of this workspace."
        ) from error
    return tuple(read_kept(workspace, path, people, now) for path in found)


def read_kept(workspace: Path, path: Path, people: People, now: datetime) -> Kept:
    """Read a document and check its signature; never raises for a document."""
    name = shown(path.name)
    try:
        data = read_plain(path, SIZE_MAX_BYTES + 1)
    except OSError as error:
        return Kept(name, None, "", trouble=f"it cannot be read ({error.strerror})")
    digest = hashlib.sha256(data).hexdigest()
    try:
        document = read_document(data)
    except BadDocument as bad:
        return Kept(name, None, digest, trouble=str(bad))
    if path.name != f"{document.id}{ENDING}":
        return Kept(name, document, digest, trouble=f"its file is {name}, and not {shown(document.id + ENDING)}")
    try:
        signature = read_plain(path.with_name(f"{document.id}{SIGNATURE_ENDING}"), SIGNATURE_MAX_BYTES + 1)
    except FileNotFoundError:
        return Kept(name, document, digest, trouble=NO_SIGNATURE)
    except OSError as error:
        return Kept(name, document, digest, trouble=f"its signature cannot be read ({error.strerror})")
    try:
        read = read_signature(signature)
    except BadSignature as bad:
        return Kept(name, document, digest, trouble=f"its signature is not taken: {bad}")
    trouble = checked(workspace, document, data, (signature, read), people, now) or _photograph(workspace, document)
    return Kept(name, document, digest, read, trouble)


def checked(
    workspace: Path,
    document: Document,
    data: bytes,
    signature: tuple[bytes, SshSignature],
    people: People,
    now: datetime,
) -> str:
    """Say why a signature is not one of the person who has to sign a document, as a clause; empty where it is."""
    made, read = signature
    namespace = namespace_of(document)
    if read.namespace != namespace:
        return f"it was signed for {read.namespace}, and not for {namespace}"
    lines = people.signers_with(read.key)
    if not lines:
        return f"the key that signed it is not in {folder_of(Path()) / SIGNERS}"
    person = people.owner_of(lines[0].principal)
    if read.key in people.revoked:
        return f"the key that signed it, of {person}, is revoked"
    line = people.signer_for(read.key, namespace, now)
    if line is None:
        may = [line for line in lines if namespace in line.namespaces]
        if not may:
            return f"the key that signed it, of {person}, may not sign {namespace}"
        after = may[-1].valid_after
        if after is not None and now < after:
            return f"the key that signed it, of {person}, is not valid before {utc_text(after)}"
        return f"the key that signed it, of {person}, was valid until {utc_text(may[-1].valid_before)}"
    if person != signs(document):
        return f"it says that {signs(document)} signed it, and {person} did"
    if read.untouched:
        return read.untouched
    folder = folder_of(workspace)
    by = Allowed(folder / SIGNERS, folder / REVOKED, line.principal, namespace)
    try:
        return (
            ""
            if verified(data, made, by, now)
            else "its signature does not hold: the file, or the signature, was changed"
        )
    except SignatureTrouble as trouble:
        return f"its signature could not be checked: {trouble}"


def _photograph(workspace: Path, document: Document) -> str:
    """Say why the photograph of a paper form is not the one that was entered, as a clause; empty where it is, or no paper."""
    if not isinstance(document, Approval) or document.paper is None:
        return ""
    name = document.paper.photograph
    try:
        data = read_plain(workspace / APPROVALS / name, PHOTOGRAPH_MAX_BYTES + 1)
    except OSError as error:
        return f"the photograph of the form, {shown(name)}, cannot be read ({error.strerror})"
    if hashlib.sha256(data).hexdigest() != document.paper.sha256:
        return f"the photograph of the form, {shown(name)}, is not the one that was entered"
    return ""


def keep(workspace: Path, document: Document, signature: bytes, photograph: tuple[str, bytes] | None = None) -> Path:
    """Write a document with its signature, and the photograph of a paper form; the document last. Raises `InputError`."""
    path = path_of(workspace, document.id)
    try:
        make_folders(path.parent)
        if photograph is not None:
            write_bytes(path.with_name(photograph[0]), photograph[1])
        write_bytes(path.with_name(f"{document.id}{SIGNATURE_ENDING}"), signature)
        write_bytes(path, document_bytes(document))
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); make room or rights there.") from error
    return path
