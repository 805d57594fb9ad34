"""Tells simulated runs in lines, and writes `runs.txt`: what is said and done when one thing goes otherwise.

    python -m tests.run.told_runs     writes it anew; read the difference before it is committed

Told are what is shown, every record of the conductor and of its guardian, and what reached the devices, each with its
milliseconds since the run began; of each story what the run without a fault does not have, and what of that is gone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from islandmode.core.lifecycle import Phase
from islandmode.core.record import Record
from islandmode.run.conductor import Conductor
from islandmode.run.progress import Progress
from islandmode.simulate.faults import Fault, Kind
from islandmode.store.journal import read_journal
from tests.pages import write
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import RESUMED, Ended, run

PAGE = Path(__file__).with_name("runs.txt")
PERFECT = "nothing"
TWO, ONE = Shape(two_points=True), Shape()
ORDER, WORD = Shape(in_order=True), Shape(two_points=True, in_order=True, word_within_s=3.0)
VENDOR, LINE, CONDUIT = "vendor-firewall", "line-firewall", "conduit-firewall"
NOT_TOLD = {"asked_us", "answered_us", "armed_s", "egress", "digests", "parts"}


class Steady(random.Random):
    """Dice that always show the smallest number: every latency is the same."""

    def randint(self, a: int, b: int) -> int:
        return min(a, b)


@dataclass(frozen=True)
class Plot:
    """A drill and what goes wrong in it."""

    faults: tuple[Fault, ...] = ()
    shape: Shape = TWO


def _in(phase: Phase, kind: Kind, **more: Any) -> Plot:
    shape = more.pop("shape", TWO)
    return Plot((Fault(**{"kind": kind, "phase": phase, "after_s": 0.0} | more),), shape)  # type: ignore[arg-type]


def _held(kind: Kind, **more: Any) -> Plot:
    return _in(Phase.HOLDING, kind, **{"after_s": 1.0} | more)


def _at(call: str, phase: Phase, kind: Kind, **more: Any) -> Plot:
    return _in(phase, kind, **{"call": call, "times": 1} | more)


ORDERED = {"target": VENDOR, "conduit": "remote-access"}
PLOTS: dict[str, Plot] = {
    PERFECT: Plot(),
    "one firewall for both, and a timer that is renewed": Plot(shape=Shape(dead_man_s=8.0)),
    "a firewall that isolates by one commit": Plot(shape=Shape.of("commit confirmed")),
    "both conduits in one stage": Plot(shape=Shape(one_stage=True, renewable=False, dead_man_s=60.0)),
    # Before anything is armed.
    "a firewall cannot be read": _at("facts", Phase.PREFLIGHT, Kind.REFUSED),
    "a firewall does not answer": _at("facts", Phase.PREFLIGHT, Kind.LOST_REPLY),
    "its state cannot be read": _at("state", Phase.PREFLIGHT, Kind.LOST_REPLY),
    "its configuration cannot be read": _at("configuration", Phase.PREFLIGHT, Kind.LOST_REPLY),
    "somebody else isolates already": _in(Phase.PREFLIGHT, Kind.STRANGER, target=LINE, conduit="corporate-line3"),
    "a worker does not start": _in(Phase.BASELINE, Kind.WORKER_NOT_STARTED, target="office"),
    "a worker dies at once": _in(Phase.BASELINE, Kind.WORKER_DIES, target="office"),
    "a PLC is dead before": _in(Phase.BASELINE, Kind.OUTAGE, target="10.40.0.50", for_s=1e6),
    "a PLC is dead at first": _in(Phase.BASELINE, Kind.OUTAGE, target="10.40.0.50", for_s=4.0),
    "a clock cannot be measured": _in(Phase.BASELINE, Kind.OFFSET_SILENT, target="vendor"),
    "the guardian cannot log in": _at("ready", Phase.BASELINE, Kind.REFUSED),
    "the guardian gets no answer": _at("ready", Phase.BASELINE, Kind.LOST_REPLY),
    "a person stops it in preflight": _in(Phase.PREFLIGHT, Kind.SIGNAL),
    "a person stops it in the baseline": _in(Phase.BASELINE, Kind.SIGNAL, after_s=1.0),
    "a person asks for an abort in the baseline": _in(Phase.BASELINE, Kind.ABORT, after_s=1.0),
    "the disk is full": _in(Phase.PREFLIGHT, Kind.DISK_FULL),
    # Arming.
    "a person stops it while it is armed": _in(Phase.ARMED, Kind.SIGNAL),
    "an arm is refused": _at("arm", Phase.ARMED, Kind.REFUSED),
    "the second arm is refused": _at("arm", Phase.ARMED, Kind.REFUSED, target=LINE),
    "an arm gets no answer": _at("arm", Phase.ARMED, Kind.LOST_REPLY),
    "an arm lands in part": _at("arm", Phase.ARMED, Kind.HALF_WRITE, shape=ONE),
    "timers are dropped": _in(Phase.PREFLIGHT, Kind.DROPS_TIMERS, target=LINE),
    "timers are others": _in(Phase.PREFLIGHT, Kind.FAKES_TIMERS, target=LINE),
    # Isolating.
    "an isolate gets no answer": _at("isolate", Phase.ISOLATING, Kind.LOST_REPLY),
    "an isolate does not arrive": _at("isolate", Phase.ISOLATING, Kind.LOST_REQUEST),
    "an isolate is refused": _at("isolate", Phase.ISOLATING, Kind.REFUSED),
    "an isolate lands in part": _at(
        "isolate", Phase.ISOLATING, Kind.HALF_WRITE, shape=Shape(one_stage=True, renewable=False, dead_man_s=60.0)
    ),
    "a firewall only says that it isolates": _in(Phase.ISOLATING, Kind.LIES_ISOLATE, target=VENDOR),
    "no new login works": _at("try_login", Phase.ISOLATING, Kind.REFUSED),
    "a rule comes late": _in(Phase.ISOLATING, Kind.RULE_LAG, target=VENDOR, amount_s=1.0, for_s=30.0),
    # Holding.
    "Ctrl-C": _held(Kind.SIGNAL),
    "an abort": _held(Kind.ABORT),
    "a PLC freezes": _held(Kind.FREEZE, target="10.40.0.50"),
    "the near worker falls silent": _held(Kind.WORKER_SILENT, target="here"),
    "the near worker has trouble of its own": _held(Kind.PROBE_TROUBLE, target="here"),
    "both PLCs die": Plot(
        tuple(Fault(Kind.OUTAGE, Phase.HOLDING, 1.0, target=one, for_s=1.2) for one in ("10.40.0.50", "10.40.0.51"))
    ),
    "somebody makes the isolation permanent": _held(Kind.TIMER_STOPPED, **ORDERED),
    "somebody takes the object": _held(Kind.OBJECT_TAKEN, **ORDERED),
    "a firewall restarts": _held(Kind.RESTART, target=VENDOR),
    "a firewall hangs": _held(Kind.HANG, target=VENDOR, for_s=1e6),
    "a firewall hangs for a while": _held(Kind.HANG, target=VENDOR, for_s=3.0),
    "a renewal is refused": _at("renew", Phase.HOLDING, Kind.REFUSED, shape=Shape(dead_man_s=8.0), nth=2),
    "a renewal gets no answer": _at("renew", Phase.HOLDING, Kind.LOST_REPLY, shape=Shape(dead_man_s=8.0), nth=2),
    "a colleague edits": _held(Kind.EDIT, target=LINE),
    "something leaks": _held(Kind.LEAK, conduit="remote-access", target=VENDOR),
    "the journal cannot be written": _held(Kind.SYNC_FAILS, times=1),
    "the disk hangs": _held(Kind.DISK_SLOW, amount_s=1e6),
    "UTC is stepped": _held(Kind.UTC_STEP, amount_s=-7200.0),
    # Coming back in an order.
    "it comes back in order": Plot(shape=ORDER),
    "it comes back in order, on a person's word": Plot(shape=WORD),
    "a person aborts while a word is waited for": Plot((Fault(Kind.ABORT, Phase.RETURNING, 0.3),), WORD),
    "a firewall does not answer when it is its turn": _at("restore", Phase.RETURNING, Kind.LOST_REPLY, shape=ORDER),
    "a firewall refuses when it is its turn": _at("restore", Phase.RETURNING, Kind.REFUSED, shape=ORDER),
    "somebody takes what is isolated still": _in(Phase.RETURNING, Kind.OBJECT_TAKEN, shape=WORD, **ORDERED),
    "the conductor is killed while a word is waited for": Plot(
        (Fault(Kind.CONDUCTOR_KILLED, Phase.RETURNING, 0.3),), WORD
    ),
    # Who guards.
    "the conductor is killed": _held(Kind.CONDUCTOR_KILLED),
    "the conductor stands still": _held(Kind.CONDUCTOR_STOPPED, amount_s=15.0),
    "the guardian is killed": _held(Kind.GUARDIAN_KILLED),
    "the guardian stands still": _held(Kind.GUARDIAN_STOPPED, amount_s=15.0),
    "the host is lost": _held(Kind.HOST_LOST),
    # Restoring, and after.
    "a restore gets no answer": _at("restore", Phase.RESTORING, Kind.LOST_REPLY),
    "a restore is refused": _at("restore", Phase.RESTORING, Kind.REFUSED),
    "a firewall only says that it restores": _in(Phase.HOLDING, Kind.LIES_RESTORE, target=VENDOR, for_s=10.0),
    "a firewall is away for ever": _in(Phase.RESTORING, Kind.HANG, target=VENDOR, for_s=1e6),
    "the guardian's look gets no answer": _at("state", Phase.RESTORED, Kind.LOST_REPLY),
    "the configuration after cannot be read": _at("configuration", Phase.COLLECTED, Kind.LOST_REPLY),
    "a spool has holes": _in(Phase.HOLDING, Kind.SPOOL_LOSS, target="office"),
    "a spool cannot be fetched": _in(Phase.HOLDING, Kind.COLLECT_SILENT, target="office", for_s=1e6),
    "a clock cannot be measured after": _in(Phase.RESTORED, Kind.OFFSET_SILENT, target="vendor", for_s=1e6),
}


def told(plot: Plot) -> list[str]:
    """Play a plot and tell it."""
    shown: list[Progress] = []

    class Shown(Conductor):
        """Notes what it shows."""

        def __init__(self, *given: Any, **more: Any) -> None:
            show = more["show"]

            def note(progress: Progress) -> None:
                shown.append(progress)
                show(progress)

            super().__init__(*given, **more | {"show": note})

    ended = run(1, plot.shape, plot.faults, conductor=Shown, dice_type=Steady)
    begun_us = ended.claims.started_us
    conducted, verdict = ended.conducted, ended.verdict
    stop = conducted.stop if conducted is not None else None
    return [
        (
            f"ended: {ended.why or 'to its end'}; stop {stop}; restored {ended.claims.restored}, refused "
            f"{ended.claims.refused}; verdict {verdict.sentence if verdict else None}, "
            f"restoration {verdict.restoration.value if verdict else None}"
        ),
        *_shown(shown, begun_us),
        *_records("conductor", ended.claims.records, begun_us),
        *_records("guardian", ended.claims.others, begun_us),
        *_records("a person", _resumed(ended), begun_us),
        *_tape(ended, begun_us),
        *(f"differs: {part}" for part in (conducted.differences if conducted is not None else ())),
    ]


def _at_ms(at_us: int, begun_us: int) -> str:
    return f"{(at_us - begun_us) / 1000:.1f}"


def _shown(shown: list[Progress], begun_us: int) -> Iterator[str]:
    """Tell what is shown whenever the sentence changes, or lamps are lit as they never were before."""
    before, lit_before = None, set[str]()
    for one in shown:
        lit = ", ".join(f"{count} {lamp}" for lamp, count in sorted(Counter(one.lamps.values()).items()))
        look = (one.phase, one.stage, one.sentence)
        if look != before or lit not in lit_before:
            timers = ", ".join(f"{name} {timer.armed_s}" for name, timer in one.timers.items())
            said = f"{one.phase.value} ({one.stage}) {one.sentence}"
            yield f"{_at_ms(one.now_us, begun_us)} shown: {said} [{lit}] [{timers}]"
        before = look
        lit_before.add(lit)


def _records(who: str, records: tuple[Record, ...], begun_us: int) -> Iterator[str]:
    """Tell records; of readings that say the same as the one before, of that point, none."""
    before: dict[str, str] = {}
    for one in records:
        plain = {key: value for key, value in one.data.items() if key not in NOT_TOLD}
        said = f"{one.kind} {plain}"
        about = f"{one.kind} {one.data.get('point')}"
        if one.kind in ("dead_man.read", "vantage.looked") and before.get(about) == said:
            continue
        before[about] = said
        yield f"{_at_ms(one.monotonic_us, begun_us)} {who}: {said}{_numbers(one.data, begun_us)}"


def _resumed(ended: Ended) -> tuple[Record, ...]:
    """Give what was written when a person restored a run that was lost."""
    disk = ended.plant.disk
    return read_journal(disk.after_power_loss(RESUMED)).records if RESUMED in disk.files else ()


def _numbers(data: Mapping[str, Any], begun_us: int) -> str:
    told = [f"{name[:-3]} {_at_ms(data[name], begun_us)}" for name in ("asked_us", "answered_us") if name in data]
    told += [f"left {data['armed_s']}"] if "armed_s" in data else []
    counted = {name: sum(ways.values()) for name, ways in data.get("egress", {}).items()}
    return f"; {', '.join([*told, f'counted {counted}'])}" if told else ""


def _tape(ended: Ended, begun_us: int) -> Iterator[str]:
    for device in ended.plant.devices.values():
        for one in device.tape:
            yield f"{_at_ms(one.at_us, begun_us)} {one.device}: {one.what} {one.conduit} ({one.owner}, {one.by})"


@cache
def _perfect() -> tuple[str, ...]:
    return tuple(told(PLOTS[PERFECT]))


def difference(name: str) -> list[str]:
    """Tell a story by what the run without a fault does not have, and count what of that is gone."""
    if name == PERFECT:
        return list(_perfect())
    lines = told(PLOTS[name])
    gone = Counter(" ".join(line.split()[1:3]) for line in _perfect() if line not in lines)
    less = [f"gone: {', '.join(f'{count} {what}' for what, count in sorted(gone.items()))}"]
    return [*less, *(line for line in lines if line not in _perfect())]


if __name__ == "__main__":
    write(PAGE, {name: difference(name) for name in PLOTS})
