"""Asking for a window, approving and revoking: each makes a document, has ssh-keygen sign it, and keeps it only if it would count."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from islandmode.core.approval import (
    APPROVAL,
    NAMESPACES,
    PAPER,
    REQUEST,
    REVOCATION,
    SIZE_MAX_BYTES,
    Approval,
    Bound,
    Document,
    Kept,
    Paper,
    Revocation,
    SeenCheckpoint,
    Subject,
    TabletopNote,
    WindowRequest,
    document_bytes,
    namespace_of,
)
from islandmode.core.approving import Before, Standing, needed_roles, standing_of
from islandmode.core.errors import InputError, Refused
from islandmode.core.go import latest_go, needed_s
from islandmode.core.go_code import code_sha256
from islandmode.core.ledger import Ledger, checkpoint_of
from islandmode.core.moments import is_no_date, moment_of, utc_text
from islandmode.core.people import People
from islandmode.core.plan import Plan
from islandmode.core.quantities import written
from islandmode.core.signers import PublicKey, read_revoked
from islandmode.core.sshsig import BadSignature, read_signature
from islandmode.operate.approving import before, now_of
from islandmode.operate.go_sheet import GoSheet, new_codes
from islandmode.operate.plan import plan_of
from islandmode.store import approvals
from islandmode.store.approvals import kept_documents
from islandmode.system.clock import Clock
from islandmode.system.machine_state import read_plain
from islandmode.system.own_program import typed_at
from islandmode.system.ssh_signature import SignatureTrouble, sign

NOTHING_SIGNED = "Nothing was signed."
PICTURE = re.compile(r"[a-z0-9]{1,8}")
D = TypeVar("D", bound=Document)


@dataclass(frozen=True)
class Order:
    """Who signs, where: a workspace, the person's private key (or its public half, where an agent has it), and the clock."""

    workspace: Path
    key: Path
    comment: str = ""
    clock: Clock | None = None


@dataclass(frozen=True)
class Review:
    """What an approver has before them: their own plan of the drill, the request, and how it stands; nothing in it was taken from the request alone."""

    plan: Plan
    request: WindowRequest
    kept: Kept
    standing: Standing
    before: Before
    checkpoint: SeenCheckpoint | None
    has_ledger: bool
    """Whether the approver's own checkout has the ledger, so that the request's checkpoint could be looked up in it."""

    @property
    def needed(self) -> tuple[str, ...]:
        """List the roles that have to approve."""
        return needed_roles(Subject.of(self.plan), self.before.people)


def ask_window(order: Order, drill: str, begin: str, end: str) -> tuple[WindowRequest, Path]:
    """Ask for a window in which a drill may be run live; raises `InputError` and `Refused`."""
    _, plan = plan_of(order.workspace, drill)
    now = now_of(order.clock)
    held = before(order.workspace, now)
    begins, ends = _moment(begin, "--from"), _moment(end, "--to")
    _refuse_window(begins, ends, held)
    _refuse_short(plan, begins, ends)
    _refuse_altered(held.ledger)
    person = signer(order.key, held, NAMESPACES[REQUEST])
    request = made(
        WindowRequest,
        {
            "id": _new_id(REQUEST, plan, begins),
            "person": person,
            "made": utc_text(now),
            **_bound_to(Subject.of(plan), held.people),
            "not_before": utc_text(begins),
            "not_after": utc_text(ends),
            "ledger": SeenCheckpoint.of(checkpoint_of(held.ledger)),
            "comment": order.comment,
        },
    )
    return request, signed(order, request, held)


def _moment(text: str, option: str) -> datetime:
    found = moment_of(text)
    if found is None and is_no_date(text):
        raise InputError(
            f"{option}: {text[:10]} is no day of the calendar, or its time does not exist; correct it. {NOTHING_SIGNED}"
        )
    if found is None:
        raise InputError(
            f"{option} must be a time with its zone, such as 2027-01-09T06:00:00Z or 2027-01-09T06:00:00-08:00. {NOTHING_SIGNED}"
        )
    return found


def _refuse_altered(ledger: Ledger) -> None:
    if ledger.why:
        raise Refused(f"The ledger was altered: {ledger.why}. Nobody signs that they saw it. {NOTHING_SIGNED}")


