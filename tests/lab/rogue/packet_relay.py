"""A rogue relay that runs on the firewall and carries packets round its rules, as a bad VPN agent or tap device would.

It reads frames from a packet socket, which sees them before any firewall hook, and writes them out through another,
which no firewall hook sees. Nothing that nftables can say stops it; only a probe that looks can find it.

    packet_relay.py OUTER INNER [--established] [--family 4|6]

`--established` carries TCP segments without SYN only, so that nothing but an already open connection leaks.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping

ETH_P = {4: 0x0800, 6: 0x86DD}
TCP = 6


def checksum(data: bytes) -> int:
    """Compute the Internet checksum."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def split(packet: bytes, family: int) -> tuple[bytes, bytes, int, int]:
    """Return source, destination, protocol and header length of an IP packet."""
    if family == 4:
        return packet[12:16], packet[16:20], packet[9], (packet[0] & 15) * 4
    return packet[8:24], packet[24:40], packet[6], 40


def with_tcp_checksum(packet: bytes, family: int) -> bytes:
    """Fill in the TCP checksum: packets on a veth carry it unfinished, because the kernel trusts itself."""
    source, destination, _, header = split(packet, family)
    segment = packet[header:]
    segment = segment[:16] + b"\0\0" + segment[18:]
    pseudo = source + destination
    pseudo += (
        struct.pack("!BBH", 0, TCP, len(segment)) if family == 4 else struct.pack("!IHBB", len(segment), 0, 0, TCP)
    )
    return packet[:header] + segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]


def neighbours(interface: str) -> Mapping[bytes, bytes]:
    """Read the neighbour table of an interface: address to MAC."""
    out = subprocess.run(["ip", "-j", "neigh", "show", "dev", interface], capture_output=True, check=True, text=True)
    found = {}
    for row in json.loads(out.stdout or "[]"):
        if "lladdr" in row:
            family = socket.AF_INET6 if ":" in row["dst"] else socket.AF_INET
            found[socket.inet_pton(family, row["dst"])] = bytes.fromhex(row["lladdr"].replace(":", ""))
    return found


def wanted(packet: bytes, family: int, *, established: bool) -> bool:
    """Tell whether to carry this packet: TCP, and without SYN where only open connections are to leak."""
    _, _, protocol, header = split(packet, family)
    if protocol != TCP or len(packet) < header + 20:
        return False
    return not (established and packet[header + 13] & 0x02)


def relay(outer: str, inner: str, families: tuple[int, ...], *, established: bool) -> None:
    """Carry packets between two interfaces until killed."""
    sockets: dict[tuple[str, int], socket.socket] = {}
    for interface in (outer, inner):
        for family in families:
            one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P[family]))
            one.bind((interface, ETH_P[family]))
            sockets[interface, family] = one
    via: dict[str, Callable[[bytes], bytes | None]] = {}
    tables = {interface: neighbours(interface) for interface in (outer, inner)}
    # Behind the inner interface stands one router; on the outer one every host is a neighbour.
    routers = [mac for address, mac in tables[inner].items() if not address.startswith(b"\xfe\x80")]
    via[outer] = tables[outer].get
    via[inner] = lambda _destination: routers[0] if routers else None
    print("ready", flush=True)
    by_number = {one.fileno(): key for key, one in sockets.items()}
    while True:
        for number in select.select(list(by_number), [], [])[0]:
            interface, family = by_number[number]
            frame, address = sockets[interface, family].recvfrom(65536)
            if address[2] != 0 or not wanted(frame[14:], family, established=established):
                continue
            other = inner if interface == outer else outer
            packet = with_tcp_checksum(frame[14:], family)
            mac = via[other](split(packet, family)[1])
            if mac is not None:
                out = sockets[other, family]
                out.send(mac + out.getsockname()[4] + frame[12:14] + packet)


def main() -> None:
    """Read the command line and relay."""
    parser = argparse.ArgumentParser()
    parser.add_argument("outer")
    parser.add_argument("inner")
    parser.add_argument("--established", action="store_true")
    parser.add_argument("--family", type=int, choices=(4, 6))
    given = parser.parse_args()
    families = (given.family,) if given.family else (4, 6)
    relay(given.outer, given.inner, families, established=given.established)


if __name__ == "__main__":
    main()
