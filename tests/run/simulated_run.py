"""One simulated run: the production conductor, restore, dead-man and journal, unmodified, on a simulated plant."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from islandmode.core.drill import Mode
from islandmode.core.entered import LedgerEntered
from islandmode.core.entry import Entry
from islandmode.core.errors import Refused
from islandmode.core.hand import HandAsk
from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.records import RunStarted
from islandmode.core.request import Request, write_request
from islandmode.core.unfinished import owed
from islandmode.core.verdict import Verdict
from islandmode.operate.judge import Evidence, judge_evidence
from islandmode.run.conductor import Conducted, Conductor
from islandmode.run.go_desk import GoDesk
from islandmode.run.guardian import Guardian
from islandmode.run.guards import Guarded
from islandmode.run.outermost import Broken
from islandmode.run.progress import Progress, Stop, StopLatch
from islandmode.run.resume import resume
from islandmode.run.run_place import RunPlace
from islandmode.simulate.faults import Fault, Kind, draw_faults, draw_faults_in_return
from islandmode.simulate.line import SimulatedClaim, SimulatedLine, SimulatedRequests
from islandmode.simulate.person import stand_at
from islandmode.simulate.plant import Devices, SimulatedPlant
from islandmode.simulate.truth import Claims, check_all
from islandmode.simulate.world import WorldLoop, run_world
from islandmode.store.journal import Journal, read_journal
from islandmode.system.clock import Clock
from islandmode.system.disk import AppendFile
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape

WAITS = re.compile(r"Return (\d+): .* waits for a person's word\.")
JOURNAL, GUARDIAN_JOURNAL = Path("journals") / "conductor.jsonl", Path("journals") / "guardian.jsonl"
RESUMED = Path("journals") / "restore.jsonl"
WAITS_FOR_GO = "The go of the plant floor is waited for"
COMES_AFTER_S = 5.0
TURNS = 10
GOOD_FOR_US = 3_600_000_000
LANDS_WITHIN_S = 30.0
GUARDIAN_S = 600.0
"""How long a world goes on after its conductor has ended: a guardian that still tries then has a device that never answers."""


@dataclass(frozen=True)
class AsksGo:
    """A run that needs a go: what it is held against, and what people answer, how long after the baseline began or the go was asked for."""

    desk: Callable[[SimulatedPlant], GoDesk]
    answers: tuple[tuple[str, float, dict[str, str]], ...] = ()


@dataclass(frozen=True)
class TurnsReal:
    """A drill that turns real: how long into its holds somebody closes a conduit, and whether they say so, and put the site's deny in."""

    conduit: str
    after_s: float
    says: bool = True
    denies: bool = True


class NoSignals:
    """A machine that never wants its guardian to end."""

    why = None


class WitnessedJournal(Journal):
    """The product's journal, and beside it what its owner was told is durable."""

    def __init__(self, file: AppendFile, clock: Clock, *, site: str, run: str, writer: str) -> None:
        super().__init__(file, clock, site=site, run=run, writer=writer)
        self.acknowledged: list[Record] = []

    async def append(self, entry: Entry) -> Record:
        """Append as the product does, and note that it came back."""
        record = await super().append(entry)
        self.acknowledged.append(record)
        return record


