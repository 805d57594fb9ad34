"""The lab that tests of the referee look at."""

from __future__ import annotations

from tests.lab.conftest import lab

__all__ = ["lab"]
