"""The lab of examples/vendor-nodes with the firewall that needs nobody's image: all but the vendor's node is tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import examples

pytestmark = pytest.mark.lab


def test_the_line_is_isolated_from_the_office_and_put_back(tmp_path: Path) -> None:
    folder = examples.copied("vendor-nodes", tmp_path)
    ended = examples.ask(folder, "run", "cut-off-nftables", "--mode", "rehearsal", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["verdict"], told["restoration"]) == ("held", "proven")
