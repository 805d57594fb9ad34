"""What a person sees of requests and approvals: above all what they approve, before they sign."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from islandmode.core.approval import Approval, Bound, Subject, WindowRequest
from islandmode.core.approving import Judged, Standing
from islandmode.core.digest_words import is_same, words_of
from islandmode.core.errors import InputError, Refused
from islandmode.core.hand import who_told
from islandmode.core.live.losses import closings_told
from islandmode.core.plan import Plan
from islandmode.core.quantities import written
from islandmode.operate import signing
from islandmode.operate.approving import now_of, refused_by_approvals, standing
from islandmode.operate.go_sheet import GoSheet, refuse_sheet
from islandmode.operate.ledger import earlier_told
from islandmode.operate.plan import plan_of
from islandmode.operate.signing import Order, Review, signed_already
from islandmode.operate.tabletop_signing import sign_tabletop
from islandmode.store import catalog
from islandmode.store.approvals import APPROVALS
from islandmode.system.output import ask as ask_person
from islandmode.system.own_program import typed_at
from islandmode.ui.as_json import print_json
from islandmode.ui.go_sheet import render_sheet

NOT_APPROVED = 4
WAY = {
    "A": "its own timer undoes the isolation and nothing else",
    "B": "its own timer undoes it, and may be late or take other edits back",
    "C": "only the guardian on the operations host",
    "D": "only a person",
}
Typed = Callable[[str], str]


@dataclass(frozen=True)
class Wish:
    """What a person asked of `approve`."""

    key: Path | None = None
    role: str | None = None
    comment: str = ""
    paper: Path | None = None
    person: str | None = None
    go_sheet: Path | None = None


def ask(workspace: Path, drill: str, window: tuple[str, str], key: Path, comment: str) -> int:
    """Ask for a window, and say what comes next."""
    request, path = signing.ask_window(Order(workspace, key, comment), drill, *window)
    print(f"Asked for {request.drill} live at {request.site}, {request.window}: {path}")
    print(f"plan digest {request.plan_digest}")
    print(f"its first words: {' '.join(words_of(request.plan_digest))}")
    print(
        f"Give {APPROVALS}/ to those who approve (git commit, git push). They type: islandmode approve {request.id} --key KEY"
    )
    return 0


def note_tabletop(
    workspace: Path, drill: str, said: tuple[str, tuple[str, ...], str | None], key: Path, comment: str
) -> int:
    """Sign a note of a tabletop, and say for what it counts."""
    note, path = sign_tabletop(Order(workspace, key, comment), drill, *said)
    print(
        f"Signed a note that {note.drill} was talked through on {note.held_on} by {', '.join(note.took_part)}: {path}"
    )
    print(f"It is for drill digest {note.drill_digest}, and is your word: there is no record of the exercise itself.")
    return 0


def approve_request(workspace: Path, named: str, wish: Wish, typed_words: Typed | None = None) -> int:
    """Show what would be approved, ask for the words of its digest, and sign; without a key show it and sign nothing."""
    if (wish.paper is None) != (wish.person is None):
        raise InputError("--paper FORM.jpg and --person NAME belong together: the photograph, and who signed the form.")
    review = signing.review(workspace, named)
    if wish.key is None:
        for line in review_told(workspace, review):
            print(line)
        print(f"Nothing was signed. To sign: {typed_at(workspace, 'approve', review.request.id, '--key', 'KEY')}")
        return 0
    order = Order(workspace, wish.key, wish.comment)
    entered = signing.approver(order, review, on_paper=wish.paper is not None)
    person = entered if wish.person is None else wish.person
    if person not in review.before.people.persons:
        raise InputError(f"{person} is nobody in people.yaml; known: {', '.join(review.before.people.persons)}.")
    role = signing.role_of(review, person, wish.role)
    sheet = _sheet(workspace, review, wish, role)
    if wish.paper is not None:
        signing.refuse_paper(review, person, role, wish.paper)
    for line in review_told(workspace, review):
        print(line)
    for approval in signed_already(review, person):
        print(f"{person} has signed for this window already ({approval}); one person counts once, whatever they sign.")
    print(f"You approve it as {role}: {review.before.people.told(person)}{', on paper' if wish.paper else ''}.")
    _ask_words(review.plan, typed_words or _from_terminal)
    approved, path = signing.approve(order, review, person, role, wish.paper, sheet)
    print(f"Approved: {path}")
    if sheet is not None:
        print(
            f"The go sheet is {sheet.path}. Print it, seal it, give it to who says go, and delete the file: its codes are nowhere else."
        )
    elif role in review.before.people.policy.go and wish.paper is None:
        print("No go sheet was made (--go-sheet FILE): by this approval the go can be given only with a key.")
    print(
        f"Give {APPROVALS}/ back (git commit, git push). {typed_at(workspace, 'approvals', approved.drill)} says what is missing."
    )
    return 0


def _sheet(workspace: Path, review: Review, wish: Wish, role: str) -> GoSheet | None:
    """Take the file for a go sheet, if one is wanted; raises `InputError` and `Refused`."""
    if wish.go_sheet is None:
        return None
    people = review.before.people
    refuse_sheet(workspace, wish.go_sheet, role, people, on_paper=wish.paper is not None)
    return GoSheet(wish.go_sheet, partial(render_sheet, review.plan, people))


def _ask_words(plan: Plan, typed_words: Typed) -> None:
    """Have a person type the first words of the digest; raises `Refused`, with nothing signed."""
    words = words_of(plan.plan_digest)
    if not is_same(typed_words("Type the two words that stand above, to sign: "), words):
        raise Refused("Those are not the first two words of the plan's digest. Nothing was signed.")


def _from_terminal(question: str) -> str:
    if not sys.stdin.isatty():
        raise Refused("Nobody is at a terminal to type the words of the digest. Nothing was signed.")
    return ask_person(question)


def review_told(workspace: Path, review: Review) -> Iterator[str]:
    """Say what an approver has to know: what dies and whose it is, what stays open, who restores and how fast; the digest last."""
    plan, request, people = review.plan, review.request, review.before.people
    yield f"{plan.drill.drill} at {plan.drill.site}, live, once, in the window"
    yield f"  {request.not_before} to {request.not_after}"
    yield f"asked for by {people.told(request.person)} at {request.made}{f': {request.comment}' if request.comment else ''}"
    yield f"service that must keep running: {plan.drill.service.told}"
    yield f"attempts so far: {earlier_told(workspace, plan)}"
    yield ""
    yield from _dying(plan)
    yield ""
    yield from _open(plan)
    yield ""
    yield from _restoring(plan)
    yield ""
    yield from _kept_closed(plan)
    yield ""
    yield from _ledger(review)
    yield f"people digest {people.digest}"
    yield f"drill digest  {plan.drill_digest}"
    yield f"plan digest   {plan.plan_digest}"
    yield f"its first words: {' '.join(words_of(plan.plan_digest))}"


def _dying(plan: Plan) -> Iterator[str]:
    yield "What dies, and whose it is:"
    for number, stage in enumerate(plan.stages, 1):
        yield f"  stage {number}, {stage.name}, held {written(stage.hold_s)}: {', '.join(stage.conduits)}"
        for flow in stage.dying_flows:
            yield f"    {flow.review_told}: {flow.flow} on {flow.conduit}, owner {flow.owner}{f': {flow.purpose}' if flow.purpose else ''}"
        if not stage.dying_flows:
            yield "    no flow is declared there"


def _open(plan: Plan) -> Iterator[str]:
    yield "What stays open:"
    left = [
        part.told for parts in (plan.boundary.left, plan.boundary.ways_round, plan.boundary.uncovered) for part in parts
    ]
    left += [way.left_told for way in plan.boundary.untested]
    yield from (f"  {told}" for told in left)
    if not left:
        yield f"  nothing that the site file names. {plan.boundary.told}"


def _restoring(plan: Plan) -> Iterator[str]:
    limits = plan.drill.limits
    yield "Who restores, and how fast:"
    yield (
        f"  the run itself when the last stage was held, within {written(limits.restore_within)} as the probes see it; `islandmode abort` at any "
        "moment, which asks nobody; the guardian on the operations host if the run dies"
    )
    for name, point in plan.points.items():
        able = point.capabilities
        timed = "" if able.timer == "none" else f", at most {plan.dead_man_s + able.late_s:g} s after it was last set"
        by = f"; {who}" if point.by_hand is not None and (who := who_told(point.by_hand)) else ""
        yield f"  {name} ({point.platform}): undo tier {able.undo_tier}, {WAY[able.undo_tier]}{timed}{by}"


def _kept_closed(plan: Plan) -> Iterator[str]:
    yield "If it turns real, what keeps each conduit closed, and who may order that:"
    told = closings_told(plan)
    for closing, lines in told:
        yield f"  {closing}"
        yield from (f"    {line}" for line in lines)
    if not told:
        yield "  nothing is declared"


def _ledger(review: Review) -> Iterator[str]:
    if review.checkpoint is None:
        yield "ledger: no run was entered yet"
        return
    yield f"you sign that you saw {review.checkpoint.checkpoint.told()}"
    if not review.has_ledger:
        yield "  as the request has it: your files have no runs/ledger.jsonl in which to look that up"


def print_approvals(workspace: Path, drill: str | None, *, past: bool = False, as_json: bool) -> int:
    """List what was asked for and approved, drill by drill, and what is missing; `past` lists what is over, too."""
    drills = [drill] if drill is not None else [path.stem for path in catalog.files(workspace, catalog.DRILLS)]
    now, code = now_of(), 0
    documents: list[dict[str, Any]] = []
    for name in drills:
        _, plan = plan_of(workspace, name)
        against = tuple(refused_by_approvals(workspace, plan, now, ahead=True))
        stands = standing(workspace, plan, now)[0]
        stands = stands if past else stands.since(now)
        code = NOT_APPROVED if against else code
        if as_json:
            documents.append(_for_machines(plan, stands, against))
        else:
            _print_standing(Console(highlight=False, soft_wrap=True), plan, stands, against)
    if as_json:
        print_json({"exit_code": code, "drills": documents})
    return code


def _print_standing(console: Console, plan: Plan, stands: Standing, against: tuple[str, ...]) -> None:
    console.print(Text(f"{plan.drill.drill} at {plan.drill.site}", style="bold"))
    for judged in (*stands.requests, *stands.approvals):
        told = _document_told(judged)
        console.print(Text(f"  {told}", style="default" if not judged.why else "yellow"))
    for kept in stands.unread if not stands.missing else ():
        console.print(Text(f"  {kept.name} is not read: {kept.trouble}", style="yellow"))
    for sentence in against:
        console.print(Text(f"  not for live: {sentence}", style="yellow"))
    if not against:
        told = f" {stands.not_yet}" if stands.not_yet else ""
        console.print(Text(f"  approved: nothing speaks against a live run by its approvals.{told}", style="green"))


def _document_told(judged: Judged) -> str:
    document = judged.kept.document
    counts = f"does not count: {judged.why}" if judged.why else "counts"
    if isinstance(document, Approval):
        return f"{document.told}: {document.person} as {document.role}, {document.window}, {counts}"
    if isinstance(document, WindowRequest):
        return f"{document.id}: asked for by {document.person}, {document.window}, {counts}"
    return f"{judged.kept.name}: {counts}"


def _for_machines(plan: Plan, stands: Standing, against: tuple[str, ...]) -> dict[str, Any]:
    subject = Subject.of(plan)
    return {
        "drill": subject.drill,
        "site": subject.site,
        "drill_digest": subject.drill_digest,
        "plan_digest": subject.plan_digest,
        "documents": [
            {
                "file": judged.kept.name,
                "sha256": judged.kept.sha256,
                "kind": document.kind,
                "person": document.person,
                "role": getattr(document, "role", None),
                "paper": isinstance(document, Approval) and document.paper is not None,
                "not_before": document.not_before,
                "not_after": document.not_after,
                "counts": not judged.why,
                "why": judged.why or None,
            }
            for judged in (*stands.requests, *stands.approvals)
            if isinstance(document := judged.kept.document, Bound) and isinstance(document, WindowRequest | Approval)
        ],
        "window_to_come": bool(stands.not_yet),
        "unread": [{"file": kept.name, "why": kept.trouble} for kept in stands.unread],
        "against": list(against),
    }


def revoke_document(workspace: Path, named: str, why: str, key: Path) -> int:
    """Take a document back, and say so."""
    revocation, path = signing.revoke(Order(workspace, key), named, why)
    print(f"Revoked {revocation.of}: {path}")
    print(f"Give {APPROVALS}/ back (git commit, git push), so that the operations host has it.")
    return 0
