"""Ten thousand answers of a device that says anything: none raises, none is believed wrongly, and no verdict is lost.

They go the whole way: through the driver's nft channel, the session, the point and its reading, into records, the comparison, the
judge and the report. To play one again: its number is the seed.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from io import StringIO
from typing import Any

import anyio
import pytest
from rich.console import Console

from islandmode.core.chain import GENESIS
from islandmode.core.difference import changed_lines, compare_parts, made_anew
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.verdict import verdict_json
from islandmode.isolation.nftables.reading import COMPARABLE
from islandmode.isolation.nftables.recipe import CAPABILITIES
from islandmode.isolation.point import Configuration, Facts, PointState
from islandmode.operate.judge import Evidence, judge_evidence
from islandmode.run.deadman import arm_trouble, watch_trouble
from islandmode.store.journal import encode
from islandmode.ui.report.judged import render_report
from napalm_nftables.channel import NftChannel
from napalm_nftables.errors import LinkLost
from napalm_nftables.link import DeviceLink
from napalm_nftables.transport import Login
from tests.core.test_text_that_comes_in import is_harmless
from tests.isolation.nftables.saying import SECRET, SayingPoint
from tests.more import first_of
from tests.run import simulated_run

CONDUITS = ("corporate-line3",)
SEEDS, ANSWERS, JUDGED_EVERY = 10, 1000, 40
LONG_S = 60.0
CALLS: dict[str, Callable[[SayingPoint], Awaitable[Reading[Any]]]] = {
    "state": lambda point: point.state(CONDUITS, LONG_S),
    "arm": lambda point: point.arm(CONDUITS, 60.0, LONG_S),
    "isolate": lambda point: point.isolate(CONDUITS, LONG_S),
    "renew": lambda point: point.renew(CONDUITS, 60.0, LONG_S),
    "restore": lambda point: point.restore(CONDUITS, LONG_S),
    "facts": lambda point: point.facts(LONG_S),
    "configuration": lambda point: point.configuration(LONG_S),
    "ready": lambda point: point.ready(LONG_S),
}


def texts(value: Any) -> Iterator[str]:
    """Give every text that a reading brings."""
    match value:
        case str():
            yield value
        case Reading():
            yield from texts((value.why, value.value))
        case PointState():
            yield from texts([one.owner for one in value.conduits.values()])
        case Configuration():
            yield from texts([value.parts, value.ours])
        case Facts():
            yield from texts(vars(value))
        case dict():
            yield from texts([*value.keys(), *value.values()])
        case list() | tuple():
            for part in value:
                yield from texts(part)


def is_fit(text: str) -> bool:
    """Tell whether a text may be kept: plain, and without the device's secret."""
    return is_harmless(text.replace("\n", "").replace("\t", "")) and SECRET not in text


def told(name: str, reading: Reading[Any]) -> dict[str, Any]:
    """Write a reading as the conductor does into its journal."""
    data: dict[str, Any] = {"point": "conduit-firewall", "outcome": reading.outcome.value, "why": reading.why}
    data |= {"asked_us": reading.asked_us, "answered_us": reading.answered_us}
    if isinstance(reading.value, PointState):
        data["armed_s"] = {name: one.armed_s for name, one in reading.value.conduits.items()}
        data["isolating"] = {name: one.isolating for name, one in reading.value.conduits.items()}
    return data


KINDS = {"state": "dead_man.read", "renew": "dead_man.renew", "arm": "arm.result"}


