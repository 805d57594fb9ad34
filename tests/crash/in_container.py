"""Runs a command in a lab's operations host and stays beside it, as the product does: in_container STATE_DIR LAB COMMAND..."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.rehearse import containerlab, errand
from islandmode.rehearse.topology import OPERATIONS_HOST


def main(state_dir: Path, name: str, argv: tuple[str, ...]) -> int:
    """Run it to its end, and return its exit code."""
    lab = containerlab.attach(name, state_dir)
    assert lab is not None
    lab.show_workspace()
    return errand.accompany(lab, lab.containers[OPERATIONS_HOST], argv, lifeline=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:])))
