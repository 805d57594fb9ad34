from __future__ import annotations

from collections.abc import Iterator

import pytest

from islandmode.isolation.by_play.player import Player
from tests.isolation.by_play.world import PlayBench, play_after
from tests.isolation.nftables.test_late_lines import Sshd, sshd
from tests.napalm_nftables.firewall_node import FirewallNode

__all__ = ["sshd"]


@pytest.fixture
def bench(node: FirewallNode, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayBench]:
    made = PlayBench(node, sshd)
    monkeypatch.setattr(Player, "play", play_after(made))
    yield made
    made.behave()
