"""Far vantages that are logged in to, through the very conduits that the drill isolates; `here` is the operations host of a plant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests import begun_again
from tests.lab import far_trouble
from tests.lab.drills import Ended
from tests.lab.far_vantages import DRILL, HOSTS, FarPlant, far_plant
from tests.lab.reference_watch import Between, Watch, latest, watching
from tests.lab.rogue.bypass import in_node
from tests.patience import LONG_PATIENCE_S

pytestmark = pytest.mark.lab

THROUGH = {
    "vendors": {"vendor": ("10.40.0.20", 8080)},
    "corporate": {"office": ("10.40.0.10", 502), "erp": ("10.20.0.10", 8080)},
}
"""By stage, what is asked beside the drill's own probes: something that passes each of its conduits."""


RETRIES = 15
"""How often Linux sends again what is not acknowledged, if not told otherwise: for a quarter of an hour."""
GIVES_UP = "echo {} >/proc/sys/net/ipv4/tcp_retries2"


@pytest.fixture
def plant(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FarPlant]:
    hold, ppm = request.param
    edit = {f"drills/{DRILL}.yaml": lambda text: text.replace("hold: 3 s", f"hold: {hold}")} if hold != "3 s" else {}
    with far_plant(lab, tmp_path, edit, far_trouble.PYTHON) as made:
        in_node(lab, "office", "sh", "-ec", GIVES_UP.format(hold_retries(hold)))
        for place, node in enumerate(HOSTS):
            far_trouble.runs_apart(made, node, ppm if place % 2 else -ppm)
        yield made
        in_node(lab, "office", "sh", "-ec", GIVES_UP.format(RETRIES))


def hold_retries(hold: str) -> int:
    """Let a system give a silent connection up within a short hold, as it does by itself within a long one."""
    return 1 if hold == "3 s" else RETRIES


@pytest.mark.parametrize(
    ("plant", "lasts_s"),
    [
        pytest.param(("3 s", 20_000.0), LONG_PATIENCE_S, id="clocks that are 2 % off"),
        pytest.param(("30 min", 50.0), 2400.0, id="half an hour at 50 ppm", marks=pytest.mark.minutes),
    ],
    indirect=["plant"],
)
def test_they_sample_alone_while_nobody_can_reach_them_and_are_collected(
    plant: FarPlant, lasts_s: float, tmp_path: Path
) -> None:
    """Their clocks go apart meanwhile, and the moments that are stated hold what truly happened."""
    targets = {node: target for stage in THROUGH.values() for node, target in stage.items()}
    ended, watches = drilled_and_watched(plant, lasts_s, tmp_path, targets)
    for _ in range(begun_again.AT_MOST):
        if too_coarse(ended, lasts_s):
            ended, watches = drilled_and_watched(plant, lasts_s, tmp_path, targets)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    assert_collected(ended)
    # The canary's own system gave its connection up in the hold: nobody refused it.
    lost = {
        found["probe"]: found["sentence"] for found in ended.verdict["findings"] if found["code"] == "old-connection"
    }
    assert " was lost; " in lost["office-canary"]
    for stage in ended.verdict["stages"]:
        stopped = latest([watches[node].stopped() for node in THROUGH[stage["name"]]])
        assert_inside(stopped, stage["isolation_s"], ordered_us(ended, "isolate.intent", stage=stage["name"]))
    back = latest([watch.back() for watch in watches.values()])
    assert_inside(back, ended.verdict["restoration_s"], ordered_us(ended, "restore.ordered"))


def drilled_and_watched(
    plant: FarPlant, lasts_s: float, folder: Path, targets: Mapping[str, tuple[str, int]]
) -> tuple[Ended, Mapping[str, Watch]]:
    with watching(plant.lab, folder, targets) as watches:
        return plant.done(lasts_s), watches


def too_coarse(ended: Ended, lasts_s: float) -> bool:
    """Tell, and note, whether a busy host told its clock so late that a short hold is shorter than what it leaves open."""
    is_short = lasts_s == LONG_PATIENCE_S
    is_so = is_short and "clock-coarse" in ended.codes() and ended.verdict["verdict"] == "inconclusive"
    if is_so and ended.directory is not None:
        begun_again.NOTED.append(f"{ended.directory.name}: clock-coarse")
    return is_so


def assert_collected(ended: Ended) -> None:
    started = {
        record["data"]["vantage"]: record["data"] for record in ended.records() if record["kind"] == "vantage.started"
    }
    collected = {
        record["data"]["vantage"]: record["data"] for record in ended.records() if record["kind"] == "collect.result"
    }
    used = set(started) - {"here"}
    assert used <= set(HOSTS)
    assert len(used) >= 3
    for name in used:
        assert started[name]["far"]
        assert collected[name]["outcome"] == "done"
        assert collected[name]["chain_ok"]
        assert collected[name]["ended"] == "asked"
        assert collected[name]["samples"] > 0


def ordered_us(ended: Ended, kind: str, **data: str) -> int:
    """Give when something was ordered, in us of UTC."""
    return next(
        int(record["utc_us"])
        for record in ended.records()
        if record["kind"] == kind and all(record["data"].get(key) == value for key, value in data.items())
    )


def assert_inside(moment: Between, stated: Mapping[str, Any], order_us: int) -> None:
    """See that a moment can lie in the interval that is stated for it; the drill that held bounds how wide that may be."""
    effective = stated["ordered_to_effective"]
    from_s, to_s = (moment.from_us - order_us) / 1_000_000, (moment.to_us - order_us) / 1_000_000
    assert effective["earliest_s"] <= to_s
    assert from_s <= effective["latest_s"]
