"""The go at T-0: what an answer to the question means, and until when a go may be said. Pure.

Only a go lets a run arm, and only one that was asked for: of this run, while the baseline is good, in the window, early enough for all of it to be over before the window and
the shift of who says it end. A *no* and a veto end the attempt whenever they come, and need no code: who doubts is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, get_args

from islandmode.core.go_code import NotACode, code_sha256, read_code
from islandmode.core.moments import utc_text
from islandmode.core.plan import Plan
from islandmode.core.quantities import written
from islandmode.core.returning import returns_s

MARGIN_S = 1800.0
"""What is left of a window and of a shift after the last moment at which all must be back: people still have to look."""
WRONG_MAX = 5
WITHIN_S = 900.0
"""How long an answer is waited for, from the question or from the moment until which the plant floor said not yet."""
CHALLENGE = "islandmode/go-challenge/v1"
NAMESPACE = "go@islandmode"
AnswerKind = Literal["go", "not yet", "no", "veto", "release"]


def kind_of(text: str) -> AnswerKind | None:
    """Give the kind of answer that a text names; None where it names none."""
    kinds: tuple[AnswerKind, ...] = get_args(AnswerKind)
    return next((kind for kind in kinds if kind == text), None)


def challenge_of(run: str, plan_digest: str, nonce: str) -> bytes:
    """Give what a key signs to say go in a run."""
    return f"{CHALLENGE}\n{run}\n{plan_digest}\n{nonce}\n".encode("ascii")


def needed_s(plan: Plan) -> float:
    """Tell how long before the end of a window, and of a shift, a go has to come: holds, the return, dead-man, the devices' lag, and 30 minutes."""
    late_s = max(point.capabilities.late_s for point in plan.points.values())
    return plan.hold_s + returns_s(plan.drill) + plan.dead_man_s + late_s + MARGIN_S


def latest_go(plan: Plan, *ends: datetime) -> datetime:
    """Give the latest moment of a go, by whatever ends first: the window, or the shift of who says it."""
    return min(ends) - timedelta(seconds=needed_s(plan))


@dataclass(frozen=True)
class KeyFound:
    """What came of looking at a signature over the challenge: whose it is, and as a clause why it does not hold."""

    person: str
    trouble: str = ""


@dataclass(frozen=True)
class Answer:
    """What a person said, as the operator typed it. `person` and `why` stand in a no and a veto, `until` in a not yet.

    `person` and `session` stand in a release: who lets an engineering session be cut, and which.
    """

    kind: AnswerKind
    run: str
    author: str
    code: str = ""
    key: KeyFound | None = None
    person: str = ""
    why: str = ""
    until: datetime | None = None
    shift_ends: datetime | None = None
    session: str = ""


