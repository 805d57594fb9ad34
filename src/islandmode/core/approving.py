"""Whether a drill is approved for a live run: which approvals count, why the others do not, and what is missing. Pure.

Everything is counted by person. A person with two keys, or in two roles, counts once; the person who asks for the window approves nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from islandmode.core.approval import REVOCATION, Approval, Bound, Kept, Revocation, Subject, WindowRequest
from islandmode.core.ledger import Ledger, spent_in, unlike_checkpoint
from islandmode.core.moments import utc_text
from islandmode.core.people import People
from islandmode.core.policy import PLANT_OPERATIONS
from islandmode.core.quantities import written
from islandmode.core.text import in_words


@dataclass(frozen=True)
class Before:
    """What approvals are held against: the people, the ledger, and the moment."""

    people: People
    ledger: Ledger
    now: datetime
    looks_into_ledger: bool = True
    """Whether what documents saw of the ledger is looked up in it."""


@dataclass(frozen=True)
class Judged:
    """A document, and why it does not count, as a clause; empty where it does."""

    kept: Kept
    why: str = ""


@dataclass(frozen=True)
class Standing:
    """How a drill stands by its approvals."""

    request: Kept | None = None
    """The request that is approved, or the newest that is good; None without any."""
    requests: tuple[Judged, ...] = ()
    approvals: tuple[Judged, ...] = ()
    missing: tuple[str, ...] = ()
    """What is missing, in sentences; empty where the request is approved."""
    unread: tuple[Kept, ...] = ()
    """Files of which it is not known what they are."""
    not_yet: str = ""
    """Where the window of an approved request has not begun: a sentence about that."""

    @property
    def counting(self) -> tuple[Kept, ...]:
        """Give the approvals that count, of the request at hand."""
        return tuple(judged.kept for judged in self.approvals if not judged.why and _is_of(judged.kept, self.request))

    def since(self, now: datetime) -> Standing:
        """Leave out what was for a window that is over."""
        requests, approvals = (
            tuple(each for each in given if isinstance(each.kept.document, Bound) and each.kept.document.ends >= now)
            for given in (self.requests, self.approvals)
        )
        return replace(self, requests=requests, approvals=approvals)


def standing_of(subject: Subject, documents: Sequence[Kept], before: Before) -> Standing:
    """Judge every document that names a drill, and say what is missing for a live run."""
    unread = tuple(kept for kept in documents if kept.document is None)
    mine = [kept for kept in documents if isinstance(kept.document, Bound) and _names(kept.document, subject)]
    requests = tuple(
        Judged(kept, _of_bound(kept, kept.document, subject, documents, before))
        for kept in mine
        if isinstance(kept.document, WindowRequest)
    )
    good = {judged.kept.document.id: judged.kept for judged in requests if not judged.why and judged.kept.document}
    approvals = tuple(
        Judged(kept, _of_approval(kept, kept.document, subject, documents, good, before))
        for kept in mine
        if isinstance(kept.document, Approval)
    )
    open_requests = sorted(good.values(), key=_made, reverse=True)
    whole = Standing(None, requests, approvals, (_no_request(subject),), unread)
    found = [_for(request, whole, subject, before) for request in open_requests]
    if not found:
        return whole
    # Of several windows the one that is approved is meant, the one that has begun before others, and else the newest.
    return min(found, key=lambda standing: (bool(standing.missing), bool(standing.missing or standing.not_yet)))


def _no_request(subject: Subject) -> str:
    return f"Nobody has asked for a window for {subject.drill} as it is now; ask with `islandmode request {subject.drill} --from TIME --to TIME --key KEY`."


def _made(kept: Kept) -> str:
    return kept.document.made if kept.document is not None else ""


def _names(document: Bound, subject: Subject) -> bool:
    return (document.site, document.drill) == (subject.site, subject.drill)


def _is_of(kept: Kept, request: Kept | None) -> bool:
    document = kept.document
    return (
        isinstance(document, Approval)
        and request is not None
        and request.document is not None
        and document.request == request.document.id
    )


def _of_bound(kept: Kept, document: Bound, subject: Subject, documents: Sequence[Kept], before: Before) -> str:
    """Say why a request or an approval does not count by itself, as a clause; empty where nothing speaks against it."""
    people = before.people
    if kept.trouble:
        return kept.trouble
    if revoked := revoked_why(kept, documents, people):
        return revoked
    if unlike := subject.unlike(document):
        return unlike
    if document.people_digest != people.digest:
        return "the people files (persons, keys, revoked keys, policy) were changed since it was signed"
    if before.now > document.ends:
        return f"it expired at {document.not_after}"
    if document.ends - datetime.fromisoformat(document.made) > timedelta(seconds=people.policy.expire_after):
        return f"its window ends more than {written(people.policy.expire_after)} after it was signed, which the policy does not allow"
    blackout = people.policy.blackout_in(document.begins, document.ends)
    if blackout is not None:
        return f"its window meets the blackout from {blackout.start} until {blackout.until} ({blackout.why})"
    if why := _unlike_ledger(document, before):
        return f"the ledger is not the one that was seen when it was signed, or was cut: {why[0].lower()}{why[1:].rstrip('.')}"
    return ""


def _unlike_ledger(document: Bound, before: Before) -> str:
    if not before.looks_into_ledger:
        return ""
    if document.ledger is not None:
        return unlike_checkpoint(before.ledger, document.ledger.checkpoint)
    first = next(iter(before.ledger.lines), None)
    if isinstance(document, WindowRequest) and first is not None and first.utc < document.made:
        return f"It was signed at {document.made} for a ledger without a line, and this has had lines since {first.utc[:19]}Z."
    return ""


def _of_approval(
    kept: Kept,
    document: Approval,
    subject: Subject,
    documents: Sequence[Kept],
    requests: Mapping[str, Kept],
    before: Before,
) -> str:
    if why := _of_bound(kept, document, subject, documents, before):
        return why
    line = spent_in(before.ledger).get(document.id)
    if line is not None:
        return f"it was spent by the run in line {line} of the ledger; an approval is for one run"
    people = before.people
    person = people.persons.get(document.person)
    if person is None or document.role not in person.roles:
        return f"{document.person} does not have role {document.role}"
    if people.policy.hardware and (kept.signature is None or not kept.signature.key.is_hardware):
        return "it was signed without a FIDO key, and the policy demands hardware"
    if document.paper is not None and document.role not in people.policy.paper:
        return f"the policy lets no paper form of {document.role} count"
    return _against_request(document, requests)


def _against_request(document: Approval, requests: Mapping[str, Kept]) -> str:
    kept = requests.get(document.request)
    request = kept.document if kept is not None else None
    if kept is None or not isinstance(request, WindowRequest):
        return f"its request {document.request} is not here, or does not count"
    if kept.sha256 != document.request_sha256:
        return f"request {document.request} is not what was approved: the file was changed"
    if (document.not_before, document.not_after) != (request.not_before, request.not_after):
        return "its window is not the one that was asked for"
    if document.ledger is None and request.ledger is not None:
        return "it says that no run was entered in the ledger yet, and its request says otherwise"
    if document.person == request.person:
        return f"{document.person} asked for the window, and cannot approve it"
    return ""


def revoked_why(kept: Kept, documents: Sequence[Kept], people: People) -> str:
    """Say by whom a document was revoked. A revocation that cannot be believed stops it too: who wants to run removes the doubt first."""
    document = kept.document
    for other in documents:
        revocation = other.document
        if document is None or not isinstance(revocation, Revocation) or revocation.of != document.id:
            continue
        if other.trouble:
            return f"{other.name} revokes it and cannot be believed ({other.trouble}); sign that anew or take it away"
        return f"{people.told(revocation.person)} revoked it at {revocation.made}: {revocation.why.rstrip('.')}"
    return ""


def _for(kept: Kept, whole: Standing, subject: Subject, before: Before) -> Standing:
    """Say how a request stands by the approvals of it."""
    request = kept.document
    standing = replace(whole, request=kept)
    if not isinstance(request, WindowRequest):
        return standing
    counting = [each.document for each in standing.counting if isinstance(each.document, Approval)]
    missing = tuple(_missing(request, counting, subject, before.people))
    not_yet = (
        f"The window that was asked for is {request.window}, and has not begun." if before.now < request.begins else ""
    )
    return replace(standing, missing=missing, not_yet=not_yet)


def _missing(request: WindowRequest, counting: Sequence[Approval], subject: Subject, people: People) -> Iterator[str]:
    """Say which roles and how many persons are missing among those who approved."""
    offered: dict[str, list[str]] = {}
    for approval in counting:
        offered.setdefault(approval.person, []).append(approval.role)
    needed = needed_roles(subject, people)
    lacking = [role for role in needed if role not in filled(needed, offered)]
    for role in lacking:
        able = [person for person in people.in_role(role) if person not in (request.person, *offered)]
        who = f"who may: {', '.join(able)}" if able else "nobody else has that role"
        doubly = ", and a person with two roles counts once" if any(role in roles for roles in offered.values()) else ""
        yield f"Request {request.id} is not approved by {role}{doubly}; {who}. They type: islandmode approve {request.id} --key KEY."
    live = people.policy.live
    least = live.persons_while_running if subject.runs_on else live.persons
    there = tuple(dict.fromkeys((request.person, *offered)))
    if len(there) < max(least, 1 + len(needed)) and not lacking:
        while_running = " while the plant runs" if subject.runs_on and live.persons_while_running > live.persons else ""
        yield (
            f"It takes {max(least, 1 + len(needed))} persons{while_running}, the person who asked among them, and there are {len(there)}: "
            f"{in_words(there)}. Anybody else in people.yaml may approve: islandmode approve {request.id} --key KEY."
        )


def needed_roles(subject: Subject, people: People) -> tuple[str, ...]:
    """List the roles that have to approve: the policy's, the drill's own, and plant operations always."""
    return tuple(dict.fromkeys((PLANT_OPERATIONS, *people.policy.live.signed_by, *subject.also_signed_by)))


def filled(needed: Sequence[str], offered: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Find the most roles that can be filled with a person of its own each."""
    by_role: dict[str, str] = {}

    def fill(role: str, tried: set[str]) -> bool:
        for person, roles in offered.items():
            if role in roles and person not in tried:
                tried.add(person)
                held = next((other for other, by in by_role.items() if by == person), None)
                if held is None or fill(held, tried):
                    by_role[role] = person
                    return True
        return False

    for role in needed:
        fill(role, set())
    return frozenset(by_role)


