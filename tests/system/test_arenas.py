"""Few memory arenas, however many threads a process has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from islandmode.system import arenas
from tests.patience import PATIENCE_S

THREADS = 24
COUNTS = """
import ctypes, sys, threading
from islandmode.system.arenas import keep_arenas_few

class Info(ctypes.Structure):
    _fields_ = [("number", ctypes.c_size_t)]

if sys.argv[1] == "few":
    assert keep_arenas_few()
libc, together = ctypes.CDLL(None), threading.Barrier(int(sys.argv[2]) + 1)
libc.malloc.restype = ctypes.c_void_p

def takes():
    # As a library does that lets go of Python's lock: each thread takes memory of its own while all others live.
    libc.malloc(ctypes.c_size_t(200_000))
    libc.malloc(ctypes.c_size_t(900))
    together.wait()
    together.wait()

for _ in range(int(sys.argv[2])):
    threading.Thread(target=takes, daemon=True).start()
together.wait()
libc.fdopen.restype = ctypes.c_void_p
stream = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(stream))
libc.fflush(ctypes.c_void_p(stream))
together.wait()
"""


def heaps(word: str) -> int:
    argv = [sys.executable, "-c", COUNTS, word, str(THREADS)]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout
    return told.count("<heap nr=")


def test_threads_share_few_arenas() -> None:
    assert heaps("few") <= arenas.ARENAS < heaps("as they come")


def test_a_c_library_without_the_setting_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _name: object())
    assert arenas.keep_arenas_few.__wrapped__() is False
