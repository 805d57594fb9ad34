"""Signing a note that a drill was talked through in a tabletop."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from islandmode.core.approval import NAMESPACES, TABLETOP, Subject, TabletopNote
from islandmode.core.approving import needed_roles
from islandmode.core.errors import InputError, Refused
from islandmode.core.moments import utc_text
from islandmode.core.promotion import is_within
from islandmode.core.quantities import written
from islandmode.operate.approving import before, now_of
from islandmode.operate.plan import plan_of
from islandmode.operate.signing import NOTHING_SIGNED, Order, made, signed, signer
from islandmode.operate.tabletop_notes import against_note


def sign_tabletop(
    order: Order, drill: str, held_on: str, took_part: Sequence[str], role: str | None = None
) -> tuple[TabletopNote, Path]:
    """Sign a note that a drill, as it is now, was talked through; raises `InputError` and `Refused`."""
    _, plan = plan_of(order.workspace, drill)
    now = now_of(order.clock)
    held, subject = before(order.workspace, now), Subject.of(plan)
    try:
        day = date.fromisoformat(held_on)
    except ValueError:
        raise InputError(f"--held-on must be a day, such as 2027-01-09. {NOTHING_SIGNED}") from None
    unknown = [name for name in took_part if name not in held.people.persons]
    if unknown:
        raise InputError(
            f"{unknown[0]} is nobody in people.yaml; known: {', '.join(held.people.persons)}. {NOTHING_SIGNED}"
        )
    person = signer(order.key, held, NAMESPACES[TABLETOP])
    there = tuple(dict.fromkeys((person, *took_part)))
    if len(there) < 2:
        raise InputError(
            f"Name who else took part, with --with NAME; nobody talks a drill through alone. {NOTHING_SIGNED}"
        )
    roles = held.people.persons[person].roles
    note = made(
        TabletopNote,
        {
            "id": f"{TABLETOP}-{subject.drill}-{day.isoformat().replace('-', '')}-{secrets.token_hex(4)}",
            "person": person,
            "made": utc_text(now),
            "site": subject.site,
            "drill": subject.drill,
            "drill_digest": subject.drill_digest,
            "held_on": day.isoformat(),
            "took_part": there,
            "role": role or next((each for each in needed_roles(subject, held.people) if each in roles), roles[0]),
            "comment": order.comment,
        },
    )
    why = against_note(note, plan, held.people, now)
    age_s = held.people.policy.ages.tabletop
    # A note grows old later too; what is too old from the start is a slip of the hand.
    if not why and not is_within(min(note.at, now), now, age_s):
        why = f"its day, {note.held_on}, is too long ago, as one counts for {written(age_s)}"
    if why:
        raise Refused(f"The note would not count: {why}. {NOTHING_SIGNED}")
    return note, signed(order, note, held)
