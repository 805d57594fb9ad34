"""An emulated MikroTik router with RouterOS 7, as far as the example recipe of docs/minimal needs it: address lists with a timeout, and raw rules.

No router was at hand. Written from MikroTik's manual (manual.mikrotik.com: Firewall, Address-lists, Raw, Scripting, Console), of which only facts
were taken: an entry with a timeout is dynamic and goes when that has run down; the same address twice in a list is refused as *already have such
entry*; `print count-only where`, `find`, `set`, `remove`, `:put`, `:foreach`; how a timeout is written (`4m52s`).

Guesses, to be benched: that `set` and `remove` say nothing where `find` finds nothing, and that `set` takes the timeout of a dynamic entry; the words for
a line that is not understood. Raw rules are asked before any connection tracking, so that open connections meet them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network

from tests.emulators.clock import DeviceClock
from tests.emulators.device import Account, CliSession, Device
from tests.emulators.network import Address, Network, Packet, Zone

LISTS, RAW = "/ip firewall address-list", "/ip firewall raw"
BAD_NAME = "bad command name {} (line 1 column 1)\n"


@dataclass(frozen=True)
class Entry:
    """An address of a list; `ends_up_s` is None where it stays."""

    listed: str
    network: Network
    comment: str = ""
    ends_up_s: float | None = None


@dataclass(frozen=True)
class Rule:
    """A raw rule that drops from a list to a list."""

    source: str
    target: str
    comment: str


class RouterOsDevice(Device):
    """A router that people log in to."""

    def __init__(
        self, name: str, clock: DeviceClock, zones: Mapping[str, Zone], accounts: Mapping[str, Account] | None = None
    ) -> None:
        super().__init__(name, clock, zones, accounts)
        self.entries: list[Entry] = []
        self.rules: list[Rule] = []

    def settle(self) -> None:
        """Entries whose timeout has run down are gone."""
        self.entries = [entry for entry in self.entries if entry.ends_up_s is None or entry.ends_up_s > self.clock.up_s]

    def lets_through(self, packet: Packet) -> bool:
        """Ask the raw rules; these are IPv4's only."""
        if packet.family == 6:
            return True
        return not any(
            self._holds(rule.source, packet.source) and self._holds(rule.target, packet.target) for rule in self.rules
        )

    def _holds(self, listed: str, address: Address) -> bool:
        return any(entry.listed == listed and address in entry.network for entry in self.entries)

    def restarted(self) -> None:
        """What has a timeout is not saved."""
        self.entries = [entry for entry in self.entries if entry.ends_up_s is None]

    def configuration(self) -> str:
        """What an export shows: dynamic entries are left out."""
        with self.lock:
            self.settle()
            lines = [
                f"add list={entry.listed} address={entry.network}" for entry in self.entries if entry.ends_up_s is None
            ]
            return "\n".join([*lines, *(f"add action=drop comment={rule.comment}" for rule in self.rules)])

    def new_session(self, number: int, user: str) -> CliSession:
        """Make a session."""
        return RouterOsSession(self, number, user)


class RouterOsSession(CliSession):
    """A session: there are no modes, each line is whole."""

    def __init__(self, device: RouterOsDevice, number: int, user: str) -> None:
        super().__init__(device, number, user)
        self._router = device

    @property
    def prompt(self) -> str:
        """User, name, and where one is."""
        return f"[{self.user}@{self._router.name}] > "

    @property
    def page_lines(self) -> int | None:
        """Paging is off."""
        return None

    def configures(self, line: str) -> bool:
        """Tell whether a line adds, sets or removes."""
        return bool(re.match(r"/ip firewall \S+ (?:add|set|remove)\b", line))

    def answer(self, line: str) -> str:
        """Carry a line out."""
        for form, does in FORMS.items():
            found = re.fullmatch(form, line)
            if found is not None:
                return does(self._router, found)
        return BAD_NAME.format(line.split(maxsplit=1)[0]) if line.strip() else ""


def _add(router: RouterOsDevice, found: re.Match[str]) -> str:
    timeout = found["timeout"]
    entry = Entry(found["list"], ip_network(found["address"]), found["comment"] or "")
    if any((known.listed, known.network) == (entry.listed, entry.network) for known in router.entries):
        return "failure: already have such entry\n"
    router.entries.append(replace(entry, ends_up_s=None if timeout is None else router.clock.up_s + int(timeout)))
    return ""


def _set(router: RouterOsDevice, found: re.Match[str]) -> str:
    ends_up_s = router.clock.up_s + int(found["timeout"])
    router.entries = [
        replace(entry, ends_up_s=ends_up_s) if entry.listed == found["list"] else entry for entry in router.entries
    ]
    return ""


def _remove(router: RouterOsDevice, found: re.Match[str]) -> str:
    router.entries = [entry for entry in router.entries if entry.listed != found["list"]]
    return ""


def _print(router: RouterOsDevice, found: re.Match[str]) -> str:
    kept = [entry for entry in router.entries if entry.listed == found["list"]]
    return "Columns: LIST, ADDRESS\n" + "".join(f"{entry.listed} {entry.network}\n" for entry in kept) if kept else ""


def _count(router: RouterOsDevice, found: re.Match[str]) -> str:
    return f"{sum(entry.listed == found['list'] for entry in router.entries)}\n"


def _count_rules(router: RouterOsDevice, found: re.Match[str]) -> str:
    return f"{sum(rule.comment == found['comment'] for rule in router.rules)}\n"


def _each(router: RouterOsDevice, found: re.Match[str]) -> str:
    kept = [entry for entry in router.entries if entry.listed == found["list"]]
    shown = [entry.comment if found["what"] == "comment" else _left(router, entry) for entry in kept]
    return "".join(f"{value}\n" for value in [*shown, "told"])


def _left(router: RouterOsDevice, entry: Entry) -> str:
    if entry.ends_up_s is None:
        return ""
    left_s = int(entry.ends_up_s - router.clock.up_s)
    parts = (("h", left_s // 3600), ("m", left_s // 60 % 60), ("s", left_s % 60))
    return "".join(f"{count}{unit}" for unit, count in parts if count) or "0s"


def _add_rule(router: RouterOsDevice, found: re.Match[str]) -> str:
    router.rules.append(Rule(found["source"], found["target"], found["comment"]))
    return ""


def _resource(router: RouterOsDevice, found: re.Match[str]) -> str:
    return "                   uptime: 2w1d\n                  version: 7.15.3 (stable)\n"


Does = Callable[[RouterOsDevice, re.Match[str]], str]
_LIST = r"(?P<list>\S+?)"
FORMS: Mapping[str, Does] = {
    rf"{LISTS} add list={_LIST} address=(?P<address>\S+)(?: timeout=(?P<timeout>\d+)s)?(?: comment=(?P<comment>\S+))?": _add,
    rf"{LISTS} set \[find list={_LIST}\] timeout=(?P<timeout>\d+)s": _set,
    rf"{LISTS} remove \[find list={_LIST}\]": _remove,
    rf"{LISTS} print where list={_LIST}": _print,
    rf":put \[{LISTS} print count-only where list={_LIST}\]": _count,
    rf":put \[{RAW} print count-only where comment=(?P<comment>\S+) disabled=no\]": _count_rules,
    rf":foreach one in=\[{LISTS} find list={_LIST}\] do=\{{:put \[{LISTS} get \$one (?P<what>comment|timeout)\]\}}; :put told": _each,
    rf"{RAW} add chain=prerouting action=drop src-address-list=(?P<source>\S+) dst-address-list=(?P<target>\S+) comment=(?P<comment>\S+)": _add_rule,
    "/system resource print": _resource,
}
