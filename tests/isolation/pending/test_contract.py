"""The contract of every platform, over a fake one that commits and confirms."""

from __future__ import annotations

import pytest

from tests.isolation.contract import Contract
from tests.isolation.pending.fake import PendingBench


class TestContract(Contract):
    @pytest.fixture
    def bench(self) -> PendingBench:
        return PendingBench()
