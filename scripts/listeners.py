"""Print who listens in this network namespace, one "program protocol address:port" a line.

`make setup` keeps the list from before it installed anything; a test compares. Standard library only, since it runs
before anything is installed. Addresses stay in the kernel's own hexadecimal form: they are compared, not read.
"""

from __future__ import annotations

from pathlib import Path

LISTENS = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}


def sockets() -> dict[str, str]:
    """Map the inode of each listening socket to its protocol and address."""
    found = {}
    for protocol, state in LISTENS.items():
        table = Path("/proc/net") / protocol
        # A kernel without IPv6 has no table for it.
        lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
        for fields in map(str.split, lines):
            if fields[3] == state:
                found[fields[9]] = f"{protocol} {fields[1]}"
    return found


def listeners() -> list[str]:
    """Name the program behind each listening socket; `unknown` where this account may not look."""
    waiting = sockets()
    named = dict.fromkeys(waiting, "unknown")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            inode = str(link.readlink()).removeprefix("socket:[").removesuffix("]")
            if inode in named:
                named[inode] = (link.parents[1] / "comm").read_text(encoding="utf-8").strip()
        except OSError:
            # It has ended, or belongs to somebody else.
            continue
    return sorted({f"{program} {waiting[inode]}" for inode, program in named.items()})


if __name__ == "__main__":
    print("\n".join(listeners()))