@dataclass(frozen=True)
class Ended:
    """How a simulated run ended."""

    seed: int
    plant: SimulatedPlant
    faults: tuple[Fault, ...]
    claims: Claims
    conducted: Conducted | None
    evidence: Evidence | None
    """What the run is judged by; a run that was refused, or broke, has none."""
    verdict: Verdict | None
    why: str
    phases: tuple[tuple[int, Phase], ...]
    violations: tuple[str, ...]

    def times(self, kind: str) -> tuple[int, ...]:
        """Give when records of a kind were written, in microseconds since the run began."""
        return tuple(one.monotonic_us - self.claims.started_us for one in self.claims.records if one.kind == kind)

    def story(self) -> str:
        """Tell the run, to be read by a person who plays it again."""
        lines = [f"seed {self.seed}: {self.why or 'finished'}", *(f"  fault  {fault}" for fault in self.faults)]
        begun_us = self.claims.started_us
        happened = [
            (one.at_us, f"{one.device} {one.what} {one.conduit} ({one.owner}, {one.by})") for one in self._tape()
        ]
        said = [(one.monotonic_us, f"    {one.kind} {one.data}") for one in self.claims.records]
        lines += [
            f"  {(at_us - begun_us) / 1e6:10.6f}  {what}"
            for at_us, what in sorted(happened + said, key=lambda one: one[0])
        ]
        if self.verdict is not None:
            lines.append(f"  VERDICT {self.verdict.verdict.value}, restoration {self.verdict.restoration.value}")
            lines += [f"    {one.result.value}: {one.sentence}" for one in self.verdict.findings]
        return "\n".join([*lines, *(f"  VIOLATED: {sentence}" for sentence in self.violations)])

    def _tape(self) -> list[Any]:
        return [one for device in self.plant.devices.values() for one in device.tape]


async def _entered() -> LedgerEntered:
    """Enter nothing: a simulated world has no ledger that anybody keeps."""
    return LedgerEntered(
        ledger="0123456789abcdef", size=2, root="", sha256="0" * 64, attempt=1, earlier="none on the ledger"
    )


