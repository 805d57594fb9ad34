"""One record of a journal. The types a conductor writes, with the keys of their data, are listed in `KINDS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FORMAT = 1

KINDS: dict[str, str] = {
    "run.started": "mode, drill_digest, plan_digest, version, operator",
    "preflight.finding": "code, sentence, refuses",
    "vantage.started": "vantage, far, outcome, why, by (who started the worker)",
    "vantage.offset": "vantage, when (before/after), monotonic_us, utc_us, uncertainty_us, boot_id, outcome",
    "vantage.looked": "what: probes that are not good, and vantages that cannot be looked at, before anything is armed; "
    "codes and probes of these",
    "baseline.started": "",
    "baseline.done": "bad: probes that were not good",
    "configuration.read": "point, when (before/after), outcome, parts: {part: sha256}",
    "configuration.compared": "point, part, same (bool), ours (bool): an Islandmode object stands there after the drill, "
    "changed: first lines that others edited, anew: first lines that were loaded again, mend: what takes ours away",
    "arm.intent": "point, conduits, for_s",
    "arm.result": "point, conduits, outcome, why, armed_s: {conduit: s}, timer_s: the device's one timer, egress, "
    "asked_us, answered_us",
    "arm.cancelled": "point: the intent was given up before anything was sent to the device",
    "isolate.intent": "stage, point, conduits",
    "isolate.result": "stage, point, conduits, outcome, why, egress, asked_us, answered_us",
    "hold.started": "stage",
    "hold.ended": "stage, complete",
    "dead_man.read": "point, outcome, armed_s: {conduit: s}, isolating: {conduit: bool}, "
    "egress: {conduit: {way: packets since armed}}, zeros left out; a conduit is missing where its counters are, "
    "asked_us, answered_us",
    "dead_man.renew": "point, for_s, outcome, why, egress, asked_us, answered_us",
    "stop": "by (signal, abort, abort_when, flying_blind, dead_man, isolate, guardian, window, lock_out, internal), why, proven",
    "restore.ordered": "why",
    "restore.attempt": "point, attempt, outcome, why, asked_us, answered_us",
    "restore.looked": "point, attempt: the one that was not answered, outcome, why, asked_us, answered_us: a look before the restore "
    "is written again, on a device that works on it for a while",
    "restore.seen": "point, asked_us, answered_us",
    "restore.unseen": "point, why",
    "resume.started": "by, points (journal of an islandmode restore)",
    "saved.looked": "point, ours: saved files with an Islandmode object, unread: what could not be read, standing: objects of "
    "every run, null where that was not seen (of a restore)",
    "resume.ended": "restored: every point owed was seen, and nothing of Islandmode is saved there, points (of a restore)",
    "collect.result": "vantage, outcome, why, chain_ok, chain_why, ended, samples",
    "verify.started": "",
    "verify.done": "bad: probes that were not good",
    "journal.hole": "why, lost",
    "login.tried": "stage, point, outcome, why: a new login after a stage was isolated",
    "guardian.proved": "why: empty when the guardian is ready",
    "proof.tried": "what, why: empty when it would restore",
    "request.taken": "file, kind, author",
    "request.ignored": "file, why",
    "guardian.ready": "points (guardian's journal)",
    "guardian.owes": "point, conduits: before the conductor arms it (guardian's journal)",
    "guardian.paid": "point: the device refused to be armed (guardian's journal)",
    "guardian.took_over": "why, points (guardian's journal)",
    "guardian.claimed": "claimed: true, false when somebody had, unknown when the disk did not say (guardian's journal)",
    "guardian.agrees": "point: seen restored by the guardian too (guardian's journal)",
    "guardian.disagrees": "point, why: it saw an object after the conductor had seen none (guardian's journal)",
    "guardian.ended": "restored, took_over (guardian's journal)",
    "run.finished": "restored (bool), why",
    "run.refused": "why: it ended before anything was isolated, and what was armed was seen gone; by: what stopped it, or empty",
}


@dataclass(frozen=True)
class Record:
    """One line of a journal; `data` holds JSON values only."""

    seq: int
    site: str
    run: str
    writer: str
    boot_id: str
    utc_us: int
    monotonic_us: int
    kind: str
    data: dict[str, Any]
