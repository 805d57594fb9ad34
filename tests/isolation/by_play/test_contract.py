"""The contract of every platform, over the recipe with plays that `islandmode init` gives: real Ansible, real SSH, a real kernel firewall.

Two plays of some seconds each go into most of these, so that `make more` plays them.
"""

from __future__ import annotations

import pytest

from tests.isolation.contract import Contract

pytestmark = [pytest.mark.lab, pytest.mark.more]


class TestNftablesByPlays(Contract):
    """All of it."""
