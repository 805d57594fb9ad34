"""What a run keeps of the people behind it: the approvals by which it goes, the people files as they are, and how an outsider checks them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from islandmode.core.approval import Approval, Kept, WindowRequest, namespace_of, signs
from islandmode.core.errors import InputError, Refused
from islandmode.core.evidence import APPROVALS, PEOPLE, PRINCIPALS, SCRIPT, VERIFY, Signed, verify_page
from islandmode.core.people import People
from islandmode.operate.approving import Approved
from islandmode.store import approvals as signed_in
from islandmode.store.people import FILES, folder_of, load_people
from islandmode.store.rundir import RunDirectory
from islandmode.system import modes
from islandmode.system.machine_state import read_plain


def keep_evidence(directory: RunDirectory, workspace: Path, approved: Approved, now: datetime) -> dict[str, Any]:
    """Keep who approved a run in its folder, before anything is armed; returns their names. Raises `Refused`, with nothing touched."""
    try:
        people = load_people(workspace)
        documents = tuple(_documents(workspace, approved, people, now))
        for name in FILES:
            _copy(folder_of(workspace) / name, directory.root / PEOPLE / name)
        directory.write_text(f"{PEOPLE}/{PRINCIPALS}", _principals(people))
        for name in sorted({name for kept in documents for name in _files(kept)}):
            _copy(workspace / signed_in.APPROVALS / name, directory.root / APPROVALS / name)
        signed = tuple(_signed(kept, people, now) for kept in documents)
        directory.write_text(SCRIPT, (resources.files("islandmode.operate") / SCRIPT).read_text(encoding="ascii"))
        directory.write_text(VERIFY, verify_page(directory.run, signed, now))
    except (InputError, OSError) as error:
        raise Refused(
            f"Who approved the run cannot be kept in {directory.root} ({error}), and without that nobody could check it. Nothing was touched."
        ) from error
    return _names(documents, people)


def _documents(workspace: Path, approved: Approved, people: People, now: datetime) -> Iterator[Kept]:
    """Give the requests and the approvals of a run, as they are read and checked now; raises `InputError` for one that does not hold any more."""
    names = {
        name
        for kept in approved.approvals
        if isinstance(kept.document, Approval)
        for name in (kept.document.request, kept.document.id)
    }
    for name in sorted(names, reverse=True):
        kept = signed_in.read_kept(workspace, signed_in.path_of(workspace, name), people, now)
        if kept.document is None or kept.trouble:
            raise InputError(f"{kept.name}: {kept.trouble}")
        yield kept


def _files(kept: Kept) -> Iterator[str]:
    if kept.document is not None:
        yield f"{kept.document.id}{signed_in.ENDING}"
        yield f"{kept.document.id}{signed_in.SIGNATURE_ENDING}"
    if isinstance(kept.document, Approval) and kept.document.paper is not None:
        yield kept.document.paper.photograph


def _principals(people: People) -> str:
    """Write whose each principal is, a line each: YAML has more layouts than a shell can read."""
    pairs = [(principal, name) for name, person in people.persons.items() for principal in person.principals]
    return "".join(f"{principal} {name}\n" for principal, name in pairs)


def _copy(source: Path, target: Path) -> None:
    modes.make_folders(target.parent)
    modes.write_bytes(target, read_plain(source))


def _named(people: People, person: str) -> str:
    known = people.persons.get(person)
    return person if known is None else f"{known.name} ({known.position})"


def _signed(kept: Kept, people: People, now: datetime) -> Signed:
    """Say of a document by which key it was signed, and who did what by it."""
    document = kept.document
    if document is None or kept.signature is None:
        raise InputError(f"{kept.name}: {signed_in.NO_SIGNATURE}")
    namespace = namespace_of(document)
    line = people.signer_for(kept.signature.key, namespace, now)
    if line is None:
        raise InputError(f"{kept.name}: its key does not count any more")
    did = "asked for the window"
    if isinstance(document, Approval):
        on_paper = f"entered the paper form that {document.person} signed" if document.paper is not None else ""
        did = on_paper or f"approved it as {document.role}"
    said = f"{_named(people, signs(document))} {did}"
    return Signed(f"{document.id}{signed_in.ENDING}", line.principal, namespace, said)


def _names(documents: tuple[Kept, ...], people: People) -> dict[str, Any]:
    """Name who asked for a run and who approved it, as the first page says it."""
    asked = [_named(people, kept.document.person) for kept in documents if isinstance(kept.document, WindowRequest)]
    by = [
        f"{_named(people, kept.document.person)} as {kept.document.role}{' (paper)' if kept.document.paper is not None else ''}"
        for kept in documents
        if isinstance(kept.document, Approval)
    ]
    return {"requested_by": "; ".join(asked), "approved_by": by}
