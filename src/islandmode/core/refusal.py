"""Why a run was refused, by its journal: the sentence, a code to look up, and the probes that it is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from islandmode.core.judging.timeline import of_kind
from islandmode.core.record import Record

UNTOLD = "refused"
"""The code of a refusal about which no other record says more."""
ACTED_ON = {
    "guardian": "not-ready",
    "arming": "not-armed",
    "person": "nobody-there",
    "vantage": "worker-not-started",
    "go": "no-go",
    "veto": "vetoed",
    "changed": "changed-since-preflight",
}
"""The code to look up, by what a run says that it was refused for, where that alone is enough."""


@dataclass(frozen=True)
class Refusal:
    """One refused run: the sentence that its operator read, a code, and the probes that were not good."""

    why: str
    code: str
    probes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """What would have refused it too, in sentences of their own: mending the first alone ends in another refusal."""


def refusal_of(records: Sequence[Record]) -> Refusal | None:
    """Give why a run was refused; None where its journal does not say that it was."""
    said = next(of_kind(records, "run.refused"), None)
    found = next(of_kind(records, "preflight.finding", refuses=True), None)
    if said is None:
        # A run of an earlier version, or a run that was killed just then.
        return None if found is None else Refusal(str(found.data.get("sentence", "")), _code_in(found))
    why = str(said.data.get("why", ""))
    if said.data.get("code") in ("go", "veto", "changed"):
        return Refusal(why, ACTED_ON[str(said.data["code"])])
    if said.data.get("by"):
        return Refusal(why, "stopped-early")
    if found is not None:
        refusing = (
            str(record.data.get("sentence", "")) for record in of_kind(records, "preflight.finding", refuses=True)
        )
        return Refusal(why, _code_in(found), also=_others(refusing, why))
    looked = next((record for record in of_kind(records, "vantage.looked") if record.data.get("what")), None)
    if looked is not None:
        codes, probes = looked.data.get("codes") or (UNTOLD,), looked.data.get("probes") or ()
        also = _others((str(sentence) for sentence in looked.data.get("what", ())), why)
        return Refusal(why, str(codes[0]), tuple(str(probe) for probe in probes), also)
    return Refusal(why, ACTED_ON.get(str(said.data.get("code", ""))) or _code_of(records))


def _others(sentences: Iterable[str], why: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentence for sentence in sentences if sentence and sentence != why))


def _code_in(record: Record) -> str:
    return str(record.data.get("code", UNTOLD))


def _code_of(records: Sequence[Record]) -> str:
    """Find what refused a run although no probe did: where something came late, or in a record of an earlier version."""
    if any(record.data.get("outcome") != "done" for record in of_kind(records, "vantage.started")):
        return "worker-not-started"
    if any(of_kind(records, "arm.intent")):
        return "not-armed"
    # The layers that restore are proved beside the baseline, before the far probes are looked at.
    return "not-ready" if any(of_kind(records, "baseline.done")) else UNTOLD
