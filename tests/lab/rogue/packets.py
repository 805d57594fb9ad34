"""Packets that no probe asks for: senders in one node of a lab, and what came of them at another, counted there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from islandmode.rehearse.lab import Lab
from tests.patience import PATIENCE_S

LISTEN = """
import socket, sys, time
port, on_to = int(sys.argv[1]), sys.argv[2:]
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(("0.0.0.0", port))
print("ready", flush=True)
while True:
    data, _ = one.recvfrom(100)
    for target in on_to:
        host, _, port = target.partition(":")
        one.sendto(data, (host, int(port)))
    print("came", flush=True)
"""
"""Prints a line for every datagram that comes, and sends it on if told where to."""

SEND = """
import socket, sys, time
kind, host, port, for_s = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
until = time.monotonic() + for_s
echo = b"\\x08\\x00\\xf7\\xff\\x00\\x00\\x00\\x00"
while time.monotonic() < until:
    if kind == "udp":
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (host, port))
    elif kind == "tcp":
        with socket.socket() as one:
            one.settimeout(0.5)
            # A refusal came back from the other side too: something passed, both ways.
            if one.connect_ex((host, port)) in (0, 111):
                print("came", flush=True)
    else:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as one:
            one.settimeout(0.5)
            one.sendto(echo, (host, 0))
            try:
                while one.recvfrom(200)[0][20] != 0:
                    pass
                print("came", flush=True)
            except TimeoutError:
                pass
    time.sleep(0.02)
"""
"""Sends until its time is over; prints a line for every answer, where answers are expected."""


@dataclass
class Running:
    """A program in a node, and the lines that it printed when it was ended."""

    process: subprocess.Popen[str]
    lines: tuple[str, ...] = ()

    @property
    def came(self) -> int:
        """Tell how many packets came, or were answered."""
        return self.lines.count("came")


def _start(lab: Lab, node: str, script: str, *arguments: str) -> Running:
    argv = lab.enter(node, (sys.executable, "-c", script, *arguments), network_only=True)
    return Running(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))


def send(lab: Lab, node: str, kind: str, host: str, port: int, for_s: float) -> Running:
    """Send fifty packets a second from a node, for so long."""
    return _start(lab, node, SEND, kind, host, str(port), str(for_s))


def finish(running: Running) -> Running:
    """Wait for a sender's end."""
    output, _ = running.process.communicate(timeout=PATIENCE_S)
    running.lines = tuple(output.splitlines())
    return running


@contextmanager
def listener(lab: Lab, node: str, port: int, *on_to: str) -> Iterator[Running]:
    """Count datagrams at a node, and send them on if told where to; the count is there when the listener has ended."""
    running = _start(lab, node, LISTEN, str(port), *on_to)
    try:
        assert running.process.stdout is not None
        assert running.process.stdout.readline() == "ready\n"
        yield running
    finally:
        running.process.kill()
        running.lines = tuple(running.process.communicate()[0].splitlines())
