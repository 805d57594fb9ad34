"""Where a workspace keeps its lab; apart from what a rehearsal needs, so that asking about a lab is quick."""

from __future__ import annotations

from pathlib import Path

STATE = ".lab"
TOPOLOGY = Path("lab") / "plant.clab.yml"
