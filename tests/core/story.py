"""A perfect run of the quarterly drill as records and samples, to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from islandmode.core.episodes import HEARD_BY_SEEN, Episode, Heard, Sample, Seen, fold
from islandmode.core.judging.run import judge
from islandmode.core.judging.timeline import timeline_of
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.verdict import Result, Verdict
from tests.core.given import given as given_files

SECOND = 1_000_000
STEP = 100_000
BASE, VENDORS, CORPORATE, RESTORE, END = (second * SECOND for second in (1, 4, 12, 24, 27))
MIDDLE = CORPORATE + 4 * SECOND
POINT = "conduit-firewall"


class Story:
    """A perfect run of the quarterly drill, to be spoilt."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan: Plan = plan or given_files().plan()
        self.records: list[Record] = []
        self.others: list[Record] = []
        self._tell()
        self.samples = {name: self._samples(name) for name in self.plan.probes}

    def add(self, at_us: int, kind: str, **data: Any) -> None:
        """Append a record."""
        self.records.append(
            Record(len(self.records), "riverside", "run", "conductor", "boot", at_us, at_us, kind, data)
        )

    def guardian(self, at_us: int, kind: str, *, boot: str = "boot", **data: Any) -> None:
        """Append a record of the guardian."""
        self.others.append(Record(len(self.others), "riverside", "run", "guardian", boot, at_us, at_us, kind, data))

    def _tell(self) -> None:
        self.add(0, "run.started", operator="somebody")
        for name in self.plan.vantages:
            self._offset(name, "before", BASE)
        self.add(BASE, "baseline.started")
        self.add(VENDORS - STEP, "arm.intent", point=POINT, conduits=[])
        for stage, order_us, end_us in (("vendors", VENDORS, CORPORATE), ("corporate", CORPORATE, RESTORE)):
            self.add(order_us, "isolate.intent", stage=stage, point=POINT)
            stamps = {"asked_us": order_us, "answered_us": order_us + 2000}
            conduits = list(next(one.conduits for one in self.plan.stages if one.name == stage))
            told = {"point": POINT, "outcome": "done", "egress": {name: self.counted(name) for name in conduits}}
            self.add(order_us + 2000, "isolate.result", stage=stage, conduits=conduits, **told, **stamps)
            self.add(order_us + 2000, "hold.started", stage=stage)
            for at_us in (*range(order_us + SECOND, end_us, SECOND), end_us - 20_000):
                self.look(at_us)
            self.add(end_us - 1000, "hold.ended", stage=stage, complete=True)
        self.add(RESTORE, "restore.ordered", why="The plan is complete.")
        self.add(RESTORE + 3000, "restore.seen", point=POINT, asked_us=RESTORE, answered_us=RESTORE + 3000)
        self.add(END, "verify.done", bad=[])
        for name in self.plan.vantages:
            self._offset(name, "after", END)
            self.add(END, "collect.result", vantage=name, outcome="done", chain_ok=True, ended="asked", samples=1)
        self.add(END, "configuration.read", point=POINT, when="after", outcome="done")
        self.add(END, "configuration.compared", point=POINT, part="ruleset", same=True, ours=False)
        self.add(END, "run.finished", restored=True)

    def counted(self, conduit: str) -> dict[str, int]:
        """What the firewall has counted for a conduit since it was armed: three packets each way across, and our own."""
        ways = self.plan.points[POINT].rendering.ways[conduit]
        return {way.name: 3 for way in ways if way.kind in ("across", "control")}

    def look(self, at_us: int) -> None:
        """Read the firewall: every dead-man runs, and nothing was counted since it was isolated."""
        names = self.plan.points[POINT].conduits
        told = {"armed_s": dict.fromkeys(names, 60.0), "egress": {name: self.counted(name) for name in names}}
        self.add(at_us, "dead_man.read", point=POINT, outcome="done", asked_us=at_us, answered_us=at_us, **told)

    def _offset(self, vantage: str, when: str, at_us: int) -> None:
        clock = {"monotonic_us": 0, "uncertainty_us": 20}
        self.add(at_us, "vantage.offset", vantage=vantage, when=when, outcome="done", **clock)

    def _samples(self, name: str) -> list[Sample]:
        dead_from = {
            probe: us for us, stage in ((CORPORATE, 1), (VENDORS, 0)) for probe in self.plan.stages[stage].dead
        }
        found = []
        for number, at_us in enumerate(range(BASE, END, STEP)):
            dead = dead_from.get(name, END) < at_us < RESTORE
            seen, why = (Seen.BAD, "no answer in time") if dead else (Seen.GOOD, "")
            answered_us = at_us + (800_000 if dead else 1000)
            found.append(Sample(name, number, at_us, answered_us, seen, None, why, HEARD_BY_SEEN[seen]))
        return found

    def see(
        self,
        probe: str,
        seen: Seen,
        from_us: int,
        to_us: int,
        why: str = "",
        *,
        heard: Heard | None = None,
        sender: str = "",
    ) -> None:
        """Change what a probe saw in a stretch."""
        heard = heard or HEARD_BY_SEEN[seen]
        self.samples[probe] = [
            replace(one, seen=seen, why=why, answered_us=one.asked_us + 1000, heard=heard, sender=sender)
            if from_us <= one.asked_us < to_us
            else one
            for one in self.samples[probe]
        ]

    def lose(self, probe: str, from_us: int, to_us: int) -> None:
        """Take a probe's samples of a stretch away."""
        self.samples[probe] = [one for one in self.samples[probe] if not from_us <= one.asked_us < to_us]

    def change(self, kind: str, **data: Any) -> None:
        """Change the data of every record of a kind."""
        self.records = [replace(one, data=one.data | data) if one.kind == kind else one for one in self.records]

    def drop(self, kind: str, **data: Any) -> None:
        """Take records of a kind away."""
        self.records = [
            one
            for one in self.records
            if one.kind != kind or any(one.data.get(key) != value for key, value in data.items())
        ]

    def episodes(self) -> dict[str, tuple[Episode, ...]]:
        """Fold what the probes saw as it is told now."""
        edges = timeline_of([stage.name for stage in self.plan.stages], self.records, self.others).edges
        return {name: fold(samples, edges) for name, samples in self.samples.items()}

    def judge(self) -> Verdict:
        """Judge the run as it is told now."""
        episodes = self.episodes()
        return judge(self.plan, self.records, episodes, mode="rehearsal", lab=True, run="run", others=self.others)


def codes(verdict: Verdict) -> set[str]:
    """Name the codes of all findings that are no notes."""
    return {one.code for one in verdict.findings if one.result is not Result.HELD}


def recount(story: Story, count: Callable[[Record, dict[str, dict[str, int]]], Any]) -> None:
    """Change what the firewall says to have counted, reading by reading."""
    changed = []
    for record in story.records:
        if "egress" not in record.data:
            changed.append(record)
            continue
        egress = {name: dict(counts) for name, counts in record.data["egress"].items()}
        count(record, egress)
        changed.append(replace(record, data=record.data | {"egress": egress}))
    story.records = changed


def add_from(
    at_us: int, conduit: str, way: str, packets: int = 1
) -> Callable[[Record, dict[str, dict[str, int]]], None]:
    """Count more on a way from a moment on."""

    def count(record: Record, egress: dict[str, dict[str, int]]) -> None:
        if record.monotonic_us >= at_us and conduit in egress:
            egress[conduit][way] = egress[conduit].get(way, 0) + packets

    return count
