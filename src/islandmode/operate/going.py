"""The go of a run: what it is held against, by the approvals that count, and how a person answers."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from islandmode.core.approval import Approval
from islandmode.core.drill import Mode
from islandmode.core.errors import InputError, Refused
from islandmode.core.go import NAMESPACE, KeyFound, Question, Said, needed_s
from islandmode.core.judging.timeline import of_kind
from islandmode.core.moments import utc_text
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.sshsig import BadSignature, armoured, read_signature
from islandmode.operate.approving import Approved, approved, now_of, refused_by_approvals, standing
from islandmode.run.go_desk import GoDesk
from islandmode.store.folders import PEOPLE
from islandmode.store.people import REVOKED, SIGNERS, folder_of, load_people
from islandmode.store.rundir import RUNS, RunDirectory
from islandmode.system.clock import Clock
from islandmode.system.disk import ask_apart
from islandmode.system.own_program import typed_anywhere
from islandmode.system.ssh_signature import Allowed, SignatureTrouble, verified

NONCE_BYTES = 32
PRACTISE = "A rehearsal with a go is for practice, and asks for people and approvals as a live run will"


def refuse_go(workspace: Path, plan: Plan, mode: Mode, *, with_go: bool) -> None:
    """Refuse a run with a go that could not be given one, before anything is brought up; raises `InputError` and `Refused`."""
    if not with_go:
        return
    if mode is not Mode.REHEARSAL:
        raise InputError(f"--with-go belongs to --mode rehearsal, and not to {mode.value}.")
    against = tuple(refused_by_approvals(workspace, plan, now_of()))
    if against:
        raise Refused(f"{PRACTISE}: {' '.join(against)} Nothing was touched.")


def go_desk(workspace: Path, plan: Plan, run: str, clock: Clock) -> tuple[Approved, GoDesk]:
    """Give the approvals of a run, and what its go is held against; raises `Refused` where it is not approved."""
    now = now_of(clock)
    found = approved(workspace, plan, now)
    if found is None:
        against = tuple(refused_by_approvals(workspace, plan, now))
        raise Refused(f"{' '.join(against) or 'The run is not approved any more.'} Nothing was touched.", "preflight")
    question = _question(workspace, plan, run, found, now)

    async def still() -> str:
        return (await _asked(lambda: _still(workspace, plan, found, now_of(clock)).encode(), workspace)).decode(
            "utf-8", "ignore"
        )

    async def looks_at_key(challenge: bytes, signature: str) -> KeyFound:
        def look() -> bytes:
            key = key_found(workspace, challenge, signature, now_of(clock))
            return json.dumps([key.person, key.trouble]).encode("ascii")

        said = await _asked(look, workspace)
        try:
            person, trouble = json.loads(said)
        except ValueError:
            return KeyFound("", said.decode("utf-8"))
        return KeyFound(str(person), str(trouble))

    command = typed_anywhere("go", run, "--workspace", str(workspace))
    return found, GoDesk(question, said_before(workspace, plan, run, question), looks_at_key, still, command)


async def _asked(work: Callable[[], bytes], workspace: Path) -> bytes:
    """Look into the files apart, so that a disk that hangs keeps no abort waiting; what went wrong is said instead."""
    try:
        return await ask_apart(work, folder_of(workspace))
    except OSError as error:
        return f"{PEOPLE} could not be read ({error.strerror})".encode()


def _question(workspace: Path, plan: Plan, run: str, found: Approved, now: datetime) -> Question:
    stands, held = standing(workspace, plan, now)
    policy, people = held.people.policy, held.people
    counting = [kept.document for kept in found.approvals if isinstance(kept.document, Approval)]
    codes = {digest: approval.id for approval in counting if approval.role in policy.go for digest in approval.go_codes}
    void = {
        digest: (document.id, judged.why or f"role {document.role} may not say go")
        for judged in stands.approvals
        if isinstance(document := judged.kept.document, Approval)
        for digest in document.go_codes
        if digest not in codes
    }
    may = frozenset(person for role in policy.go for person in people.in_role(role))
    nonce = base64.b32encode(secrets.token_bytes(NONCE_BYTES)).decode("ascii").rstrip("=")
    begins, ends = max(each.begins for each in counting), min(each.ends for each in counting)
    return Question(run, plan.plan_digest, nonce, begins, ends, needed_s(plan), codes, may, void)


def _still(workspace: Path, plan: Plan, found: Approved, now: datetime) -> str:
    """Say why the approvals of a run do not count any more, in a sentence; empty where they do."""
    try:
        again = approved(workspace, plan, now)
    except InputError as error:
        return str(error).splitlines()[0]
    if again is None:
        return " ".join(refused_by_approvals(workspace, plan, now))
    if again.people_digest != found.people_digest:
        return "The people files were changed since the go was asked for."
    gone = [kept.name for kept in found.approvals if kept.sha256 not in {each.sha256 for each in again.approvals}]
    return f"{gone[0]} does not count any more." if gone else ""


def key_found(workspace: Path, challenge: bytes, signature: str, now: datetime) -> KeyFound:
    """Say whose signature over a challenge it is, and why it does not hold."""
    try:
        people = load_people(workspace)
        made = armoured(base64.b64decode(signature, validate=True))
        read = read_signature(made)
    except (InputError, BadSignature, ValueError) as error:
        return KeyFound("", f"the signature is not taken: {str(error).splitlines()[0]}")
    lines = people.signers_with(read.key)
    person = people.owner_of(lines[0].principal) if lines else ""
    line = people.signer_for(read.key, NAMESPACE, now)
    if read.namespace != NAMESPACE:
        return KeyFound(person, f"it was signed for {read.namespace}, and not for {NAMESPACE}")
    if read.key in people.revoked:
        return KeyFound(person, f"the key that signed it, of {person or 'nobody'}, is revoked")
    if line is None:
        return KeyFound(person, f"the key that signed it, of {person or 'nobody'}, may not sign {NAMESPACE} now")
    if read.untouched:
        return KeyFound(person, read.untouched)
    if people.policy.hardware and not read.key.is_hardware:
        return KeyFound(person, "it was signed without a FIDO key, and the policy demands hardware")
    folder = folder_of(workspace)
    by = Allowed(folder / SIGNERS, folder / REVOKED, line.principal, NAMESPACE)
    try:
        holds = verified(challenge, made, by, now)
    except SignatureTrouble as trouble:
        return KeyFound(person, f"its signature could not be checked: {trouble}")
    return KeyFound(person, "" if holds else "its signature does not hold: it is of another run, or was changed")


def said_before(workspace: Path, plan: Plan, run: str, question: Question) -> Said:
    """Give what was said to earlier runs of the same plan in the same window: codes that are used, and how many were wrong."""
    said = Said()
    for records in _earlier(workspace, run):
        asked = next(of_kind(records, "go.asked"), None)
        if asked is None or asked.data.get("plan_digest") != plan.plan_digest:
            continue
        for record in of_kind(records, "go.answered"):
            data: dict[str, Any] = dict(record.data)
            used = {str(data["code_sha256"])} - {""}
            wrong = int(data["wrong"]) if asked.data.get("begins") == utc_text(question.begins) else 0
            said = Said(said.used | used, max(said.wrong, wrong))
    return said


def _earlier(workspace: Path, run: str) -> Iterator[tuple[Record, ...]]:
    """Give the records of the other runs of a workspace that asked for a go."""
    for root in sorted((workspace / RUNS).glob("*/journals/conductor.jsonl")):
        folder = root.parents[1]
        if folder.name == run or b'"go.asked"' not in root.read_bytes():
            continue
        journal = RunDirectory(folder).journals()[0]
        if journal is not None:
            yield tuple(journal.records)