def records_of(name: str, reading: Reading[Any], before: Configuration | None) -> list[tuple[str, dict[str, Any]]]:
    """Give what a run would record of a reading, and what it would say of it."""
    found = [(KINDS[name], told(name, reading))] if name in KINDS else []
    if name in ("arm", "state"):
        trouble = arm_trouble("conduit-firewall", CAPABILITIES, CONDUITS, 60.0, reading)
        trouble = trouble or watch_trouble("conduit-firewall", CAPABILITIES, CONDUITS, CONDUITS, reading, 30.0)
        found += [("stop", {"by": "dead_man", "why": trouble})] if trouble else []
    if isinstance(reading.value, Configuration) and before is not None:
        diffs = compare_parts(before.parts, reading.value.parts, COMPARABLE)
        for part, ours in reading.value.ours.items():
            data = {"point": "conduit-firewall", "part": part, "same": part not in diffs, "ours": bool(ours)}
            changed = changed_lines(diffs.get(part, ""), ours, COMPARABLE)
            found.append(
                (
                    "configuration.compared",
                    data | {"changed": changed, "anew": made_anew(diffs.get(part, ""), COMPARABLE)},
                )
            )
    return found


@cache
def good_run() -> Evidence:
    """Give a perfect simulated drill, for the device's words to be put into."""
    evidence = simulated_run.run(1).evidence
    assert evidence is not None
    return evidence


def assert_judged(said: Sequence[tuple[str, dict[str, Any]]], diffs: dict[str, str]) -> None:
    """A run with these records in it has a verdict, a report and an end on the terminal; none of it steers anything."""
    good = good_run()
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


async def hear(seed: int) -> Counter[Outcome]:
    """Hear a thousand answers, and judge every fortieth."""
    dice = random.Random(seed)
    point, before = SayingPoint(dice), None
    outcomes: Counter[Outcome] = Counter()
    for number in range(ANSWERS):
        name = dice.choice(tuple(CALLS))
        reading = await CALLS[name](point)
        outcomes[reading.outcome] += 1
        where = f"seed {seed}, answer {number}, {name}: {reading!r}"
        assert [text for text in texts(reading) if not is_fit(text)] == [], where
        assert reading.why or reading.done, where
        said = records_of(name, reading, before)
        for kind, data in said:
            # NaN, or a number without an end, would end the run here.
            encode(
                replace(good_run().records[0], kind=kind, data=json.loads(json.dumps(data, allow_nan=False))), GENESIS
            )
        if number % JUDGED_EVERY == 0:
            parts = reading.value.parts if isinstance(reading.value, Configuration) else {}
            assert_judged(said, compare_parts(before.parts if before is not None else {}, parts, COMPARABLE))
        if isinstance(reading.value, Configuration):
            before = reading.value
    await point.close()
    return outcomes


@pytest.mark.parametrize("seed", first_of(range(SEEDS), 2))
def test_nothing_that_a_device_says_raises_or_loses_a_verdict(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: died.append(repr(args.exc_value)))
    # A world of its own: it is played before there is a loop.
    good_run()
    outcomes = anyio.run(hear, seed)
    assert died == []
    assert outcomes.total() == ANSWERS
    # Every kind of end comes up, or nothing was tried.
    assert min(outcomes[one] for one in Outcome) > ANSWERS // 20


class Endless:
    """Stands in for a channel of SSH whose other end never stops."""

    def sendall(self, _: bytes) -> None:
        """Take lines."""

    def settimeout(self, _: float) -> None:
        """Never wait."""

    def recv(self, size: int) -> bytes:
        """Give more."""
        return b"x" * (size - 1) + b"\n"

    def read(self, size: int) -> bytes:
        """Give all that is asked for."""
        return b"x" * size


def test_an_answer_without_an_end_is_given_up() -> None:
    channel = NftChannel(Endless())  # type: ignore[arg-type]
    with pytest.raises(LinkLost, match=r"nft answered more than \d+ bytes"):
        channel.ask("list tables", deadline_s=LONG_S)
    assert not channel.alive
    login = Login("127.0.0.1", 22, "drill", LONG_S)
    with pytest.raises(LinkLost, match=r"127\.0\.0\.1:22 answered more than \d+ bytes to cat\."):
        DeviceLink(login)._whole(Endless(), "cat")  # type: ignore[arg-type]