@dataclass
class _Stage:
    """Conductor and guardian as processes that can be stopped or killed between any two of their steps."""

    plant: SimulatedPlant
    conductor_type: type[Conductor]
    guardian_type: type[Guardian] = Guardian
    machine: str = ""
    gives_word: bool = True
    asks_go: AsksGo | None = None
    turns_real: TurnsReal | None = None
    words: set[str] = field(default_factory=set)
    latch: StopLatch = field(default_factory=StopLatch)
    journal: WitnessedJournal | None = None
    guardian_journal: Journal | None = None
    conducted: Conducted | None = None
    phases: list[tuple[int, Phase]] = field(default_factory=list)
    why: str = ""
    restored: bool = True
    refused: bool = False
    ended_us: int = 0
    over_us: int = 0
    claim: SimulatedClaim = field(default_factory=SimulatedClaim)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    over: dict[str, anyio.Event] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    asked: dict[str, SimulatedRequests] = field(default_factory=dict)
    guardian_tries: bool = False
    records: tuple[Record, ...] = ()
    acknowledged: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        self.asked = {name: SimulatedRequests() for name in ("conductor", "guardian")}
        self.line = SimulatedLine(self.plant.clock, lambda: self._start("guardian", self._guard()))

    def show(self, progress: Progress) -> None:
        if not self.phases or self.phases[-1][1] is not progress.phase:
            self.phases.append((progress.now_us, progress.phase))
        self.plant.phase_is(progress.phase)
        self._give_word(progress)
        if self.turns_real is not None and progress.phase is Phase.HOLDING and "closed" not in self.words:
            self.words.add("closed")
            later_us = self.plant.clock.monotonic_us() + round(self.turns_real.after_s * 1_000_000)
            self.plant.clock.at(later_us, partial(self._close, self.turns_real))
        if self.asks_go is not None:
            self._say_answers(self.asks_go, progress)

    async def play(self) -> None:
        self.plant.when_process = self._strike
        self.plant.when_asked = self._ask
        self.plant.when_confirmed = self._confirm
        self.over["conductor"] = anyio.Event()
        self._start("conductor", self._conduct())
        await self.over["conductor"].wait()
        lost = "conductor" in self.dead
        if "guardian" in self.over and not {"conductor", "guardian"} <= self.dead:
            with anyio.move_on_after(self._a_person_comes_s if lost else GUARDIAN_S):
                await self.over["guardian"].wait()
            self.guardian_tries = not self.over["guardian"].is_set()
        elif lost:
            await self.plant.clock.sleep(self._a_person_comes_s)
        if lost:
            self.restored = await self._resume()
            self.ended_us = self.plant.clock.monotonic_us()
        self.over_us = self.plant.clock.monotonic_us()
        under_way_s = (self.plant.lands_last_us - self.over_us) / 1_000_000
        if under_way_s > 0:
            # Nobody is left, and a device still acts on what reaches it.
            await self.plant.clock.sleep(min(under_way_s, LANDS_WITHIN_S) + 0.001)
        for task in self.tasks.values():
            if task.done():
                # What a process died of must be heard, no matter which process put the plant back after it.
                task.result()
        # From here on nothing may change what was seen of the world: what is still there is only cancelled.
        if self.journal is not None:
            self.records, self.acknowledged = self.journal.records, tuple(self.journal.acknowledged)
        self.plant.clock.over = True
        for name in self.tasks:
            _loop().resume_process(self.machine + name)
        # A task that was born and never began would be thrown away with a warning.
        for _ in range(TURNS):
            await asyncio.sleep(0)

    @property
    def _a_person_comes_s(self) -> float:
        return self.plant.plan.dead_man_s + COMES_AFTER_S

    def _start(self, name: str, coroutine: Coroutine[Any, Any, None]) -> None:
        over = self.over.setdefault(name, anyio.Event())
        self.tasks[name] = _loop().start_process(self.machine + name, coroutine)
        self.tasks[name].add_done_callback(lambda _: over.set())

    def _strike(self, fault: Fault) -> bool:
        """Let a fault on a process happen; false when nothing was there to be hit."""
        names = {Kind.HOST_LOST: ("conductor", "guardian")}.get(fault.kind, (fault.kind.value.split()[0],))
        struck = [name for name in names if name in self.tasks and not self.over[name].is_set()]
        for name in struck:
            _loop().stop_process(self.machine + name)
            if fault.kind in (Kind.CONDUCTOR_STOPPED, Kind.GUARDIAN_STOPPED):
                later_us = self.plant.clock.monotonic_us() + round(fault.amount_s * 1_000_000)
                self.plant.clock.at(later_us, partial(self._go_on, name))
                continue
            self.dead.add(name)
            self.over[name].set()
            (self.line.conductor_ends if name == "conductor" else self.line.guardian_ends)()
        return bool(struck)

    def _ask(self) -> bool:
        """Put a request into the run's folder, which both processes read; false when nobody is left to read it."""
        good_until_us = self.plant.clock.utc_us() + GOOD_FOR_US
        data = write_request(Request("abort", "run-1", "id-1", "a person", good_until_us))
        for requests in self.asked.values():
            requests.put("id-1.json", data)
        return not all(over.is_set() for over in self.over.values())

    def _close(self, closes: TurnsReal) -> None:
        """Close a conduit for real, on every device that it passes through, and say so."""
        for name, device in self.plant.devices.items():
            if closes.denies and closes.conduit in self.plant.plan.points[name].conduits:
                device.close_for_real(closes.conduit)
        good_until_us = self.plant.clock.utc_us() + GOOD_FOR_US
        said = {"conduit": closes.conduit, "person": "the plant manager"}
        request = Request("keep-closed", "run-1", "closed", "operator", good_until_us, **said)
        for requests in self.asked.values() if closes.says else ():
            requests.put("closed.json", write_request(request))

    def _confirm(self, ask: HandAsk, name: str) -> None:
        """Put what a person says of an ask into the run's folder."""
        good_until_us = self.plant.clock.utc_us() + GOOD_FOR_US
        said = f"said-{ask.id}"
        request = Request("confirm", "run-1", said, "operator", good_until_us, point=ask.point, ask=ask.id, person=name)
        for requests in self.asked.values():
            requests.put(f"{said}.json", write_request(request))

    def _give_word(self, progress: Progress) -> None:
        """Give the word for a step of the return that waits for it, half a second later, where somebody is there to give it."""
        waits = WAITS.match(progress.sentence) if self.gives_word else None
        if waits is None or waits[1] in self.words:
            return
        self.words.add(waits[1])
        good_until_us = self.plant.clock.utc_us() + GOOD_FOR_US
        said = f"word-{waits[1]}"
        request = Request("return", "run-1", said, "operator", good_until_us, step=waits[1], person="the shift lead")
        later_us = self.plant.clock.monotonic_us() + 500_000
        self.plant.clock.at(later_us, lambda: self.asked["conductor"].put(f"{said}.json", write_request(request)))

    def _say_answers(self, asks: AsksGo, progress: Progress) -> None:
        """Say what people answer, each so long after the moment that it waits for."""
        begun = {"baseline": progress.phase is Phase.BASELINE, "asked": WAITS_FOR_GO in progress.sentence}
        for number, (since, after_s, said) in enumerate(asks.answers):
            if not begun[since] or f"answer-{number}" in self.words:
                continue
            self.words.add(f"answer-{number}")
            good_until_us = self.plant.clock.utc_us() + GOOD_FOR_US
            request = Request("go", "run-1", f"answer-{number}", "operator", good_until_us, **said)
            later_us = self.plant.clock.monotonic_us() + round(after_s * 1_000_000)
            put = partial(self.asked["conductor"].put, f"answer-{number}.json", write_request(request))
            self.plant.clock.at(later_us, put)

    def _go_on(self, name: str) -> None:
        if name not in self.dead:
            _loop().resume_process(self.machine + name)

    async def _resume(self) -> bool:
        """Let a person restore what the journals on the disk say is owed."""
        plant = self.plant
        planned = {name: point.conduits for name, point in plant.plan.points.items()}
        found = {path: read_journal(plant.disk.after_power_loss(path)) for path in plant.disk.files}
        conductor = found.pop(JOURNAL)
        believed = conductor.records if conductor.whole or conductor.cut_off else None
        left = owed(planned, believed, [record for reading in found.values() for record in reading.records])
        names = ("simulated", "run-1")
        resumed = await resume(
            plant.resume_points, left, names=names, by="a person", path=RESUMED, clock=plant.clock, disk=plant.disk
        )
        return resumed.seen == set(left)

    async def _guard(self) -> None:
        plant = self.plant
        names = {"site": "simulated", "run": "run-1", "writer": "guardian"}
        journal = await Journal.create(plant.disk, GUARDIAN_JOURNAL, clock=plant.clock, **names)
        self.guardian_journal = journal
        guardian = self.guardian_type(
            plant.plan,
            plant.guardian_points,
            run="run-1",
            journal=journal,
            clock=plant.clock,
            claim=self.claim,
            hearing=self.line.hearing,
            requests=self.asked["guardian"],
            signals=NoSignals(),
        )
        try:
            await guardian.guard()
        finally:
            self.line.guardian_ends()

    async def _conduct(self) -> None:
        plant = self.plant
        plant.faults.phase_is(Phase.PLANNED)
        interrupted = Stop("signal", "SIGINT was received.")
        plant.when_signalled = lambda: _loop().signal_process(
            self.machine + "conductor", lambda: self.latch.pull(interrupted)
        )
        journal = await WitnessedJournal.create(
            plant.disk, JOURNAL, site="simulated", run="run-1", writer="conductor", clock=plant.clock
        )
        assert isinstance(journal, WitnessedJournal)
        self.journal = journal
        conductor = self.conductor_type(
            plant.plan,
            plant.points,
            plant.vantages,
            journal=journal,
            disk=plant.disk,
            clock=plant.clock,
            place=RunPlace(
                "run-1",
                Path("run-1"),
                "simulated world",
                RunStarted(mode="rehearsal"),
                _entered,
                go=None if self.asks_go is None else self.asks_go.desk(plant),
            ),
            guarded=Guarded(self.line, self.claim, self.asked["conductor"]),
            latch=self.latch,
            show=self.show,
        )
        try:
            self.conducted = await conductor.conduct()
            self.restored, self.why = self.conducted.restored, self.conducted.refused or ""
        except Refused as refused:
            self.refused, self.why = True, str(refused)
        except Broken as broken:
            self.restored, self.why = broken.restored, f"broken: {broken.__cause__!r}"
        finally:
            with anyio.CancelScope(shield=True):
                await journal.close()
        self.ended_us = plant.clock.monotonic_us()


