"""Without root the same lab comes up in user namespaces, and the same drill is held in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.drills import PROJECT
from tests.lab.plain_account import NAME
from tests.patience import LONG_PATIENCE_S

pytestmark = pytest.mark.lab


@pytest.mark.more
def test_an_account_without_rights_rehearses_the_whole_drill() -> None:
    """Below a folder with a space, and with a mount of the machine's below a folder of which a lab has a copy."""
    argv = ["unshare", "--mount", sys.executable, "-m", "tests.lab.plain_account"]
    played = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LONG_PATIENCE_S, cwd=PROJECT)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "verdict held (probes and firewall counters)   restoration proven" in played.stdout
    assert "Lab plant is down." in played.stdout
    assert f"{NAME}:" not in Path("/etc/passwd").read_text(encoding="utf-8")
