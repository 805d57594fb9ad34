"""What a Linux firewall answers about itself, read into values: links, addresses, routes, tc, sockets, nft redirects. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_interface, ip_network
from typing import Any

from islandmode.core.firewall import Link, LinkAddress, Redirect, Route, Socket
from islandmode.isolation.nftables.reading import rows

_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export LC_ALL; "
LINKS = _PATH + "ip -json -details link show"
ADDRESSES = _PATH + "ip -json address show"
ROUTES = {4: _PATH + "ip -json -4 route show table all", 6: _PATH + "ip -json -6 route show table all"}
SOCKETS = _PATH + "ss -H -n -a -t -u -w"
QDISCS = _PATH + "tc qdisc show"
RULESETS = ("list ruleset netdev", "list ruleset ip", "list ruleset ip6")
"""Where a rule may hand a packet, or a copy, to another interface itself."""
TEE = {"type": "target", "name": "TEE"}
FOR_EVER_S = 4294967295

_WAYS = ("", "unicast")
_QDISC = re.compile(r"^qdisc (?P<kind>\S+) (?P<handle>\S*:)\s.*?\bdev (?P<dev>\S+)")
_NO_FILTERS = {"noqueue", "mq", "pfifo", "bfifo", "pfifo_fast"}
_MIRRED = re.compile(r"mirred \((?:Egress|Ingress) (Redirect|Mirror) to device (\S+)\)")
_PROGRAM = re.compile(r"^filter .*\bbpf\b|\baction order \d+: bpf\b")


def links(answer: str) -> tuple[Link, ...]:
    """Read `ip -details link`; the other end of a veth pair is no parent."""
    return tuple(_link(row) for row in json.loads(answer) if row)


def _link(row: dict[str, Any]) -> Link:
    info = row.get("linkinfo", {})
    kind = info.get("info_kind", "") or {"ppp": "ppp"}.get(row.get("link_type", ""), "")
    return Link(
        name=row["ifname"],
        kind=kind,
        master=row.get("master"),
        member_kind=info.get("info_slave_kind", ""),
        parent=row.get("link") if kind != "veth" else None,
        altnames=tuple(row.get("altnames", ())),
        up="UP" in row["flags"],
        program="xdp" in row,
    )


def addresses(answer: str) -> tuple[LinkAddress, ...]:
    """Read `ip address`."""
    return tuple(
        LinkAddress(
            row["ifname"],
            ip_interface(f"{address['local']}/{address['prefixlen']}"),
            leased=address.get("valid_life_time", FOR_EVER_S) != FOR_EVER_S,
        )
        for row in json.loads(answer)
        if row
        for address in row.get("addr_info", ())
        if "local" in address
    )


def routes(answer: str, family: int) -> tuple[Route, ...]:
    """Read `ip route show table all`: every route that sends packets out of an interface, each next hop of its own."""
    return tuple(route for row in json.loads(answer or "[]") for route in _routes(row, family))


def _routes(row: dict[str, Any], family: int) -> Iterator[Route]:
    if row.get("type", "") not in _WAYS:
        return
    whole = "0.0.0.0/0" if family == 4 else "::/0"
    network = ip_network(whole if row["dst"] == "default" else row["dst"])
    for hop in (row, *row.get("nexthops", ())):
        if "dev" in hop:
            yield Route(network, hop["dev"])


def filters_command(qdiscs: str) -> str:
    """Ask for the filters of every queueing discipline that may have some; empty when none may."""
    asked = []
    for found in filter(None, map(_QDISC.match, qdiscs.splitlines())):
        kind, handle, device = found["kind"], found["handle"], found["dev"]
        ways: tuple[str, ...]
        if kind == "clsact":
            ways = ("ingress", "egress")
        elif kind == "ingress":
            ways = ("ingress",)
        else:
            ways = () if kind in _NO_FILTERS or handle == "0:" else (f"parent {handle}",)
        asked += [f"echo 'device {device} {way}'; tc filter show dev '{device}' {way} || exit 1" for way in ways]
    return _PATH + "; ".join(asked) if asked else ""


def filters(answer: str) -> tuple[Redirect, ...]:
    """Read what tc's filters do with packets: send them to another interface, copy them, or ask a program."""
    found: list[Redirect] = []
    device = ""
    for line in answer.splitlines():
        if line.startswith("device "):
            device = line.split()[1]
        mirred = _MIRRED.search(line)
        if mirred is not None:
            moves = mirred[1] == "Redirect"
            found.append(Redirect(f"tc on {device}", "moves" if moves else "copies", mirred[2], device))
        elif _PROGRAM.search(line.strip()):
            found.append(Redirect(f"a BPF program of tc on {device}", "program", None, device))
    return tuple(dict.fromkeys(found))


def redirects(answer: str) -> tuple[Redirect, ...]:
    """Read rules of nft that hand packets (`fwd`) or copies (`dup`) to another interface. nft 1.0.6 tells no source here.

    What iptables made is listed as nft's own where nft can say it so, and else as its target.
    """
    found = []
    for row in rows(answer):
        rule = row.get("rule", {})
        for part in (item for item in rule.get("expr", ()) if isinstance(item, dict)):
            by = f"nft table {rule['family']} {rule['table']}, chain {rule['chain']}"
            if "fwd" in part:
                found.append(Redirect(by, "moves", _target(part["fwd"], rule)))
            if "dup" in part:
                found.append(Redirect(by, "copies", _target(part["dup"], rule)))
            if part.get("xt") == TEE:
                found.append(Redirect(f"{by} (TEE of iptables)", "copies"))
    return tuple(dict.fromkeys(found))


def _target(said: Any, rule: dict[str, Any]) -> str | None:
    """Find the interface that a rule sends to; netdev's `dup` writes it where others write an address."""
    if not isinstance(said, dict):
        return None
    name = said.get("dev") or (said.get("addr") if rule.get("family") == "netdev" else None)
    return name if isinstance(name, str) else None


def sockets(answer: str) -> tuple[Socket, ...]:
    """Read `ss`: `udp UNCONN 0 0 0.0.0.0%eth1:68 0.0.0.0:*`; what is not of that form is no answer of ss."""
    return tuple(_socket(line.split()) for line in answer.splitlines() if line.strip())


def _socket(words: list[str]) -> Socket:
    kind, _, _, _, local, peer = words[:6]
    place, _, port = local.rpartition(":")
    address, _, link = place.partition("%")
    remote = peer.rpartition(":")[2]
    return Socket(
        kind={"tcp": "tcp", "udp": "udp"}.get(kind, "raw"),  # type: ignore[arg-type]  # mypy widens the words
        port=int(port) if port.isdigit() else -1,
        address=address.strip("[]"),
        link=link or None,
        remote_port=int(remote) if remote.isdigit() else None,
    )
