"""Carry TCP from this machine's loopback into a network namespace; frozen by SIGSTOP it is a link that hangs.

Run as: relay.py PID PORT LAG_S. Prints the port it listens on, then carries until it is killed, each way LAG_S late.
"""

from __future__ import annotations

import ctypes
import os
import queue
import socket
import sys
import threading
import time
from contextlib import suppress

CLONE_NEWNET = 0x40000000


def carry(source: socket.socket, target: socket.socket, lag_s: float) -> None:
    """Move bytes one way until an end is lost, as a long way does: late, and as many at a time as are sent."""
    under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    threading.Thread(target=deliver, args=(under_way, target), daemon=True).start()
    data = b"?"
    while data:
        try:
            data = source.recv(65536)
        except OSError:
            data = b""
        under_way.put((time.monotonic() + lag_s, data))


def deliver(under_way: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    """Hand over what was under way for long enough; an empty one is the end."""
    try:
        while True:
            due, data = under_way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Closing alone would not end the other direction's thread, which waits in recv.
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Listen here, enter the namespace, and connect there for every client."""
    pid, port, lag_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
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
            threading.Thread(target=carry, args=(*ends, lag_s), daemon=True).start()


if __name__ == "__main__":
    main()