@dataclass(frozen=True)
class Question:
    """What answers are held against: the run, its plan, the window, and who may say go by which code or key."""

    run: str
    plan_digest: str
    nonce: str
    """Drawn for this run: a signature over it is of no other run."""
    begins: datetime
    ends: datetime
    needed_s: float
    codes: Mapping[str, str]
    """The hashes of the codes that count, each with the approval that has it."""
    may: frozenset[str]
    """The persons who may say go with a key."""
    void: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The hashes of codes that do not count: the approval, and why that does not, as a clause."""

    @property
    def challenge(self) -> bytes:
        """Give what a key signs."""
        return challenge_of(self.run, self.plan_digest, self.nonce)

    @property
    def latest(self) -> datetime:
        """Give the latest moment of a go by the window; a shift may end it earlier."""
        return self.ends - timedelta(seconds=self.needed_s)

    def latest_in(self, shift_ends: datetime) -> datetime:
        """Give the latest moment of a go of somebody whose shift ends then."""
        return min(self.ends, shift_ends) - timedelta(seconds=self.needed_s)

    def hash_of(self, code: str) -> str:
        """Find a code among those that the approvals have; empty where none has it."""
        approvals = dict.fromkeys((*self.codes.values(), *(approval for approval, _ in self.void.values())))
        made = (code_sha256(self.plan_digest, approval, code) for approval in approvals)
        return next((digest for digest in made if digest in self.codes or digest in self.void), "")


@dataclass(frozen=True)
class Said:
    """What was said before, in this run and in earlier runs of its window."""

    used: frozenset[str] = frozenset()
    """The hashes of codes that were said: each is good for one time, whatever came of it."""
    wrong: int = 0
    not_before: datetime | None = None
    """Until when the plant floor said not yet."""


class GoOutcome(StrEnum):
    """What an answer comes to."""

    GO = "go"
    NOT_YET = "not yet"
    NO_GO = "no go"
    VETOED = "vetoed"
    RELEASED = "released"
    """An engineering session may be cut; the question still stands."""
    NOT_TAKEN = "not taken"
    """It changes nothing, and the question still stands."""


ENDING = (GoOutcome.NO_GO, GoOutcome.VETOED)


@dataclass(frozen=True)
class Decision:
    """What an answer comes to, why as a clause, and what has been said now."""

    outcome: GoOutcome
    why: str
    said: Said
    person: str = ""
    approval: str = ""
    code_sha256: str = ""
    shift_ends: datetime | None = None


def decide(question: Question, said: Said, answer: Answer, now: datetime, bad: tuple[str, ...] | None) -> Decision:
    """Say what an answer comes to; `bad` names the probes that are not good now, None before the question was asked."""
    if answer.run != question.run:
        return _not_taken(said, f"it is meant for run {answer.run}, and this is run {question.run}")
    if answer.kind == "veto" and not (answer.person and answer.why):
        return _not_taken(said, "a veto needs the name of the planner, and why")
    if answer.kind == "veto":
        return Decision(GoOutcome.VETOED, answer.why, said, answer.person)
    if answer.kind == "no":
        who, why = answer.person or "the plant floor", f": {answer.why}" if answer.why else ""
        return Decision(GoOutcome.NO_GO, f"{who} said no{why}", said, answer.person)
    if answer.kind == "release":
        return _released(said, answer, bad)
    if bad is None:
        # A code that was read out is used: who listened has it too.
        heard, digest, _ = _heard(question, said, answer)
        early = _not_taken(heard, "the go is not asked for yet: the baseline is not good yet")
        return replace(early, code_sha256=digest)
    if answer.kind == "not yet":
        return _not_yet(question, said, answer, now)
    return _go(question, said, answer, now, bad)


def _not_taken(said: Said, why: str) -> Decision:
    return Decision(GoOutcome.NOT_TAKEN, why, said)


def _released(said: Said, answer: Answer, bad: tuple[str, ...] | None) -> Decision:
    if bad is None:
        return _not_taken(said, "the go is not asked for yet, and no sessions were listed")
    if not (answer.person and answer.session):
        return _not_taken(said, "a release needs the session, and the name of the person who lets it be cut")
    return Decision(GoOutcome.RELEASED, f"{answer.person} released session {answer.session}", said, answer.person)


def held_up(go: Decision, sessions: tuple[str, ...]) -> Decision:
    """Take no go while engineering sessions are open that nobody released; its code was said, and is used."""
    if go.outcome is not GoOutcome.GO or not sessions:
        return go
    why = f"an engineering session is open across what will be isolated ({'; '.join(sessions)}); have it ended, or released by name, and say go again"
    return replace(_not_taken(go.said, why), code_sha256=go.code_sha256)


def _not_yet(question: Question, said: Said, answer: Answer, now: datetime) -> Decision:
    until = answer.until
    if until is None or until <= now:
        return _not_taken(said, "it does not say until when, or that is over")
    if until > question.latest:
        return _not_taken(
            said,
            f"a go after {utc_text(question.latest)} would be too late for this window; say no, and ask for another window",
        )
    return Decision(GoOutcome.NOT_YET, f"not yet until {utc_text(until)}", replace(said, not_before=until))


def _heard(question: Question, said: Said, answer: Answer) -> tuple[Said, str, str]:
    """Look at a code: what has been said with it, its hash, and as a clause why it is no good; nothing where the answer has no code."""
    if not answer.code:
        return said, "", ""
    try:
        code = read_code(answer.code)
    except NotACode as wrong:
        return said, "", f"{str(wrong).rstrip('.')}; this was not counted as a wrong code"
    digest = question.hash_of(code)
    if not digest:
        wrong_now = said.wrong + 1
        return replace(said, wrong=wrong_now), "", f"that code is wrong ({wrong_now} of {WRONG_MAX})"
    now_said = replace(said, used=said.used | {digest})
    if digest in question.void:
        approval, why = question.void[digest]
        return now_said, digest, f"that code belongs to {approval}, which does not count: {why}"
    if digest in said.used:
        return now_said, digest, "that code was said before, and each is good once; take the other code of the sheet"
    return now_said, digest, ""


def _go(question: Question, before: Said, answer: Answer, now: datetime, bad: tuple[str, ...]) -> Decision:
    said, digest, why = _heard(question, before, answer)
    if said.wrong >= WRONG_MAX:
        return Decision(
            GoOutcome.NO_GO, f"{WRONG_MAX} wrong codes were said, so nobody gives a go in this window any more", said
        )
    why = why or _by_nobody(question, answer) or _untimely(question, said, answer, now, bad)
    if why or answer.shift_ends is None:
        return replace(_not_taken(said, why), code_sha256=digest)
    approval = question.codes.get(digest, "")
    person = answer.key.person if answer.key is not None else ""
    by = f"by the key of {person}" if person else f"by a code of {approval}"
    return Decision(GoOutcome.GO, f"go {by}", said, person, approval, digest, answer.shift_ends)


def _by_nobody(question: Question, answer: Answer) -> str:
    """Say why a go is nobody's who may say it, as a clause; empty where it has a code that is good, or such a key."""
    if answer.key is None:
        return "" if answer.code else "a go needs a code of the go sheet, or a key"
    if answer.key.trouble:
        return answer.key.trouble
    return "" if answer.key.person in question.may else f"{answer.key.person} may not say go by the site's policy"


