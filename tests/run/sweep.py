"""Many simulated drills, split over processes, each told in a few words: python -m tests.run.sweep [COUNT [FIRST]].

A whole run is far larger than what is asked of it, so each process keeps the words and lets the run go. Whatever is said
of a seed can be seen again with `python -m tests.run.replay SEED`: the digest here and there is the same.
"""

from __future__ import annotations

import gc
import hashlib
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from islandmode.core.lifecycle import Phase
from islandmode.simulate.faults import Kind, print_table
from islandmode.simulate.world import WorldFault
from islandmode.store.journal import read_journal
from tests.run.simulated_run import JOURNAL, Ended, run_seed

BATCH = 100
PROCESSES = min(2, os.cpu_count() or 1)
SHOWN = 20
Hits = Counter[tuple[Kind, Phase]]


P = Phase
PHASES = frozenset({P.PREFLIGHT, P.BASELINE, P.ARMED, P.ISOLATING, P.HOLDING, P.RESTORING, P.RESTORED, P.COLLECTED})
"""Those through which every whole run goes; a stranded or a finished one is left in peace."""
OF_THE_DEVICE = PHASES - {P.PREFLIGHT}
NO_OBJECT = frozenset({P.PREFLIGHT, P.BASELINE, P.RESTORED, P.COLLECTED})
CANNOT_HIT: dict[Kind, frozenset[Phase]] = {
    # What a device is like does not change while a run goes on.
    **dict.fromkeys((Kind.LIES_ISOLATE, Kind.LIES_RESTORE, Kind.DROPS_TIMERS, Kind.FAKES_TIMERS), OF_THE_DEVICE),
    # Nothing of this run stands there yet, or any more.
    **dict.fromkeys((Kind.TIMER_STOPPED, Kind.OBJECT_TAKEN), NO_OBJECT),
    # An object of this run stands there: the device refuses another.
    Kind.STRANGER: frozenset({P.ISOLATING, P.HOLDING}),
    # Only writes for several conduits.
    Kind.HALF_WRITE: frozenset({P.PREFLIGHT, P.BASELINE, P.RESTORED, P.COLLECTED}),
    # No worker has been started.
    Kind.WORKER_SILENT: frozenset({P.PREFLIGHT}),
    # No guardian has been started, or it has ended, having seen the plant restored; beside another fault it may still be there.
    **dict.fromkeys((Kind.GUARDIAN_KILLED, Kind.GUARDIAN_STOPPED), frozenset({P.PREFLIGHT, P.COLLECTED})),
    Kind.WORKER_NOT_STARTED: PHASES - {P.BASELINE},
    # Asked for at the start and at the end only; a stranded run collects while it is stranded.
    Kind.OFFSET_SILENT: PHASES - {P.BASELINE, P.COLLECTED},
    Kind.SPOOL_LOSS: PHASES - {P.COLLECTED},
    Kind.COLLECT_SILENT: PHASES - {P.COLLECTED},
    # A restore waits for no disk.
    **dict.fromkeys((Kind.SYNC_FAILS, Kind.DISK_FULL, Kind.DISK_SLOW), frozenset({P.RESTORING})),
}
"""Cells of the table that no seed can fill, and why; every other one must be filled."""


@dataclass(frozen=True)
class Told:
    """What is kept of one seed. `wrong` is empty when everything was as it must be."""

    seed: int
    wrong: str
    digest: str = ""
    hits: tuple[tuple[tuple[Kind, Phase], int], ...] = ()
    stopped_by: str | None = None
    refused: bool = False
    restored: bool = False


@dataclass(frozen=True)
class Sweep:
    """Every seed in order, and how long all of them took together."""

    told: tuple[Told, ...]
    seconds: float
    processes: int

    @property
    def hits(self) -> Hits:
        """Add up how often each fault really hit each phase."""
        total: Hits = Counter()
        for one in self.told:
            total.update(dict(one.hits))
        return total

    def empty_cells(self) -> list[str]:
        """Name the faults that never hit a phase which they can hit."""
        hits = self.hits
        cells = (
            (kind, phase) for kind in Kind for phase in Phase if phase in PHASES - CANNOT_HIT.get(kind, frozenset())
        )
        return [f"{kind.value} in {phase.value}" for kind, phase in cells if not hits[kind, phase]]

    def report(self) -> str:
        """Say how long it took, which faults hit which phases, and which seeds went wrong."""
        head = f"{len(self.told)} simulated drills in {self.seconds:.1f} s of {self.processes} processes"
        wrong = [one for one in self.told if one.wrong]
        lines = [
            f"seed {one.seed}: {one.wrong}\n    Replay it: python -m tests.run.replay {one.seed}"
            for one in wrong[:SHOWN]
        ]
        return "\n".join([head, print_table(self.hits), f"{len(wrong)} of {len(self.told)} went wrong.", *lines])


def digest_of(ended: Ended) -> str:
    """Sum up what a run left on its disk and what was judged of it, byte for byte."""
    found = hashlib.sha256(ended.plant.disk.after_power_loss(JOURNAL))
    found.update(repr(ended.verdict).encode())
    return found.hexdigest()


def tell(seed: int) -> Told:
    """Run one seed; a run that raises is told as a sentence, so that the others still run."""
    try:
        ended = run_seed(seed)
    except (Exception, WorldFault) as error:  # noqa: BLE001 - whatever broke belongs to its seed
        return Told(seed, f"{type(error).__name__}: {error}")
    broken = (ended.why,) if ended.why.startswith("broken") else ()
    stop = ended.conducted.stop if ended.conducted is not None else None
    return Told(
        seed,
        " ".join((*ended.violations, *broken, *_unreadable(ended))),
        digest_of(ended),
        tuple(ended.plant.faults.hits.items()),
        stop.by if stop is not None else None,
        ended.claims.refused,
        ended.claims.restored,
    )


def _unreadable(ended: Ended) -> tuple[str, ...]:
    """Read the journal as it would be found after a power cut, by the product's own reader."""
    found = read_journal(ended.plant.disk.after_power_loss(JOURNAL))
    wrong = []
    if found.records != ended.claims.records[: len(found.records)]:
        wrong.append("The journal on the disk says something else than the run.")
    if not found.whole and found.records:
        wrong.append(f"The journal on the disk is not whole: {found.why}")
    return tuple(wrong)


def tell_each(seeds: range) -> list[Told]:
    """Run some seeds in this process."""
    # Every world is full of cycles; collecting them once a batch rather than all the time saves a tenth.
    gc.disable()
    told = [tell(seed) for seed in seeds]
    gc.collect()
    return told


def sweep(seeds: range, processes: int = PROCESSES) -> Sweep:
    """Run every seed; the order of the result is that of the seeds, whichever process ran them."""
    began = time.monotonic()
    batches = [seeds[start : start + BATCH] for start in range(0, len(seeds), BATCH)]
    # Spawned: a fork would carry over whatever threads the tests before this one left behind.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        told = tuple(one for batch in pool.map(tell_each, batches) for one in batch)
    return Sweep(told, time.monotonic() - began, processes)


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    count, first = words[0] if words else 10_000, words[1] if len(words) > 1 else 0
    print(sweep(range(first, first + count)).report())