def _refuse_window(begins: datetime, ends: datetime, held: Before) -> None:
    policy = held.people.policy
    if ends <= begins:
        raise InputError(f"The window ends before it begins; give a later --to. {NOTHING_SIGNED}")
    if ends <= held.now:
        raise InputError(f"The window is over already: it is {utc_text(held.now)} now. {NOTHING_SIGNED}")
    if ends - held.now > timedelta(seconds=policy.expire_after):
        raise Refused(
            f"The window ends more than {written(policy.expire_after)} from now, and the policy lets nobody sign that far ahead; ask later. "
            f"{NOTHING_SIGNED}"
        )
    blackout = policy.blackout_in(begins, ends)
    if blackout is not None:
        raise Refused(
            f"The window meets the blackout from {blackout.start} until {blackout.until} ({blackout.why}); ask for another. {NOTHING_SIGNED}"
        )


def _refuse_short(plan: Plan, begins: datetime, ends: datetime) -> None:
    """Refuse a window in which the drill could never be run: a go has to come so long before its end."""
    latest = latest_go(plan, ends)
    if latest <= begins:
        raise Refused(
            f"The window is shorter than the drill needs: its holds, its return, its dead-man and 30 minutes in which people look take "
            f"{written(needed_s(plan))}, so a go would have to come by {utc_text(latest)}, before the window begins; give a later --to. {NOTHING_SIGNED}"
        )


def refuse_paper(review: Review, person: str, role: str, photograph: Path) -> None:
    """Refuse a paper form that could not count, before anybody types a word; raises `InputError` and `Refused`."""
    if person == review.request.person:
        raise Refused(f"{person} asked for this window, and cannot approve it; another person has to. {NOTHING_SIGNED}")
    if role not in review.before.people.policy.paper:
        raise Refused(
            f"The site's policy lets no paper form of {role} count (`paper:` in policy.yaml). {NOTHING_SIGNED}"
        )
    _photograph(photograph, "form")


def signed_already(review: Review, person: str) -> tuple[str, ...]:
    """Name the approvals of this request that a person has signed and that count."""
    documents = (judged.kept.document for judged in review.standing.approvals if not judged.why)
    return tuple(
        document.told
        for document in documents
        if isinstance(document, Approval) and document.person == person and document.request == review.request.id
    )


def _bound_to(subject: Subject, people: People) -> dict[str, Any]:
    return {
        "site": subject.site,
        "drill": subject.drill,
        "drill_digest": subject.drill_digest,
        "plan_digest": subject.plan_digest,
        "people_digest": people.digest,
        "recipes": dict(subject.recipes),
    }


def _new_id(kind: str, plan: Plan, at: datetime) -> str:
    return f"{kind}-{plan.drill.drill}-{at.astimezone(UTC):%Y%m%d}-{secrets.token_hex(4)}"


def made(kind: type[D], said: dict[str, Any]) -> D:
    """Make a document of what it says; raises `InputError`."""
    try:
        document = kind.model_validate(said)
    except ValidationError as wrong:
        part = ".".join(str(part) for part in wrong.errors(include_url=False)[0]["loc"])
        raise InputError(
            f"{part} does not fit into a document; give a line of plain text, at most 200 characters. {NOTHING_SIGNED}"
        ) from None
    if len(document_bytes(document)) > SIZE_MAX_BYTES:
        raise InputError(
            f"The document would have more than {SIZE_MAX_BYTES} bytes; shorten the comment. {NOTHING_SIGNED}"
        )
    return document


