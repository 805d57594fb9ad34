"""Real disks that hang on command: an ext4 on a loop device, frozen; and a FUSE mount that nobody answers.

A frozen file system lets reads pass and holds every write in the kernel, where not even SIGKILL ends it. The unanswered
mount holds reads too. Neither outlives its test: even if the test process dies, a child process thaws and detaches both.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.patience import LONG_PATIENCE_S, PATIENCE_S

SIZE_BYTES = 96 * 1024 * 1024
LONGEST_S = round(LONG_PATIENCE_S) + 30
"""No disk stays frozen for longer. Longer than any test waits: a program that waits for the disk must not be let go in time."""
WATCH = 'read -t "$2" _; fsfreeze -u "$1" 2>/dev/null; umount --lazy "$1" 2>/dev/null; exit 0'


class FreezingDisk:
    """An ext4 of its own, mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        """Know where it is mounted."""
        self._folder = folder
        self._frozen = False

    def freeze(self) -> None:
        """Hold every write from now on."""
        subprocess.run(["fsfreeze", "-f", str(self._folder)], check=True, timeout=PATIENCE_S)
        self._frozen = True

    def thaw(self) -> None:
        """Let the writes go on."""
        if self._frozen:
            subprocess.run(["fsfreeze", "-u", str(self._folder)], check=False, timeout=PATIENCE_S)
        self._frozen = False


@contextmanager
def freezing_disk(image: Path, folder: Path) -> Iterator[FreezingDisk]:
    """Mount a new ext4 on a folder; it is thawed and detached at the end, also when we are killed."""
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    ready = ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    subprocess.run(["mkfs.ext4", *ready, str(image)], check=True, timeout=PATIENCE_S)
    folder.mkdir(exist_ok=True)
    watch = subprocess.Popen(
        ["bash", "-c", WATCH, "watch", str(folder), str(LONGEST_S)], stdin=subprocess.PIPE, start_new_session=True
    )
    disk = FreezingDisk(folder)
    try:
        subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True, timeout=PATIENCE_S)
        yield disk
    finally:
        disk.thaw()
        # The end of its input is what the watch waits for.
        watch.communicate(timeout=PATIENCE_S)


@contextmanager
def unanswered_mount(folder: Path) -> Iterator[None]:
    """Lay a mount over a folder that answers nothing, reads included; it ends with us, since we hold its descriptor."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    try:
        if libc.mount(b"unanswered", os.fsencode(folder), b"fuse", 0, options) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        yield
    finally:
        os.close(device)
        libc.umount2(os.fsencode(folder), 2)
