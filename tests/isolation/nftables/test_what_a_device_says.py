"""Ten thousand answers of a device that says anything: none raises, none is believed wrongly, and no verdict is lost.

They go the whole way: through the driver's nft channel, the session, the point and its reading, into records, the comparison, the
judge and the report. To play one again: its number is the seed.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.nftables.reading import COMPARABLE
from islandmode.isolation.nftables.recipe import CAPABILITIES
from napalm_nftables.channel import NftChannel
from napalm_nftables.errors import LinkLost
from napalm_nftables.link import DeviceLink
from napalm_nftables.transport import Login
from tests.isolation.heard import FOR_S, Heard, begin
from tests.isolation.nftables.saying import SayingPoint
from tests.more import first_of

CONDUITS = ("corporate-line3",)
SEEDS, ANSWERS = 10, 1000
LONG_S = 60.0
CALLS: dict[str, Callable[[SayingPoint], Awaitable[Reading[Any]]]] = {
    "state": lambda point: point.state(CONDUITS, LONG_S),
    "arm": lambda point: point.arm(CONDUITS, FOR_S, LONG_S),
    "isolate": lambda point: point.isolate(CONDUITS, LONG_S),
    "renew": lambda point: point.renew(CONDUITS, FOR_S, LONG_S),
    "restore": lambda point: point.restore(CONDUITS, LONG_S),
    "facts": lambda point: point.facts(LONG_S),
    "configuration": lambda point: point.configuration(LONG_S),
    "ready": lambda point: point.ready(LONG_S),
}


async def hear(seed: int) -> Counter[Outcome]:
    """Hear a thousand answers, and judge every fortieth."""
    dice = random.Random(seed)
    point = SayingPoint(dice)
    heard = Heard(CAPABILITIES, COMPARABLE, CONDUITS)
    for number in range(ANSWERS):
        name = dice.choice(tuple(CALLS))
        heard.take_in(name, await CALLS[name](point), f"seed {seed}, answer {number}")
    await point.close()
    return heard.outcomes


@pytest.mark.parametrize("seed", first_of(range(SEEDS)))
def test_nothing_that_a_device_says_raises_or_loses_a_verdict(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: died.append(repr(args.exc_value)))
    # A world of its own: it is played before there is a loop.
    begin()
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