def against_live(standing: Standing, before: Before, *, ahead: bool) -> Iterator[str]:
    """Say what speaks against a live run by its approvals, in sentences; `ahead` takes a window that is still to come as one that has begun."""
    yield from _contradicted(standing, before)
    yield from _unread_revocations(standing)
    if standing.missing:
        for judged in _telling(standing, before):
            yield f"{judged.kept.name} does not count: {judged.why}."
        for kept in standing.unread:
            if not _is_revocation(kept):
                yield f"{kept.name} is not read: {kept.trouble}."
        yield from standing.missing
    elif standing.not_yet and not ahead:
        yield f"{standing.not_yet} It is {utc_text(before.now)} now."


def _unread_revocations(standing: Standing) -> Iterator[str]:
    """Name revocations of which nobody knows what they take back: as with one that is not signed well, who wants to run removes the doubt first."""
    for kept in standing.unread:
        if _is_revocation(kept):
            yield f"{kept.name} is a revocation by its name, and is not read: {kept.trouble}. Sign it anew or take it away."


def _is_revocation(kept: Kept) -> bool:
    return kept.name.rpartition("/")[2].startswith(f"{REVOCATION}-")


def _telling(standing: Standing, before: Before) -> Iterator[Judged]:
    """Give the documents of which it helps to know why they do not count: of the request at hand, or else those whose window is not over."""
    newest = max((judged.kept.document.made for judged in standing.requests if judged.kept.document), default="")
    for judged in (*standing.requests, *standing.approvals):
        document = judged.kept.document
        if not judged.why or not isinstance(document, Bound):
            continue
        if standing.request is not None:
            if _is_of(judged.kept, standing.request):
                yield judged
        elif before.now <= document.ends or document.made >= newest:
            yield judged


def _contradicted(standing: Standing, before: Before) -> Iterator[str]:
    """Name the documents that saw lines of this ledger that it no longer has: each later approval is a witness of it."""
    for judged in (*standing.requests, *standing.approvals):
        document = judged.kept.document
        seen = document.ledger if isinstance(document, Bound) and not judged.kept.trouble else None
        if seen is not None and seen.ledger == before.ledger.name and unlike_checkpoint(before.ledger, seen.checkpoint):
            yield (
                f"{judged.kept.name} was signed when this ledger had {seen.size} lines that it does not have now: it was cut or changed. "
                "Find out what became of it; docs/ledger.md says how to begin another."
            )
