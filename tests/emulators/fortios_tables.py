"""The tables of an emulated FortiOS device: what may be set in each, what may stand there, and how it is shown."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Literal

from islandmode.core.recipe.words import read_moment

MOMENT = "%H:%M %Y/%m/%d"
Values = dict[str, tuple[str, ...]]
Kind = Literal["named", "numbered", "single"]


@dataclass(frozen=True)
class Field:
    """Something that may be set. `of` names the tables in which its values must stand; what has its default is not shown by `show`."""

    default: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """The only values, where there are such."""
    of: tuple[str, ...] = ()
    many: bool = False
    needed: bool = False
    longest: int = 255
    is_quoted: bool = True


@dataclass
class Table:
    """A table of the configuration, or a single set of values (then its only entry has the name "")."""

    path: str
    kind: Kind
    fields: Mapping[str, Field]
    name_most: int = 79
    entries: dict[str, Values] = field(default_factory=dict)
    is_within: bool = False
    """Whether it is a part of an entry of another table; kept once for all of them, and shown nowhere."""

    def value(self, key: str, name: str) -> tuple[str, ...]:
        """Give a value of an entry, or its default."""
        return self.entries[key].get(name, self.fields[name].default)

    def next_number(self) -> str:
        """Give the number that `edit 0` takes."""
        return str(max((int(key) for key in self.entries), default=0) + 1)

    def block(self, key: str, hidden: Iterable[str] = ()) -> list[str]:
        """Write an entry as `show` does: what differs from the default, in the order of the fields."""
        shown = []
        for name, known in self.fields.items():
            value = self.value(key, name)
            if value and value != known.default and name not in hidden:
                quote = '"' if known.is_quoted else ""
                shown.append(f"set {name} {' '.join(f'{quote}{word}{quote}' for word in value)}")
        if self.kind == "single":
            return shown
        edit = f'edit "{key}"' if self.kind == "named" else f"edit {key}"
        return [edit, *(f"    {line}" for line in shown), "next"]


ANY = ("all",)
PAIRS = {"start", "end", "subnet", "trusthost1"}
TOGGLE = ("enable", "disable")
ADDRESSES, ADDRESSES6 = ("firewall address",), ("firewall address6",)
SCHEDULES = ("firewall schedule onetime", "firewall schedule recurring")
_POLICY = {
    "status": Field(("enable",), TOGGLE, is_quoted=False),
    "name": Field(longest=35),
    "srcintf": Field(of=("system interface",), many=True, needed=True),
    "dstintf": Field(of=("system interface",), many=True, needed=True),
    "action": Field(("deny",), ("accept", "deny", "ipsec"), is_quoted=False),
    "srcaddr": Field(of=ADDRESSES, many=True),
    "dstaddr": Field(of=ADDRESSES, many=True),
    "srcaddr6": Field(of=ADDRESSES6, many=True),
    "dstaddr6": Field(of=ADDRESSES6, many=True),
    "schedule": Field(of=SCHEDULES, needed=True),
    "service": Field(of=("firewall service custom",), many=True, needed=True),
    "logtraffic": Field(("utm",), ("all", "utm", "disable"), is_quoted=False),
    "match-vip": Field(("enable",), TOGGLE, is_quoted=False),
    "comments": Field(longest=1023),
}

_GROUP = Field(("none",), ("none", "read", "read-write", "custom"), is_quoted=False)
_PARTS = dict.fromkeys(("policy", "schedule"), Field(("none",), ("none", "read", "read-write"), is_quoted=False))
_ADMIN = {
    "accprofile": Field(of=("system accprofile",), needed=True),
    "vdom": Field(),
    "trusthost1": Field(("0.0.0.0", "0.0.0.0"), is_quoted=False),
    "ssh-public-key1": Field(),
    "password": Field(),
}


def _local_in(addresses: tuple[str, ...]) -> dict[str, Field]:
    return {
        "status": Field(("enable",), TOGGLE, is_quoted=False),
        "intf": Field(of=("system interface",), many=True, needed=True),
        "srcaddr": Field(of=addresses, many=True, needed=True),
        "dstaddr": Field(of=addresses, many=True, needed=True),
        "action": Field(("deny",), ("accept", "deny"), is_quoted=False),
        "service": Field(of=("firewall service custom",), many=True, needed=True),
        "schedule": Field(of=SCHEDULES, needed=True),
        "comments": Field(longest=1023),
    }


def factory_tables(interfaces: Iterable[str]) -> dict[str, Table]:
    """Make the tables as they are at first, with these interfaces."""
    single: Mapping[str, Mapping[str, Field]] = {
        "system console": {
            "baudrate": Field(("9600",), is_quoted=False),
            "login": Field(("enable",), TOGGLE, is_quoted=False),
            "output": Field(("more",), ("standard", "more"), is_quoted=False),
        },
        "system global": {
            "hostname": Field(longest=35),
            "cfg-save": Field(("automatic",), ("automatic", "manual", "revert"), is_quoted=False),
            "timezone": Field(("US/Pacific",)),
        },
        "system ntp": {
            "ntpsync": Field(("disable",), TOGGLE, is_quoted=False),
            "type": Field(("fortiguard",), ("fortiguard", "custom"), is_quoted=False),
        },
        "system settings": {"ses-denied-traffic": Field(("disable",), TOGGLE, is_quoted=False)},
    }
    window = {
        "start": Field(is_quoted=False),
        "end": Field(is_quoted=False),
        "expiration-days": Field(("3",), is_quoted=False),
    }
    tables = [
        *(Table(path, "single", fields, entries={"": {}}) for path, fields in single.items()),
        Table("system interface", "named", {"description": Field()}, 15, {name: {} for name in interfaces}),
        Table(
            "firewall address",
            "named",
            {"subnet": Field(is_quoted=False)},
            79,
            {"all": {"subnet": ("0.0.0.0", "0.0.0.0")}},
        ),
        Table("firewall address6", "named", {"ip6": Field(("::/0",), is_quoted=False)}, 79, {"all": {}}),
        Table("firewall service custom", "named", {"protocol": Field(("IP",))}, 79, {"ALL": {}}),
        Table("firewall schedule onetime", "named", window, 31),
        Table("firewall schedule recurring", "named", {"day": Field(is_quoted=False, many=True)}, 31, {"always": {}}),
        Table("system accprofile", "named", dict.fromkeys(("sysgrp", "netgrp", "fwgrp"), _GROUP)),
        Table("system accprofile fwgrp-permission", "single", _PARTS, entries={"": {}}, is_within=True),
        Table("system admin", "named", _ADMIN),
        Table("system ntp ntpserver", "numbered", {"server": Field(needed=True)}, is_within=True),
        Table("firewall policy", "numbered", _POLICY),
        Table("firewall local-in-policy", "numbered", _local_in(ADDRESSES)),
        Table("firewall local-in-policy6", "numbered", _local_in(ADDRESSES6)),
    ]
    return {table.path: table for table in tables}


def words_of(line: str) -> list[str] | None:
    """Part a line into words; None where a quotation does not end."""
    try:
        return shlex.split(line)
    except ValueError:
        return None


def value_trouble(tables: Mapping[str, Table], table: Table, name: str, value: tuple[str, ...]) -> str:
    """Say what is wrong with a value; empty where nothing is."""
    known = table.fields[name]
    if len(value) > 1 and not known.many and not (name in PAIRS and len(value) == 2):
        return f"command parse error before '{value[1]}'\nCommand fail. Return code -61\n"
    if known.words and value[0] not in known.words:
        return f"value parse error before '{value[0]}'\nCommand fail. Return code -651\n"
    if any(len(word) > known.longest for word in value):
        return f"string value is too long.\nvalue parse error before '{value[0]}'\nCommand fail. Return code -9\n"
    if known.of and any(all(word not in tables[path].entries for path in known.of) and word != "any" for word in value):
        return (
            f"entry not found in datasource\n\nvalue parse error before '{value[-1]}'\nCommand fail. Return code -3\n"
        )
    if name in {"start", "end"} and read_moment(MOMENT, " ".join(value)) is None:
        return f"invalid date or time\n\nvalue parse error before '{value[-1]}'\nCommand fail. Return code -651\n"
    return (
        ""
        if _is_network(name, value)
        else f"invalid address\nvalue parse error before '{value[0]}'\nCommand fail. Return code -8\n"
    )


def _is_network(name: str, value: tuple[str, ...]) -> bool:
    if name not in {"subnet", "ip6"}:
        return True
    try:
        return ip_network("/".join(value), strict=False).version == (4 if name == "subnet" else 6)
    except ValueError:
        return False


def entry_trouble(table: Table, values: Values) -> str:
    """Say why an entry cannot be kept as it is; empty where it can."""
    for name, known in table.fields.items():
        if known.needed and not values.get(name):
            return (
                f"node_check_object fail! for {name}\n\nAttribute '{name}' MUST be set.\n"
                "Command fail. Return code -56\nobject check operator error, -56, discard the setting\nCommand fail. Return code 1\n"
            )
    if table.path == "firewall schedule onetime":
        starts, ends = (read_moment(MOMENT, " ".join(values.get(name, ()))) for name in ("start", "end"))
        if starts is None or ends is None or ends <= starts:
            return "The end must be after the start.\nobject check operator error, -87, discard the setting\nCommand fail. Return code 1\n"
    return ""
