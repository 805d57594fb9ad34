"""Lines appended to a file on another host, over the system's `ssh`: acknowledged by what is read back there. Blocks."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from islandmode.system.openssh import FAILED, OpenSsh
from islandmode.system.process import EMPTY_ENVIRONMENT

APPEND = """umask 077
IFS= read -r name || exit 3
case $name in ''|*[!0-9a-f]*) exit 3 ;; esac
cd -- "$1" || exit 4
f=$name.jsonl
[ -e "$f" ] || : >"$f" || exit 5
n=$(wc -l <"$f")
echo $((n)) "$(head -n "$n" "$f" | sha256sum | cut -c1-64)"
t=.$name.$$
trap 'rm -f "$t"' EXIT
head -n "$n" "$f" >"$t" || exit 5
while IFS= read -r line; do
    if [ "$line" = . ]; then
        sync "$t" 2>/dev/null || sync
        mv "$t" "$f" || exit 5
        tail -n 1 "$f" | sha256sum | cut -c1-64
        exit 0
    fi
    printf '%s\\n' "$line" >>"$t" || exit 5
done
exit 6
"""
"""What runs there: it says how many whole lines it has, and their sum, takes the lines that follow, and puts them in their place only
once all have come. Its last word is the sum of its last line."""
EXITS = {4: "there is no such folder, or the account may not enter it", 5: "it could not be written there"}
HAS = re.compile(rb"([0-9]{1,9}) ([0-9a-f]{64})\n")
SUM = re.compile(rb"([0-9a-f]{64})\n")
ANSWER_BYTES = 200


class NotAcknowledged(Exception):
    """A receiver did not acknowledge, and why; the words go on after its name and *did not acknowledge it:*."""


def append_there(way: OpenSsh, folder: str, name: str, lines: Sequence[bytes]) -> str:
    """Append the lines that a file there lacks; returns what it read back. Raises `NotAcknowledged`."""
    argv = way.argv(shlex.join(["sh", "-c", APPEND, "append", folder]))
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(EMPTY_ENVIRONMENT),
        bufsize=0,
    ) as there:
        said = b""
        if there.stdin is not None and there.stdout is not None:
            with suppress(ConnectionError):
                said = _exchange(there.stdin, there.stdout, name, lines)
            with suppress(OSError):
                there.stdin.close()
        code = there.wait()
    if code == FAILED:
        raise NotAcknowledged(way.why().partition("; `islandmode vantage trust`")[0])
    found = SUM.fullmatch(said)
    if code or found is None:
        raise NotAcknowledged(EXITS.get(code, "it ended in the middle, and nothing was put in its place"))
    if found[1].decode() != hashlib.sha256(lines[-1]).hexdigest():
        raise NotAcknowledged("what was read back there is not the line that was sent")
    return f"read back there: line {len(lines)}, sha256 {found[1].decode()}"


def _exchange(to: IO[bytes], of: IO[bytes], name: str, lines: Sequence[bytes]) -> bytes:
    """Hear how far it has come, send what follows, and give its last word."""
    to.write(f"{name}\n".encode())
    has = HAS.fullmatch(_line(of))
    if has is None:
        return b""
    number = int(has[1])
    if number > len(lines):
        raise NotAcknowledged(
            f"it has {number} lines of this ledger, and this workspace {len(lines)}: lines were cut off here"
        )
    if has[2].decode() != hashlib.sha256(b"".join(lines[:number])).hexdigest():
        raise NotAcknowledged("what it has is not the beginning of this ledger: one of the two was changed")
    for line in (*lines[number:], b".\n"):
        to.write(line)
    return _line(of)


def _line(of: IO[bytes]) -> bytes:
    said = b""
    while not said.endswith(b"\n") and len(said) < ANSWER_BYTES:
        more = of.read(1)
        if not more:
            break
        said += more
    return said