def public_key(key: Path) -> PublicKey:
    """Read the public half of a key, which lies beside it; raises `InputError`."""
    path = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        found, bad = read_revoked(read_plain(path, SIZE_MAX_BYTES).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(
            f"The public key {path} cannot be read ({why}); it has to lie beside the key. {NOTHING_SIGNED}"
        ) from None
    if bad or len(found) != 1:
        raise InputError(f"{path} is no public key of a type that is taken here. {NOTHING_SIGNED}")
    return found[0]


def signer(key: Path, held: Before, namespace: str) -> str:
    """Find whose key it is, and whether it may sign for a purpose now; raises `Refused`, before anybody is asked to touch it."""
    public, people = public_key(key), held.people
    lines = people.signers_with(public)
    if not lines:
        raise Refused(
            f"The key {key} is nobody's in inventory/people/allowed_signers; add its line there, or take another. {NOTHING_SIGNED}"
        )
    person = people.owner_of(lines[0].principal)
    if public in people.revoked:
        raise Refused(f"The key {key}, of {person}, is revoked; take another. {NOTHING_SIGNED}")
    if people.signer_for(public, namespace, held.now) is None:
        raise Refused(
            f"The key {key}, of {person}, may not sign {namespace} now by inventory/people/allowed_signers (namespaces, valid-after, "
            f"valid-before); take another. {NOTHING_SIGNED}"
        )
    return person


def signed(order: Order, document: Document, held: Before, photograph: tuple[str, bytes] | None = None) -> Path:
    """Have a document signed, and keep it if its signature would be taken; raises `Refused`."""
    data = document_bytes(document)
    try:
        signature = sign(data, order.key, namespace_of(document))
        read = read_signature(signature)
    except (SignatureTrouble, BadSignature) as trouble:
        raise Refused(f"The key {order.key} did not sign ({trouble}). {NOTHING_SIGNED}") from trouble
    why = approvals.checked(order.workspace, document, data, (signature, read), held.people, held.now)
    if why:
        raise Refused(f"The signature would not count: {why}. Nothing was kept.")
    return approvals.keep(order.workspace, document, signature, photograph)


def review(workspace: Path, named: str, clock: Clock | None = None) -> Review:
    """Find a request and plan its drill from this checkout; raises `InputError`, and `Refused` where the two do not agree."""
    now = now_of(clock)
    held = before(workspace, now)
    _refuse_altered(held.ledger)
    if not held.ledger.lines:
        # An approver's checkout may be without the ledger; then nothing can be looked up in it, and the approver is told so.
        held = replace(held, looks_into_ledger=False)
    documents = kept_documents(workspace, held.people, now)
    kept, plan, stands = _request_named(workspace, documents, named, held)
    request = kept.document
    if not isinstance(request, WindowRequest):
        raise InputError(f"{kept.name} is no request; approve the request that it belongs to.")
    judged = next((each for each in stands.requests if each.kept == kept), None)
    why = kept.trouble or (judged.why if judged is not None else "it is for another site")
    if why:
        raise Refused(f"{kept.name} cannot be approved: {why}. {NOTHING_SIGNED}")
    checkpoint, has_ledger = _checkpoint(held.ledger, request)
    return Review(plan, request, kept, stands, held, checkpoint, has_ledger)


def _checkpoint(ledger: Ledger, request: WindowRequest) -> tuple[SeenCheckpoint | None, bool]:
    """Give the checkpoint that an approver signs: of their own copy of the ledger, or the request's where they have none."""
    if not ledger.lines:
        return request.ledger, request.ledger is None
    return SeenCheckpoint.of(checkpoint_of(ledger)), True


def _request_named(
    workspace: Path, documents: tuple[Kept, ...], named: str, held: Before
) -> tuple[Kept, Plan, Standing]:
    """Find the request that is meant, by its name or the beginning of it, its file, its plan digest, or its drill; of several the one that counts."""
    requests = [kept for kept in documents if isinstance(kept.document, WindowRequest)]
    stem = Path(named).name.removesuffix(approvals.ENDING)
    found = [kept for kept in requests if _is_named(kept, stem)]
    drills = {kept.document.drill for kept in found if isinstance(kept.document, WindowRequest)}
    if len(drills) == 1:
        drill = drills.pop()
        _, plan = plan_of(workspace, drill)
        stands = standing_of(Subject.of(plan), documents, held)
        if len(found) > 1:
            found = [judged.kept for judged in stands.requests if not judged.why and judged.kept in found]
            if not found:
                raise Refused(
                    f"No request of those that {stem} means counts; `{typed_at(workspace, 'approvals', drill)}` says why. {NOTHING_SIGNED}"
                )
        if len(found) == 1:
            return found[0], plan, stands
    if found:
        raise InputError(f"{stem} means several requests; give the name of one: {_ids(found)}. {NOTHING_SIGNED}")
    raise InputError(
        f"There is no request {stem}; known requests in {approvals.APPROVALS}/: {_ids(requests)}. {NOTHING_SIGNED}"
    )


def _ids(documents: Iterable[Kept]) -> str:
    return ", ".join(kept.document.id for kept in documents if kept.document) or "none"


def _is_named(kept: Kept, named: str) -> bool:
    request = kept.document
    if not isinstance(request, WindowRequest) or not named:
        return False
    is_digest = len(named) >= 8 and request.plan_digest.startswith(named)
    return request.id.startswith(named) or request.drill == named or is_digest


def role_of(review: Review, person: str, role: str | None) -> str:
    """Give the role in which a person approves: the one that was given, or the first of those that are needed; raises `Refused`."""
    known = review.before.people.persons[person].roles
    if role is not None:
        if role not in known:
            raise Refused(
                f"{person} does not have role {role} in people.yaml, but {', '.join(known)}. {NOTHING_SIGNED}"
            )
        return role
    return next((needed for needed in review.needed if needed in known), known[0])


def approver(order: Order, review: Review, *, on_paper: bool = False) -> str:
    """Find the person whose key it is, before anything is asked; raises `Refused`."""
    return signer(order.key, review.before, NAMESPACES[PAPER if on_paper else APPROVAL])


def approve(
    order: Order,
    review: Review,
    person: str,
    role: str,
    photograph: Path | None = None,
    sheet: GoSheet | None = None,
) -> tuple[Approval, Path]:
    """Sign an approval; on paper the person signed a form, and whose key it is enters its photograph. Raises `InputError` and `Refused`.

    With a go sheet, codes are made and written there, and the approval has their hashes.
    """
    request, people = review.request, review.before.people
    if person == request.person:
        raise Refused(f"{person} asked for this window, and cannot approve it; another person has to. {NOTHING_SIGNED}")
    if person not in people.persons:
        raise InputError(f"{person} is nobody in people.yaml; known: {', '.join(people.persons)}. {NOTHING_SIGNED}")
    identity = _new_id(APPROVAL, review.plan, request.begins)
    paper, picture = None, None
    if photograph is not None:
        if role not in people.policy.paper:
            raise Refused(
                f"The site's policy lets no paper form of {role} count (`paper:` in policy.yaml). {NOTHING_SIGNED}"
            )
        by = approver(order, review, on_paper=True)
        picture = _photograph(photograph, identity)
        paper = Paper(photograph=picture[0], sha256=hashlib.sha256(picture[1]).hexdigest(), entered_by=by)
    codes = new_codes() if sheet is not None else ()
    approval = made(
        Approval,
        {
            "id": identity,
            "person": person,
            "made": utc_text(review.before.now),
            **_bound_to(Subject.of(review.plan), people),
            "not_before": request.not_before,
            "not_after": request.not_after,
            "ledger": review.checkpoint,
            "request": request.id,
            "request_sha256": review.kept.sha256,
            "role": role,
            "paper": paper,
            "go_codes": tuple(code_sha256(review.plan.plan_digest, identity, code) for code in codes),
            "comment": order.comment,
        },
    )
    if sheet is None:
        return approval, signed(order, approval, review.before, picture)
    sheet.write(approval, codes)
    try:
        return approval, signed(order, approval, review.before, picture)
    except BaseException:
        sheet.take_away()
        raise


def _photograph(path: Path, identity: str) -> tuple[str, bytes]:
    try:
        data = read_plain(path, approvals.PHOTOGRAPH_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"The photograph {path} cannot be read ({error.strerror}). {NOTHING_SIGNED}") from None
    ending = path.suffix.lower().removeprefix(".")
    if (
        not data
        or len(data) > approvals.PHOTOGRAPH_MAX_BYTES
        or PICTURE.fullmatch(ending) is None
        or ending in ("json", "sig")
    ):
        raise InputError(
            f"{path} is no photograph of at most {approvals.PHOTOGRAPH_MAX_BYTES} bytes, such as form.jpg. {NOTHING_SIGNED}"
        )
    return f"{identity}.{ending}", data


def revoke(order: Order, named: str, why: str) -> tuple[Revocation, Path]:
    """Take back a request, an approval or the note of a tabletop; any person may whose key signs revocations. Raises `InputError` and `Refused`."""
    now = now_of(order.clock)
    held = before(order.workspace, now)
    stem = Path(named).name.removesuffix(approvals.ENDING)
    documents = kept_documents(order.workspace, held.people, now)
    known = {kept.document.id: kept for kept in documents if isinstance(kept.document, (Bound, TabletopNote))}
    found = [kept for identity, kept in known.items() if stem and identity.startswith(stem)]
    if len(found) != 1 or found[0].document is None:
        if found:
            raise InputError(f"{stem} means several documents; give the name of one: {_ids(found)}. {NOTHING_SIGNED}")
        raise InputError(
            f"There is no request, approval or note {stem}; known: {_ids(known.values())}. {NOTHING_SIGNED}"
        )
    person = signer(order.key, held, NAMESPACES[REVOCATION])
    revocation = made(
        Revocation,
        {
            "id": f"{REVOCATION}-{secrets.token_hex(8)}",
            "person": person,
            "made": utc_text(now),
            "of": found[0].document.id,
            "of_sha256": found[0].sha256,
            "why": why,
        },
    )
    return revocation, signed(order, revocation, held)