def _loop() -> WorldLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WorldLoop)
    return loop


def run(
    seed: int,
    shape: Shape | None = None,
    faults: Sequence[Fault] = (),
    *,
    devices: Devices | None = None,
    conductor: type[Conductor] = Conductor,
    guardian: type[Guardian] = Guardian,
    dice_type: type[random.Random] = random.Random,
    prepare: Callable[[SimulatedPlant], None] = lambda _: None,
    plan: Plan | None = None,
    gives_word: bool = True,
    asks_go: AsksGo | None = None,
    turns_real: TurnsReal | None = None,
) -> Ended:
    """Run one drill in a world of its own, and check every invariant; `plan` runs instead of the simulated drill."""
    plan = plan or simulated_drill.make(shape)
    plant = SimulatedPlant(plan, seed, faults, devices=devices, dice_type=dice_type)
    if shape is not None and shape.habit is not None:
        stand_at(plant, simulated_drill.HAND, shape.habit)
    prepare(plant)
    stage = _Stage(
        plant, conductor, guardian_type=guardian, gives_word=gives_word, asks_go=asks_go, turns_real=turns_real
    )
    run_world(seed, stage.play)
    assert stage.journal is not None
    others = stage.guardian_journal.records if stage.guardian_journal is not None else ()
    evidence = evidence_of(plant.plan, stage, others)
    # As the product does it, but that the evidence does not come from a folder.
    verdict = judge_evidence(evidence).verdict if evidence is not None else None
    claims = Claims(
        restored=stage.restored,
        refused=stage.refused,
        records=stage.records,
        acknowledged=stage.acknowledged,
        journal=JOURNAL,
        ended_us=stage.ended_us,
        started_us=stage.phases[0][0],
        verdict=verdict.verdict.value if verdict is not None else None,
        restoration=verdict.restoration.value if verdict is not None else None,
        judged=verdict,
        others=others,
        over_us=stage.over_us,
        killed="conductor" in stage.dead,
        needs_go=asks_go is not None,
    )
    violations = check_all(plant, claims)
    phases = tuple(stage.phases)
    return Ended(seed, plant, tuple(faults), claims, stage.conducted, evidence, verdict, stage.why, phases, violations)


def evidence_of(plan: Plan, stage: _Stage, others: Sequence[Record]) -> Evidence | None:
    """Give what a run is judged by; a run that was refused, or broke, is not judged."""
    if stage.conducted is None:
        return None
    return Evidence("run-1", plan, stage.records, others, stage.conducted.samples, Mode.REHEARSAL, lab=True)


def run_seed(seed: int) -> Ended:
    """Run the drill and the faults that a seed draws."""
    dice = random.Random(seed)
    # With dice of its own, so that all other seeds play what they always played.
    shape = simulated_drill.with_person(simulated_drill.draw_shape(dice), random.Random(f"person {seed}"))
    ordered, others = (
        simulated_drill.with_order(shape, order := random.Random(f"order {seed}")),
        draw_faults(dice, simulated_drill.make(shape)),
    )
    if ordered is shape:
        return run(seed, shape, others)
    plan = simulated_drill.make(ordered)
    # Now and then without a fault of its own, so that what strikes before the return is played too.
    faults = others if order.random() < 0.3 else draw_faults_in_return(order, plan)
    return run(seed, ordered, faults, gives_word=order.random() < 0.8)
