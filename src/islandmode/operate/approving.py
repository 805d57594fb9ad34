"""What a live run, a dry run and `approvals` ask of the approvals of a drill: how it stands, and what speaks against a live run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from islandmode.core.approval import Approval, Kept, Subject
from islandmode.core.approving import Before, Standing, against_live, standing_of
from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.core.policy import SHIPPED, Policy
from islandmode.store.approvals import kept_documents
from islandmode.store.folders import PEOPLE
from islandmode.store.ledger import ledger_of
from islandmode.store.people import DESCRIBED, has_people, load_people, people_read
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.own_program import typed_at


@dataclass(frozen=True)
class Approved:
    """A drill that is approved: what a live run enters in the ledger before it arms, by which the approvals are spent."""

    people_digest: str
    approvals: tuple[Kept, ...]

    @property
    def spent(self) -> list[dict[str, object]]:
        """Write the approvals as the ledger's line has them."""
        return [
            {"id": kept.document.id, "sha256": kept.sha256, "paper": kept.document.paper is not None}
            for kept in self.approvals
            if isinstance(kept.document, Approval)
        ]


def now_of(clock: Clock | None = None) -> datetime:
    """Read the clock, as a moment in UTC."""
    clock = clock or MachineClock.of_this_boot()
    return datetime.fromtimestamp(clock.utc_us() / 1_000_000, UTC)


def policy_of(workspace: Path) -> Policy:
    """Give the site's policy, by which the rungs of a live run have their ages; the mildest that ships where the site has none.

    Nothing is live by that: a workspace without people, or with a fault in their files, is refused by `refused_by_approvals`.
    """
    people = people_read(workspace).people
    return SHIPPED["two-people"] if people is None else people.policy


def policy_behind_glass(workspace: Path) -> Policy:
    """Give the policy of a run for which the glass is broken; with the strongest undo tier where no policy of a site says which."""
    people = people_read(workspace).people
    return (
        SHIPPED["two-people"].model_copy(update={"undo_tier": SHIPPED["strict"].undo_tier})
        if people is None
        else people.policy
    )


def refused_by_faulty_people(workspace: Path) -> Iterator[str]:
    """Say what is wrong with a site's people, whose policy holds also where the glass is broken."""
    if has_people(workspace):
        for error in people_read(workspace).errors[:1]:
            yield f"{error} The lowest undo tier of a live run stands in these files, so the glass cannot be broken past them."


def before(workspace: Path, now: datetime) -> Before:
    """Read what approvals are held against; raises `InputError`."""
    return Before(load_people(workspace), ledger_of(workspace), now)


def standing(workspace: Path, plan: Plan, now: datetime) -> tuple[Standing, Before]:
    """Judge every document of a workspace that names a plan's drill; raises `InputError`."""
    held = before(workspace, now)
    return standing_of(Subject.of(plan), kept_documents(workspace, held.people, now), held), held


def approved(workspace: Path, plan: Plan, now: datetime) -> Approved | None:
    """Give the approvals by which a plan may be run live at a moment; None where anything speaks against it. Raises `InputError`."""
    stands, held = standing(workspace, plan, now)
    if any(against_live(stands, held, ahead=False)):
        return None
    return Approved(held.people.digest, stands.counting)


def refused_by_approvals(workspace: Path, plan: Plan, now: datetime, *, ahead: bool = False) -> Iterator[str]:
    """Say what speaks against a live run by its approvals, and what to do; `ahead` looks at a window that is to come too."""
    if not has_people(workspace):
        yield f"There is no {PEOPLE}, so nobody can approve a live run; {DESCRIBED} says how to begin it."
        return
    try:
        stands, held = standing(workspace, plan, now)
    except InputError as error:
        yield f"Who may approve a live run is not known: {str(error).splitlines()[0]} `{typed_at(workspace, 'validate')}` lists all that is wrong."
        return
    yield from against_live(stands, held, ahead=ahead)


def approvals_told(workspace: Path, plan: Plan, now: datetime) -> str:
    """Say in a line how a plan stands by its approvals."""
    against = list(refused_by_approvals(workspace, plan, now, ahead=True))
    if against:
        return " ".join(against)
    stands, _ = standing(workspace, plan, now)
    documents = [kept.document for kept in stands.counting if isinstance(kept.document, Approval)]
    by = ", ".join(
        f"{document.person} as {document.role}{' (paper)' if document.paper else ''}" for document in documents
    )
    window = documents[0].window if documents else ""
    return f"approved for one live run from {window}, by {by}"
