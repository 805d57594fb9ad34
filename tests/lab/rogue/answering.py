"""Give what a host is asked another answer: a bad answer, or a reset, for what comes from one address."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from islandmode.rehearse.lab import Lab
from tests.lab.rogue.bypass import in_node

ANSWERING = """
import socket, sys, threading
port, kind = int(sys.argv[1]), sys.argv[2]
page = b"HTTP/1.1 %s\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\nnope"

def answer(end):
    with end:
        asked = end.recv(4096)
        if kind == "exception" and len(asked) >= 8:
            end.sendall(asked[:4] + b"\\x00\\x03" + asked[6:7] + bytes([asked[7] | 0x80, 2]))
        elif kind != "close":
            end.sendall(page % kind.encode())

server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=50)
print("ready", flush=True)
while True:
    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
"""
"""Answers every question with an exception of Modbus, with a status of HTTP, or by closing the connection."""


@contextmanager
def answering(lab: Lab, node: str, port: int, kind: str) -> Iterator[None]:
    """Run a server in a node that answers in one bad way."""
    argv = lab.enter(node, (sys.executable, "-c", ANSWERING, str(port), kind), network_only=True)
    running = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        yield
    finally:
        running.kill()
        running.communicate()


@contextmanager
def other_answers(lab: Lab, node: str) -> Iterator[None]:
    """Take every rule that `lead` or `refuse` gave a node away again."""
    try:
        yield
    finally:
        for family in ("ip", "ip6"):
            in_node(lab, node, "/usr/sbin/nft", f"add table {family} rogue; delete table {family} rogue")


def lead(lab: Lab, node: str, source: str, port: int, to_address: str, to_port: int) -> None:
    """Lead what a source asks on a port of a node to another of its ports, by the node's own address."""
    to_address = f"[{to_address}]" if ":" in to_address else to_address
    _rule(lab, node, source, "nat hook prerouting priority -100", f"tcp dport {port} dnat to {to_address}:{to_port}")


def refuse(lab: Lab, node: str, source: str, port: int) -> None:
    """Let a node reset what a source asks on one of its ports."""
    _rule(lab, node, source, "filter hook input priority 0", f"tcp dport {port} reject with tcp reset")


def _rule(lab: Lab, node: str, source: str, hook: str, what: str) -> None:
    family = "ip6" if ":" in source else "ip"
    chain = hook.split(maxsplit=1)[0]
    lines = (
        f"add table {family} rogue",
        f"add chain {family} rogue {chain} {{ type {hook}; }}",
        f"add rule {family} rogue {chain} {family} saddr {source} {what}",
    )
    in_node(lab, node, "/usr/sbin/nft", "; ".join(lines))
