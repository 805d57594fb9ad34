"""The configuration modes of an emulated IOS device: what may be entered in each, and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from islandmode.core.recipe.words import read_moment
from tests.emulators.device import Account
from tests.emulators.ios_config import EARLIEST, LATEST, TimeRange
from tests.emulators.ios_lists import AccessList, SyntaxTrouble, number_of, read_entry
from tests.emulators.ios_state import IosState
from tests.emulators.ios_words import INCOMPLETE, Found, find, invalid
from tests.emulators.network import Family
from tests.emulators.spans import Span

MOMENT = "%H:%M %d %B %Y"
NOT_THERE = "%Error: the access rule does not exist\n"
Say = Callable[["ConfigMode", tuple[str, ...], str], str]


class ConfigMode:
    """Where a session is in the configuration: at its top, or in a part of it."""

    def __init__(self, device: IosState, user: str) -> None:
        self.device = device
        self.user = user
        self.part = ""
        """What the prompt shows after `config`."""
        self.at: AccessList | TimeRange | str | None = None

    @property
    def prompt(self) -> str:
        """Give the prompt; the name is shortened in configuration."""
        return f"{self.device.running.hostname[:20]}(config{self.part})#"

    def enter(self, line: str) -> str:
        """Carry a configuring line out: one of this part, or else one of the top."""
        if not line.strip() or line.strip().startswith("!"):
            return ""
        wrong = []
        for forms in (PARTS.get(self.part, {}), TOP):
            found = find(forms, self.prompt, line)
            if isinstance(found, Found):
                self.device.changed, self.device.changed_by = self.device.clock.local, self.user
                return self._carried(forms[found.form], found, line)
            wrong.append(found)
        return INCOMPLETE if INCOMPLETE in wrong else wrong[-1]

    def _carried(self, say: Say, found: Found, line: str) -> str:
        try:
            return say(self, found.values, line)
        except SyntaxTrouble as trouble:
            return INCOMPLETE if trouble.word is None else invalid(self.prompt, line, trouble.word)

    def go(self, part: str, at: AccessList | TimeRange | str | None) -> str:
        """Go to a part."""
        self.part, self.at = part, at
        return ""


def _time_range(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    found = mode.device.running.time_ranges.setdefault(values[0], TimeRange(name=values[0]))
    return mode.go("-time-range", found)


def _no_time_range(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    mode.device.running.time_ranges.pop(values[0], None)
    return mode.go("", None)


def _absolute(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
    words, moments = line.split(), dict[str, datetime]()
    for at in range(1, len(words), 5):
        name, told = words[at].lower(), words[at + 1 : at + 5]
        if name not in {"start", "end"} or name in moments:
            raise SyntaxTrouble(at)
        if len(told) < 4:
            raise SyntaxTrouble(None)
        moment = read_moment(MOMENT, " ".join(told))
        if moment is None or not EARLIEST <= moment <= LATEST:
            raise SyntaxTrouble(at + 1)
        moments[name] = moment
    span = Span(moments.get("start"), moments.get("end"))
    if span.starts is not None and span.ends is not None and span.ends <= span.starts:
        return "%Error: the end must be after the start\n"
    if isinstance(mode.at, TimeRange):
        mode.at.write(span, mode.device.clock)
    return ""


def _no_absolute(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    if isinstance(mode.at, TimeRange):
        mode.at.write(None, mode.device.clock)
    return ""


def _list(family: Family) -> Say:
    def say(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
        found = mode.device.running.lists.setdefault((family, values[0]), AccessList(values[0], family))
        return mode.go("-ext-nacl" if family == 4 else "-ipv6-acl", found)

    return say


def _no_list(family: Family) -> Say:
    def say(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
        mode.device.running.lists.pop((family, values[0]), None)
        return mode.go("", None)

    return say


def _resequence(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    listed = mode.device.running.lists.get((4, values[0]))
    if listed is None:
        return f"% Access list {values[0]} not found\n"
    listed.resequence(number_of(values[1]), number_of(values[2]))
    return ""


def _list_line(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
    """Add a line to a list, or remove one: with `no` and its number, or with all that it says."""
    listed = mode.at
    if not isinstance(listed, AccessList):
        raise SyntaxTrouble(0)
    words = line.split()
    removes = words[0] == "no"
    words = words[removes:]
    if words[0] == "sequence" and listed.family == 6:
        words = words[1:]
    number = None
    if words and words[0].isdigit():
        number, words = number_of(words[0]), words[1:]
    if removes and number is not None and not words:
        return "" if listed.remove(number) else NOT_THERE
    try:
        entry = read_entry(words, listed.family, number or listed.next_number())
    except SyntaxTrouble as trouble:
        skipped = len(line.split()) - len(words)
        raise SyntaxTrouble(None if trouble.word is None else skipped + trouble.word) from None
    if removes:
        return "" if listed.remove(entry) else NOT_THERE
    return listed.add(entry)


def _interface(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
    if values[0] not in mode.device.running.interfaces:
        return invalid(mode.prompt, line, 1)
    return mode.go("-if", values[0])


def _bind(family: Family, *, removes: bool = False) -> Say:
    def say(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
        name, way = values
        if way not in {"in", "out"}:
            return invalid(mode.prompt, line, len(line.split()) - 1)
        lists = mode.device.running.interfaces[str(mode.at)].lists
        if removes:
            lists.pop((family, way), None)
        else:
            lists[family, way] = name
        return ""

    return say


def _hostname(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    mode.device.running.hostname = values[0]
    return ""


def _ntp(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
    """Take an NTP server, which keeps the clock from then on."""
    mode.device.clock.is_kept = True
    return _other(mode, values, line)


def _username(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
    """Make an account."""
    name, level, _, secret = values
    if not level.isdigit() or not 0 <= int(level) <= 15:
        return invalid(mode.prompt, line, 3)
    mode.device.accounts[name] = Account(secret, may_configure=level == "15")
    return _other(mode, values, f"username {name} privilege {level} secret 9 HIDDEN")


def _exclusive(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
    mode.device.is_exclusive = not line.startswith("no ")
    return _other(mode, values, line)


def _line(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    return mode.go("-line", "vty")


def _archive(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    return mode.go("-archive", "archive")


def _path(mode: ConfigMode, values: tuple[str, ...], _: str) -> str:
    mode.device.running.archive_path = values[0]
    return ""


def _other(mode: ConfigMode, values: tuple[str, ...], line: str) -> str:
    """Keep a line that means nothing here, such as a colleague's."""
    others = mode.device.running.others
    if line.startswith("no "):
        others[:] = [other for other in others if other != line[3:]]
    elif line not in others:
        others.append(line)
    return ""


