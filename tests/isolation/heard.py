"""What is heard from a device that says anything: it may be kept, its record can be written, and a run with it in is judged all the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from io import StringIO
from typing import Any

from rich.console import Console

from islandmode.core.capabilities import Capabilities
from islandmode.core.chain import GENESIS
from islandmode.core.difference import Comparable, changed_lines, compare_parts, made_anew
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.verdict import verdict_json
from islandmode.isolation.point import Configuration, Facts, PointState
from islandmode.operate.judge import Evidence, judge_evidence
from islandmode.run.deadman import arm_trouble, watch_trouble
from islandmode.store.journal import encode
from islandmode.ui.report.judged import render_report
from tests.core.test_text_that_comes_in import is_harmless
from tests.run import simulated_run

SECRET = "Pa55word-of-the-device"
NASTY_TEXTS = (
    *("\x1b[2J\x1b]0;owned\x07", "Tank \ud83d", "\u202egnp", "\x00", "a\nb", "x" * 3000, f"password={SECRET}"),
)
"""What may stand anywhere in an answer: it steers a terminal, is half a character, or is a secret."""
FOR_S, LEFT_S = 60.0, 30.0
JUDGED_EVERY = 40
POINT = "conduit-firewall"
"""The point of the perfect run into which it is put, whatever point said it."""
KINDS = {"state": "dead_man.read", "renew": "dead_man.renew", "arm": "arm.result"}
Records = list[tuple[str, dict[str, Any]]]


@dataclass
class Heard:
    """What was heard from one point so far."""

    able: Capabilities
    comparable: Comparable
    conduits: tuple[str, ...]
    before: Configuration | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    def take_in(self, name: str, reading: Reading[Any], where: str) -> None:
        """See that what a call brought may be kept and recorded, and every now and then that it is judged."""
        where = f"{where}, {name}: {reading!r}"
        assert [text for text in _texts(reading) if not is_fit(text)] == [], where
        assert reading.why or reading.done, where
        said = self._records(name, reading)
        for kind, data in said:
            # NaN, or a number without an end, would end the run here.
            plain = json.loads(json.dumps(data, allow_nan=False))
            encode(replace(_good_run().records[0], kind=kind, data=plain), GENESIS)
        if self.outcomes.total() % JUDGED_EVERY == 0:
            parts = reading.value.parts if isinstance(reading.value, Configuration) else {}
            known = self.before.parts if self.before is not None else {}
            _assert_judged(said, compare_parts(known, parts, self.comparable))
        if isinstance(reading.value, Configuration):
            self.before = reading.value
        self.outcomes[reading.outcome] += 1

    def _records(self, name: str, reading: Reading[Any]) -> Records:
        """Give what a run would record of a reading, and what it would say of it."""
        found = [(KINDS[name], _told(reading))] if name in KINDS else []
        if name in ("arm", "state"):
            trouble = arm_trouble(POINT, self.able, self.conduits, FOR_S, reading)
            trouble = trouble or watch_trouble(POINT, self.able, self.conduits, self.conduits, reading, LEFT_S)
            found += [("stop", {"by": "dead_man", "why": trouble})] if trouble else []
        if isinstance(reading.value, Configuration) and self.before is not None:
            found += self._compared(self.before, reading.value)
        return found

    def _compared(self, before: Configuration, after: Configuration) -> Iterator[tuple[str, dict[str, Any]]]:
        diffs = compare_parts(before.parts, after.parts, self.comparable)
        for part, ours in after.ours.items():
            diff = diffs.get(part, "")
            data: dict[str, Any] = {"point": POINT, "part": part, "same": part not in diffs, "ours": bool(ours)}
            changed, anew = changed_lines(diff, ours, self.comparable), made_anew(diff, self.comparable)
            yield "configuration.compared", data | {"changed": changed, "anew": anew}


def is_fit(text: str) -> bool:
    """Tell whether a text may be kept: plain, and without the device's secret."""
    return is_harmless(text.replace("\n", "").replace("\t", "")) and SECRET not in text


def begin() -> None:
    """Play the perfect run, a world of its own, before there is a loop."""
    _good_run()


def _texts(value: Any) -> Iterator[str]:
    """Give every text that a reading brings."""
    match value:
        case str():
            yield value
        case Reading():
            yield from _texts((value.why, value.value))
        case PointState():
            yield from _texts([(one.owner, one.mark) for one in value.conduits.values()])
        case Configuration():
            yield from _texts([value.parts, value.ours])
        case Facts():
            yield from _texts(vars(value))
        case dict():
            yield from _texts([*value.keys(), *value.values()])
        case list() | tuple():
            for part in value:
                yield from _texts(part)


def _told(reading: Reading[Any]) -> dict[str, Any]:
    """Write a reading as the conductor does into its journal."""
    data: dict[str, Any] = {"point": POINT, "outcome": reading.outcome.value, "why": reading.why}
    data |= {"asked_us": reading.asked_us, "answered_us": reading.answered_us}
    if isinstance(reading.value, PointState):
        data["armed_s"] = {name: one.armed_s for name, one in reading.value.conduits.items()}
        data["isolating"] = {name: one.isolating for name, one in reading.value.conduits.items()}
    return data


@cache
def _good_run() -> Evidence:
    """Give a perfect simulated drill, for the device's words to be put into."""
    evidence = simulated_run.run(1).evidence
    assert evidence is not None
    return evidence


def _assert_judged(said: Sequence[tuple[str, dict[str, Any]]], diffs: dict[str, str]) -> None:
    """A run with these records in it has a verdict, a report and an end on the terminal; none of it steers anything."""
    good = _good_run()
    plan, records = good.plan, good.records
    middle = len(records) // 2
    told_in_it = [replace(records[middle], kind=kind, data=data) for kind, data in said]
    whole = [replace(one, seq=number) for number, one in enumerate((*records[:middle], *told_in_it, *records[middle:]))]
    judged = judge_evidence(replace(good, records=whole))
    verdict = judged.verdict
    written = (verdict_json(verdict), render_report(plan, verdict, whole, judged.episodes, configuration_diffs=diffs))
    terminal = Console(file=StringIO(), force_terminal=True, color_system=None, width=200)
    for finding in verdict.findings:
        terminal.print(finding.sentence, markup=False)
    assert isinstance(terminal.file, StringIO)
    assert all(is_fit(text) for text in (*written, terminal.file.getvalue()))
