"""Rows of a table of which `make test` plays the first, and `make more` the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_of(rows: Iterable[Any], many: int = 1) -> list[Any]:
    """Give the rows, and mark all but the first as more."""
    return [row if at < many else pytest.param(row, marks=pytest.mark.more) for at, row in enumerate(rows)]