TOP: Mapping[str, Say] = {
    "time-range NAME": _time_range,
    "no time-range NAME": _no_time_range,
    "ip access-list extended NAME": _list(4),
    "no ip access-list extended NAME": _no_list(4),
    "ip access-list resequence NAME FIRST STEP": _resequence,
    "ipv6 access-list NAME": _list(6),
    "no ipv6 access-list NAME": _no_list(6),
    "interface NAME": _interface,
    "hostname NAME": _hostname,
    "archive": _archive,
    "configuration mode exclusive auto": _exclusive,
    "no configuration mode exclusive auto": _exclusive,
    "logging host ADDRESS": _other,
    "no logging host ADDRESS": _other,
    "ntp server ADDRESS": _ntp,
    "username NAME privilege LEVEL algorithm-type TYPE secret SECRET": _username,
    "ip domain name NAME": _other,
    "ip ssh version NUMBER": _other,
    "crypto key generate rsa modulus BITS": _other,
    "clock timezone NAME HOURS MINUTES": _other,
    "clock summer-time NAME recurring ...": _other,
    "line vty FIRST LAST": _line,
    "no ntp server ADDRESS": _other,
    "banner ...": _other,
}
_LINES: Mapping[str, Say] = {
    "permit ...": _list_line,
    "deny ...": _list_line,
    "no permit ...": _list_line,
    "no deny ...": _list_line,
    "no NUMBER": _list_line,
    "NUMBER permit ...": _list_line,
    "NUMBER deny ...": _list_line,
}
PARTS: Mapping[str, Mapping[str, Say]] = {
    "-time-range": {"absolute ...": _absolute, "no absolute": _no_absolute, "no absolute ...": _no_absolute},
    "-ext-nacl": _LINES,
    "-ipv6-acl": {
        **_LINES,
        "sequence NUMBER permit ...": _list_line,
        "sequence NUMBER deny ...": _list_line,
        "no sequence NUMBER": _list_line,
    },
    "-if": {
        "ip access-group NAME WAY": _bind(4),
        "no ip access-group NAME WAY": _bind(4, removes=True),
        "ipv6 traffic-filter NAME WAY": _bind(6),
        "no ipv6 traffic-filter NAME WAY": _bind(6, removes=True),
    },
    "-archive": {"path NAME": _path},
    "-line": {"login local": _other, "transport input ssh": _other},
}