def _untimely(question: Question, said: Said, answer: Answer, now: datetime, bad: tuple[str, ...]) -> str:
    """Say why a go does not come at its time, as a clause; empty where it does."""
    if answer.shift_ends is None:
        return "it does not say when the shift ends of who says go"
    if bad:
        return f"the baseline is not good now ({', '.join(bad)}); say go again when it is"
    if now < question.begins:
        return f"the window has not begun; it begins at {utc_text(question.begins)}"
    if said.not_before is not None and now < said.not_before:
        return f"the plant floor said not yet until {utc_text(said.not_before)}"
    if now > question.latest:
        return f"it is late: a go had to come by {utc_text(question.latest)}, {written(question.needed_s)} before the window ends"
    latest = question.latest_in(answer.shift_ends)
    if now > latest:
        return (
            f"the shift of who says go ends at {utc_text(answer.shift_ends)}, and this go had to come by {utc_text(latest)}; "
            "after the handover the next shift may say go"
        )
    return ""


def void_now(question: Question, go: Decision, now: datetime) -> str:
    """Say why a go that was given is void by now, right before arming, as a clause; empty where it still holds."""
    if go.outcome is not GoOutcome.GO or go.shift_ends is None:
        return "nobody said go"
    if now >= go.shift_ends:
        return f"the shift of who said go ended at {utc_text(go.shift_ends)}, and a go is void at the handover"
    if now > question.latest_in(go.shift_ends):
        return f"it became too late: what was said had to be used by {utc_text(question.latest_in(go.shift_ends))}"
    return ""


def waits_until(question: Question, asked: datetime, said: Said) -> datetime:
    """Give the moment at which no answer means no go."""
    since = asked if said.not_before is None else max(asked, said.not_before)
    return min(since + timedelta(seconds=WITHIN_S), question.latest)
