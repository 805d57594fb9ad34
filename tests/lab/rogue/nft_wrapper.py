"""A firewall that lies or lags: stands in for `nft` on the firewall node and lets the real one do the rest.

The file named by NFT_FAULT_FILE (default /etc/nft-fault) says how, so that a test can change it between runs:

    swallow-hold    an isolate is answered as done and never reaches the kernel
    late-reply      the answer to an isolate comes 2 s late, the rule is in force in time
    lost-reply      the answer to an isolate does not come, nor any after it; the rule is in force in time
    half-line       the second half of an isolate does not come, nor anything after it
    late-answers    every answer comes 1.2 s late
    late-by S       every answer comes S seconds late
    late-rule       an isolate reaches the kernel 2 s late
    drop-timeout    `timeout` is dropped silently from every element
    obedient        nothing is changed
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

REAL = os.environ.get("NFT_REAL", "/usr/sbin/nft.real")
FAULT_FILE = Path(os.environ.get("NFT_FAULT_FILE", "/etc/nft-fault"))
LATE_S = 2.0
LOST_S = 3600.0
SLOW_S = 1.2
quiet_until = [0.0]
broken_off: list[str] = []
"""The line that came in half; nothing after it comes at all."""


def fault() -> str:
    """Read which fault is on now."""
    return FAULT_FILE.read_text(encoding="ascii").strip() if FAULT_FILE.exists() else "obedient"


def changed(line: str) -> str | None:
    """Return the line as the real nft gets it; None when it never does."""
    name = fault()
    isolates = re.search(r"add element \S+ \S+ hold", line) is not None
    if isolates and name == "swallow-hold":
        return None
    if isolates and name == "late-rule":
        time.sleep(LATE_S)
    if isolates and name == "late-reply":
        quiet_until[0] = time.monotonic() + LATE_S
    if isolates and name == "lost-reply":
        quiet_until[0] = time.monotonic() + LOST_S
    if isolates and name == "half-line":
        parts = line.split("; ")
        broken_off.append(line)
        line = "; ".join(parts[: len(parts) // 2])
    if name == "late-answers":
        quiet_until[0] = time.monotonic() + SLOW_S
    if name.startswith("late-by "):
        quiet_until[0] = time.monotonic() + float(name.split()[1])
    if name == "drop-timeout":
        line = re.sub(r"\s*(timeout|expires) \d+\w+", "", line)
    return line


def pump_answers(source: int, target: int) -> None:
    """Carry answers to the caller, late where asked."""
    while data := os.read(source, 65536):
        time.sleep(max(quiet_until[0] - time.monotonic(), 0))
        os.write(target, data)


def main() -> int:
    """Stand between the caller and the real nft."""
    interactive = "-i" in sys.argv[1:] or any(re.fullmatch(r"-[a-z]*i[a-z]*", word) for word in sys.argv[1:])
    if not interactive and "-f" not in sys.argv[1:]:
        arguments = changed(" ".join(sys.argv[1:]))
        return 0 if arguments is None else subprocess.call([REAL, *sys.argv[1:]])
    # One stream where nft is held open: answers and errors must come in the order in which nft gave them.
    errors = subprocess.STDOUT if interactive else None
    real = subprocess.Popen([REAL, *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    if real.stdin is None or real.stdout is None:
        return 1
    answers = threading.Thread(target=pump_answers, args=(real.stdout.fileno(), 1), daemon=True)
    answers.start()
    for line in sys.stdin:
        passed = None if broken_off else changed(line)
        if passed is not None:
            real.stdin.write(passed.encode())
            real.stdin.flush()
    real.stdin.close()
    code = real.wait()
    answers.join(LATE_S * 2)
    return code


if __name__ == "__main__":
    sys.exit(main())
