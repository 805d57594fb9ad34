"""Renewing by a play, on the firewall node: what a renewal sets, and that one which comes too late isolates nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.recipe.check import recipe_problems
from islandmode.core.recipe.model import Plays, Recipe
from islandmode.isolation.by_play.player import Player
from islandmode.isolation.by_play.point import PlayPoint
from tests.isolation.by_play.world import CONDUITS, PlayBench, play_after
from tests.isolation.contract import PATIENT_S
from tests.isolation.nftables.test_late_lines import Sshd
from tests.napalm_nftables.firewall_node import FirewallNode

pytestmark = [pytest.mark.lab, pytest.mark.more]
RENEW = "playbooks/renew.yml"
LINE = {
    "send": f'{RENEW} table={{object}} run={{run}} for_s={{for_s}} outer="{{outer_interfaces}}" inner="{{inner_interfaces}}"'
}
FIRST_S, THEN_S = 40.0, 400.0


def renewing(recipe: Recipe) -> Recipe:
    """Give the recipe that `islandmode init` gives, with a renewal by a play."""
    assert recipe.plays is not None
    told = recipe.model_dump(mode="json", by_alias=True)
    told["plays"] = {"steps": ["arm", "isolate", "renew"], "facts": recipe.plays.facts}
    told["renew"] = [{"lines": [LINE | {"source": "plays", "confidence": "seen"}]}]
    told["timer"]["renewable"] = True
    told["calls"]["renew"] = 60.0
    told["works"] = {"renew": 20.0}
    made = Recipe.model_validate(told)
    assert list(recipe_problems(made)) == []
    texts = {**recipe.plays.texts, RENEW: (Path(__file__).parent / "renew.yml").read_text(encoding="utf-8")}
    return made.model_copy(
        update={"plays": Plays(steps=("arm", "isolate", "renew"), facts=recipe.plays.facts, texts=texts)}
    )


@pytest.fixture
def bench(node: FirewallNode, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> PlayBench:
    made = PlayBench(node, sshd)
    made.recipe = renewing(made.recipe)
    monkeypatch.setattr(Player, "play", play_after(made))
    return made


async def left_s(point: PlayPoint) -> list[float]:
    state = await point.state(CONDUITS, PATIENT_S)
    assert state.value is not None
    assert all(state.value.conduits[name].isolating for name in CONDUITS)
    return [state.value.conduits[name].armed_s or 0.0 for name in CONDUITS]


def test_a_play_sets_running_timers_again_and_one_after_the_restore_changes_nothing(bench: PlayBench) -> None:
    point = bench.point()

    async def story() -> None:
        assert (await point.arm(CONDUITS, FIRST_S * 10, PATIENT_S)).done
        assert (await point.isolate(CONDUITS, PATIENT_S)).done
        renewed = await point.renew(CONDUITS, THEN_S * 2, PATIENT_S)
        assert renewed.done, renewed.why
        assert all(THEN_S < left < THEN_S * 2 for left in await left_s(point))
        assert (await point.restore(CONDUITS, PATIENT_S)).done
        late = await point.renew(CONDUITS, THEN_S, PATIENT_S)
        assert late.outcome is Outcome.NOT_DONE
        state = await point.state(CONDUITS, PATIENT_S)
        assert state.value is not None
        assert state.value.clear
        await point.close()

    bench.play(story)


def test_a_renewal_of_a_timer_that_ends_meanwhile_isolates_nothing_again(bench: PlayBench) -> None:
    """The look before it saw a timer; as the play begins the timer is gone, and so is what the play would delete."""
    point = bench.point()

    async def story() -> None:
        assert (await point.arm(CONDUITS, FIRST_S, PATIENT_S)).done
        assert (await point.isolate(CONDUITS, PATIENT_S)).done
        left = max(await left_s(point))
        bench.before_play = lambda _: _wait(left + 1)
        renewed = await point.renew(CONDUITS, THEN_S, PATIENT_S + FIRST_S)
        assert not renewed.done
        state = await point.state(CONDUITS, PATIENT_S)
        assert state.value is not None
        assert not any(state.value.conduits[name].isolating for name in CONDUITS)
        assert (await point.restore(CONDUITS, PATIENT_S)).done
        await point.close()

    bench.play(story)


def _wait(seconds: float) -> None:
    """Let the kernel's timer run out: nothing but time ends it."""
    time.sleep(seconds)
