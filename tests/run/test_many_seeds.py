"""Five hundred simulated drills with faults from their seeds: no invariant breaks, and the faults really strike."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.rehearse.simulated_faults import Kind, print_table
from islandmode.rehearse.world import WorldFault
from islandmode.store.journal import read_journal
from tests.run.simulated_run import JOURNAL, Ended, run_seed

SEEDS = range(500)
ROOT = Path(__file__).parents[2]
REPLAY = "Replay it: {python} -m tests.run.replay {seed}"


def play(seed: int) -> Ended | str:
    """Run one seed; a run that raises is told as a sentence, so that the others still run."""
    try:
        return run_seed(seed)
    except (Exception, WorldFault) as error:  # noqa: BLE001 - whatever broke belongs to its seed
        return f"{type(error).__name__}: {error}"


@pytest.fixture(scope="module")
def played() -> dict[int, Ended | str]:
    return {seed: play(seed) for seed in SEEDS}


def explain(broken: dict[int, str]) -> str:
    lines = [f"seed {seed}: {what}\n    {REPLAY.format(python='python', seed=seed)}" for seed, what in broken.items()]
    return f"{len(broken)} of {len(SEEDS)} simulated drills went wrong.\n" + "\n".join(lines[:20])


def test_no_invariant_breaks(played: dict[int, Ended | str]) -> None:
    broken = {seed: ended for seed, ended in played.items() if isinstance(ended, str)}
    told = {seed: ended for seed, ended in played.items() if isinstance(ended, Ended)}
    broken |= {seed: " ".join(ended.violations) for seed, ended in told.items() if ended.violations}
    broken |= {seed: ended.why for seed, ended in told.items() if ended.why.startswith("broken")}
    assert not broken, explain(broken)


def test_every_journal_reads_back_after_a_power_loss(played: dict[int, Ended | str]) -> None:
    for seed, ended in played.items():
        assert isinstance(ended, Ended), ended
        found = read_journal(ended.plant.disk.after_power_loss(JOURNAL))
        records = found.records
        assert records == ended.claims.records[: len(records)], f"seed {seed}"
        assert found.whole or not records, f"seed {seed}: {found.why}"


def test_faults_of_every_kind_strike_and_every_phase_is_struck(played: dict[int, Ended | str]) -> None:
    hits: Counter[tuple[Kind, Phase]] = Counter()
    for ended in played.values():
        assert isinstance(ended, Ended), ended
        hits += ended.plant.faults.hits
    table = print_table(hits)
    print(table)
    assert {kind for kind, _ in hits} == set(Kind), table
    struck = {
        Phase.PREFLIGHT,
        Phase.BASELINE,
        Phase.ARMED,
        Phase.ISOLATING,
        Phase.HOLDING,
        Phase.RESTORING,
        Phase.RESTORED,
    }
    assert struck <= {phase for _, phase in hits}, table


def test_runs_end_in_many_ways(played: dict[int, Ended | str]) -> None:
    told = [ended for ended in played.values() if isinstance(ended, Ended)]
    stops = {ended.conducted.stop.by for ended in told if ended.conducted and ended.conducted.stop}
    assert stops == {"signal", "abort_when", "flying_blind", "dead_man", "isolate", "internal"}
    assert any(ended.claims.refused for ended in told)
    assert any(not ended.claims.restored for ended in told)
    assert sum(ended.claims.restored and not ended.claims.refused for ended in told) > len(told) // 2


def fingerprint(hash_seed: str) -> str:
    """Run some seeds in a process of their own and return what they left on the disk, byte for byte, as one digest."""
    program = (
        "import hashlib; from tests.run.simulated_run import JOURNAL, run_seed; digest = hashlib.sha256()\n"
        "for seed in range(25): digest.update(run_seed(seed).plant.disk.after_power_loss(JOURNAL))\n"
        "print(digest.hexdigest())"
    )
    environment = os.environ | {
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return ran.stdout.strip()


def test_a_seed_gives_the_same_bytes_in_every_process() -> None:
    digests = {fingerprint(hash_seed) for hash_seed in ("0", "1", "4711")}
    assert len(digests) == 1
    assert len(next(iter(digests))) == hashlib.sha256().digest_size * 2
