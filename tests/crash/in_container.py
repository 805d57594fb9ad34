"""Runs a command in a lab's operations host and stays beside it, as the product does: in_container STATE_DIR LAB COMMAND..."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.rehearse.containers import backend as containerlab

DIED = 137
"""What a shell says of a process that was killed."""


def main(state_dir: Path, name: str, argv: tuple[str, ...]) -> int:
    """Run it to its end, and return its exit code."""
    lab = containerlab.attach(name, state_dir)
    assert lab is not None
    code = lab.accompany(argv, drill=True)
    return DIED if code is None else code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:])))
