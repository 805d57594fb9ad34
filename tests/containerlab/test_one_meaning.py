"""What a file says is what becomes of it, as in namespaces (tests/lab/test_lab_life.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.rehearse import backends
from tests.lab.one_meaning import assert_one_meaning, small_lab

pytestmark = pytest.mark.lab


def test_what_a_file_says_is_what_becomes_of_it(tmp_path: Path) -> None:
    file, state_dir = small_lab(tmp_path), tmp_path / ".lab"
    try:
        assert_one_meaning(backends.up(file, name="small", state_dir=state_dir, backend="containerlab"), file)
    finally:
        backends.down("small", state_dir)
