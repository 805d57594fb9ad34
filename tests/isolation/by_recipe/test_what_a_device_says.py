"""Ten thousand answers of devices that say anything, to the lines of each recipe: none raises, and no verdict is lost.

A console stands in for SSH. It types into the emulator and spoils a share of what that answers; dialogue, proof and point are the
product's own. To play one again: its number is the seed.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.by_recipe.configured import comparable_of
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.session import DeviceTrouble
from tests.isolation.by_recipe.world import CONDUITS, MADE, FakeConsole, Way, World
from tests.isolation.heard import FOR_S, NASTY_TEXTS, SECRET, Heard, begin
from tests.more import first_of

SEEDS, ANSWERS = 36, 300
LONG_S = 600.0
NUMBERS = ("0", "-1", "7", "59", "99999999999999999999", "1e999", "NaN", "24:61", "0x10", "٣")
SAID = (
    *NASTY_TEXTS,
    *(
        "% Invalid input detected at '^' marker.",
        "Command fail. Return code -61",
        "edge-firewall #",
        "Router#",
        "--More--",
    ),
    *(
        f"snmp-server community {SECRET} RO",
        f"enable secret 0 {SECRET}",
        f"set password {SECRET}",
        f"set psksecret ENC {SECRET}",
    ),
    *(
        "set start 00:00 2000/01/01",
        "set end 23:59 2099/12/31",
        "time-range im-line (active)",
        "Rollback timer: 61",
        "",
        " " * 400,
    ),
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
)
CALLS: dict[str, Callable[[RecipePoint], Awaitable[Reading[Any]]]] = {
    "state": lambda point: point.state(CONDUITS, LONG_S),
    "arm": lambda point: point.arm(CONDUITS, FOR_S * 3, LONG_S),
    "isolate": lambda point: point.isolate(CONDUITS, LONG_S),
    "renew": lambda point: point.renew(CONDUITS, FOR_S * 4, LONG_S),
    "restore": lambda point: point.restore(CONDUITS, LONG_S),
    "facts": lambda point: point.facts(LONG_S),
    "configuration": lambda point: point.configuration(LONG_S),
    "ready": lambda point: point.ready(LONG_S),
}


def spoilt(dice: random.Random, answer: str) -> str:
    """Copy an answer with some of it replaced, left out, doubled or cut off."""
    lines = answer.split("\n")
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(lines) + 1)
        match dice.randrange(6):
            case 0:
                lines.insert(at, dice.choice(SAID))
            case 1:
                lines[at : at + 1] = [dice.choice(SAID)]
            case 2:
                del lines[at : at + dice.randrange(1, 4)]
            case 3:
                lines[at:at] = lines[max(0, at - 3) : at]
            case 4:
                lines[at : at + 1] = [
                    re.sub(r"\d+", lambda _: dice.choice(NUMBERS), line) for line in lines[at : at + 1]
                ]
            case _:
                return dice.choice((*SAID, answer[: dice.randrange(len(answer) + 1)], answer * 2, answer.upper()))
        lines = lines or [""]
    return "\n".join(lines)


class SayingConsole(FakeConsole):
    """A session of a device that says what it likes, and is lost at times."""

    def __init__(self, world: World, way: Way, dice: random.Random) -> None:
        super().__init__(world, way)
        self._dice = dice

    def open(self) -> None:
        if self._dice.random() < 0.02:
            raise DeviceTrouble(f"banner {self._dice.choice(NASTY_TEXTS)}")
        super().open()

    def say(self, line: str, answers: tuple[tuple[str, str], ...] = ()) -> str:
        chance = self._dice.random()
        if chance < 0.01:
            raise ConnectionError(f"{line}: {self._dice.choice(NASTY_TEXTS)}")
        answer = super().say(line, answers)
        return spoilt(self._dice, answer) if chance < 0.04 else answer


async def hear(world: World, dice: random.Random, seed: int) -> Counter[Outcome]:
    """Hear some hundred answers; every now and then the device answers as it should, and whatever stands is taken back."""
    heard = Heard(world.planned().capabilities, comparable_of(world.recipe), CONDUITS)
    point = world.point(make_console=lambda way: SayingConsole(world, way, dice))
    for number in range(ANSWERS):
        if dice.random() < 0.02:
            await point.close()
            await assert_taken_back(world, f"seed {seed}, before answer {number}")
            point = world.point(make_console=lambda way: SayingConsole(world, way, dice))
        name = dice.choice(tuple(CALLS))
        heard.take_in(name, await CALLS[name](point), f"seed {seed}, answer {number}")
    await point.close()
    await assert_taken_back(world, f"seed {seed}, at the end")
    return heard.outcomes


async def assert_taken_back(world: World, where: str) -> None:
    """Whatever was believed of a device meanwhile, a restore that hears it puts it back."""
    rescue = world.point()
    restored = await rescue.restore(CONDUITS, LONG_S)
    await rescue.close()
    assert restored.done, f"{where}: {restored!r}"
    assert restored.value is not None, where
    assert (restored.value.clear, world.is_open) == (True, True), f"{where}: {restored!r}"


@pytest.mark.parametrize("seed", first_of(range(SEEDS), len(MADE)))
def test_nothing_that_a_device_says_raises_or_loses_a_verdict(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: died.append(repr(args.exc_value)))
    begin()
    world, outcomes = World(sorted(MADE)[seed % len(MADE)]), Counter[Outcome]()

    async def story() -> None:
        outcomes.update(await hear(world, random.Random(seed), seed))

    world.play(story)
    assert died == []
    assert outcomes.total() == ANSWERS
    # Every kind of end comes up, or nothing was tried.
    assert min(outcomes[one] for one in Outcome) > ANSWERS // 100, outcomes
