"""Rows of a table of which `make test` plays some, and `make more` the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_of(rows: Iterable[Any], many: int = 1) -> list[Any]:
    """Give the rows, and mark all but the first as more."""
    return [row if at < many else pytest.param(row, marks=pytest.mark.more) for at, row in enumerate(rows)]


def one_in(every: int, rows: Iterable[Any]) -> list[Any]:
    """Give the rows, and mark all but the first of each so many as more; a row of several values is a tuple."""
    return [_more_unless(at % every == 0, row) for at, row in enumerate(rows)]


def _more_unless(kept: bool, row: Any) -> Any:  # noqa: FBT001 - read at its one place
    if kept:
        return row
    values = row if isinstance(row, tuple) else (row,)
    return pytest.param(*values, marks=pytest.mark.more)
