"""Ten thousand simulated drills with faults from their seeds: no invariant breaks, and the faults really strike."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import LONG_PATIENCE_S
from tests.run.simulated_run import run_seed
from tests.run.sweep import Sweep, digest_of, sweep, tell

pytestmark = pytest.mark.many_seeds
SEEDS = range(10_000)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played() -> Sweep:
    found = sweep(SEEDS)
    # How long it took is printed here and measured in bench/: a busy machine is no fault of a drill.
    print(found.report())
    return found


def test_no_invariant_breaks(played: Sweep) -> None:
    assert [one.seed for one in played.told] == list(SEEDS)
    assert not [one for one in played.told if one.wrong], played.report()


def test_every_fault_strikes_in_every_phase_that_it_can_strike(played: Sweep) -> None:
    assert played.empty_cells() == [], played.report()


def test_runs_end_in_many_ways(played: Sweep) -> None:
    stops = {one.stopped_by for one in played.told}
    # Rarer still, and not asked for: a conductor that slept past its window.
    assert stops - {"window"} == {
        None,
        "signal",
        "abort",
        "abort_when",
        "flying_blind",
        "dead_man",
        "isolate",
        "lock_out",
        "guardian",
        "internal",
        "person",
        # A return in the drill's order: nobody gave the word for a step, or a device did not give a conduit back.
        "word",
        "return",
    }
    assert any(one.refused for one in played.told)
    assert any(not one.restored for one in played.told)
    assert sum(one.restored and not one.refused for one in played.told) > len(played.told) // 2


def test_what_another_process_told_is_told_again_by_a_replay(played: Sweep) -> None:
    for one in played.told[::500]:
        assert tell(one.seed) == one
        assert digest_of(run_seed(one.seed)) == one.digest


def fingerprint(hash_seed: str) -> str:
    """Run some seeds in a process of their own and return what they left on the disk, byte for byte, as one digest."""
    program = (
        "from tests.run.sweep import tell\nimport hashlib\n"
        "print(hashlib.sha256(''.join(tell(seed).digest for seed in range(25)).encode()).hexdigest())"
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
        timeout=LONG_PATIENCE_S,
    )
    return ran.stdout.strip()


def test_a_seed_gives_the_same_bytes_in_every_process() -> None:
    digests = {fingerprint(hash_seed) for hash_seed in ("0", "1", "4711")}
    assert len(digests) == 1
    assert len(next(iter(digests))) == hashlib.sha256().digest_size * 2
