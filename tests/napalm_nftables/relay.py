"""Carry TCP from this machine's loopback into a network namespace; frozen by SIGSTOP it is a link that hangs.

Run as: relay.py PID PORT. Prints the port it listens on, then carries until it is killed.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import threading
from contextlib import suppress

CLONE_NEWNET = 0x40000000


def carry(source: socket.socket, target: socket.socket) -> None:
    """Move bytes one way until an end is lost."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            # Closing alone would not end the other direction's thread, which waits in recv.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Listen here, enter the namespace, and connect there for every client."""
    pid, port = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    print(listener.getsockname()[1], flush=True)
    while True:
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", port), 5)
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for ends in ((near, far), (far, near)):
            threading.Thread(target=carry, args=ends, daemon=True).start()


if __name__ == "__main__":
    main()
