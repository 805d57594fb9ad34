"""The contract of every platform, over a recipe whose lines are a candidate and a fake firewall with Junos' commit confirmed."""

from __future__ import annotations

import pytest

from tests.isolation.by_candidate.world import FakeBench
from tests.isolation.contract import Contract


class TestFakeJunos(Contract):
    @pytest.fixture
    def bench(self) -> FakeBench:
        return FakeBench()
