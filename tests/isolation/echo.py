"""Answer every TCP connection and UDP packet on port 7 with what it said, over IPv4 and IPv6."""

from __future__ import annotations

import socket
import threading


def tcp(connection: socket.socket) -> None:
    """Echo one connection."""
    while data := connection.recv(4096):
        connection.sendall(data)


def udp(listener: socket.socket) -> None:
    """Echo every packet."""
    while True:
        data, sender = listener.recvfrom(4096)
        listener.sendto(data, sender)


def main() -> None:
    """Serve until killed."""
    packets = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    packets.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    packets.bind(("::", 7))
    threading.Thread(target=udp, args=(packets,), daemon=True).start()
    listener = socket.create_server(("::", 7), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    print("serving", flush=True)
    while True:
        threading.Thread(target=tcp, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
