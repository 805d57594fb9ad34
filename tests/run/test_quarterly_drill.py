"""The operators' own quarterly drill, as it stands in its files, in the simulated world."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from islandmode.core.plan import Plan
from islandmode.operate.plan import plan_of
from islandmode.simulate.faults import draw_faults
from tests.more import one_in
from tests.run.simulated_run import run

WORKSPACE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(WORKSPACE, "drills/quarterly-isolation.yaml")[1]


def test_it_runs_to_its_end_and_every_conduit_is_isolated_for_the_whole_hold(plan: Plan) -> None:
    ended = run(1, plan=plan)
    assert ended.conducted is not None
    assert (ended.why, ended.conducted.stop, ended.violations) == ("", None, ())
    for stage in plan.stages:
        for conduit in stage.conduits:
            (stretch,) = ended.plant.network.stretches(conduit)
            assert stretch.until_us - stretch.from_us >= stage.hold_s * 1_000_000
    samples = ended.conducted.samples.samples()
    assert set(samples) == set(plan.probes)
    assert all(len(mine) > 200 for mine in samples.values())


@pytest.mark.parametrize("seed", one_in(3, range(20)))
def test_it_survives_the_faults_that_a_seed_draws(plan: Plan, seed: int) -> None:
    ended = run(seed, faults=draw_faults(random.Random(seed), plan), plan=plan)
    assert ended.violations == (), ended.story()
