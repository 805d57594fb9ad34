"""Runs a program that insists on /proc/modules on a kernel that has none, because it cannot load any: a lab's last resort.

    python without_modules.py PROGRAM ARGUMENTS...      as root, in a mount namespace of its own (unshare --mount)

Containerlab reads /proc/modules before anything else, and stops where a kernel without loadable modules has no such file. A
file cannot be added to /proc, so the program sees a folder of links into the real /proc, and an empty list of modules
beside them. Nothing outside this mount namespace changes, but for an empty folder where the lab keeps its state.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REAL = Path(os.environ["CLAB_LABDIR_BASE"], "proc")
PROCESSES_MOST = 1 << 18
"""So many process numbers get a link each; a kernel that counts further is not one of those this is for."""


def main(argv: list[str]) -> None:
    """Lay the folder over /proc, and become the program."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))
    if most > PROCESSES_MOST:
        sys.exit(
            f"This kernel has no /proc/modules and counts {most} processes; set kernel.pid_max to {PROCESSES_MOST} or less."
        )
    REAL.mkdir(exist_ok=True)
    for words in (
        ["--make-rprivate", "/"],
        ["--rbind", "/proc", str(REAL)],
        ["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/proc"],
    ):
        subprocess.run(["mount", *words], check=True)
    names = [name for name in os.listdir(REAL) if not name.isdigit()]  # noqa: PTH208 - names are all that is wanted
    for name in (*names, *(str(number) for number in range(1, most + 1))):
        os.symlink(f"{REAL}/{name}", f"/proc/{name}")  # noqa: PTH211 - tens of thousands of them
    Path("/proc/modules").touch()
    os.execvp(argv[0], argv)  # noqa: S606 - no shell: the lab's own argv


if __name__ == "__main__":
    main(sys.argv[1:])
