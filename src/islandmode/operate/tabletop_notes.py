"""Signed notes of tabletops: how one is found and judged. A note is a person's word; there is no record of the exercise itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from islandmode.core.approval import Kept, Subject, TabletopNote
from islandmode.core.approving import needed_roles, revoked_why
from islandmode.core.errors import InputError
from islandmode.core.people import People
from islandmode.core.plan import Plan
from islandmode.core.promotion import Tabletop
from islandmode.core.text import how_many
from islandmode.operate.declared import FIRST_TO_BEGIN
from islandmode.store.approvals import kept_documents
from islandmode.store.people import has_people, load_people
from islandmode.system.own_program import typed_at


def sign_command(workspace: Path, drill: str) -> str:
    """Give the command that signs a note of a drill's tabletop."""
    words = typed_at(workspace, "tabletop", drill, "--held-on", "YYYY-MM-DD", "--with", "NAME", "--key", "KEY")
    return f"`{words}`"


def signed_notes(workspace: Path, plan: Plan, now: datetime) -> Iterable[Tabletop]:
    """Find the notes of a drill's tabletops, each with why it does not count; none where nobody may sign."""
    if not has_people(workspace):
        return ()
    try:
        people = load_people(workspace)
        return tuple(_judged(kept_documents(workspace, people, now), people, plan, now))
    except InputError:
        # That the people files, or the folder, cannot be read is a refusal of its own.
        return ()


def _judged(documents: tuple[Kept, ...], people: People, plan: Plan, now: datetime) -> Iterator[Tabletop]:
    for kept in documents:
        note = kept.document
        if not isinstance(note, TabletopNote) or (note.site, note.drill) != (plan.drill.site, plan.drill.drill):
            continue
        why = kept.trouble or revoked_why(kept, documents, people) or against_note(note, plan, people, now)
        if not why and people.policy.hardware and (kept.signature is None or not kept.signature.key.is_hardware):
            why = "it was signed without a FIDO key, and the policy demands hardware"
        by = f", signed by {note.person} as {note.role}, {how_many(len(note.took_part), 'person')} took part"
        # The day may have begun earlier there than it does in UTC.
        yield Tabletop(kept.name, min(note.at, now), note.drill_digest, by, why)


def against_note(note: TabletopNote, plan: Plan, people: People, now: datetime) -> str:
    """Say why a note does not count by what it says, as a clause; empty where nothing speaks against it."""
    person = people.persons.get(note.person)
    may = needed_roles(Subject.of(plan), people)
    if person is None or note.role not in person.roles:
        return f"{note.person} does not have role {note.role}"
    if note.role not in may:
        return f"role {note.role} does not sign for a live run of this drill ({', '.join(may)} may)"
    if note.person not in note.took_part:
        return f"{note.person}, who signed it, did not take part"
    if len(set(note.took_part)) < len(note.took_part):
        return "it names a person twice"
    unknown = [name for name in note.took_part if name not in people.persons]
    if unknown:
        return f"{unknown[0]}, who took part by it, is nobody in people.yaml"
    if note.held_on > (now + FIRST_TO_BEGIN).date().isoformat():
        return f"its day, {note.held_on}, is still to come"
    return ""
