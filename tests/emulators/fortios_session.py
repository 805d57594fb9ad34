"""A session at the command line of an emulated FortiOS device: tables that are edited, and what may be asked at the top."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from islandmode.core.recipe.words import write_moment
from tests.emulators.device import CliSession
from tests.emulators.fortios_state import FortiState
from tests.emulators.fortios_tables import Table, Values, entry_trouble, value_trouble, words_of

UNKNOWN = "Unknown action 0\nCommand fail. Return code -1\n"
NOT_THERE = "entry is not found in table\n\nCommand fail. Return code -3\n"
LOCKED = (
    "Can not config the object since either the object or the referenced objects are being configured by other transactions.\n"
    "Command fail. Return code 14\n"
)
BANNER_LAST = "(Press 'a' to accept):"
FILTERS = ("sintf", "dintf", "src", "dst", "policy", "proto")


def _parse_error(word: str) -> str:
    return f"command parse error before '{word}'\nCommand fail. Return code -61\n"


@dataclass
class Editing:
    """A table in which somebody is, the entry that is edited, and what is written so far: nothing of it counts before `next` or `end`."""

    table: Table
    key: str | None = None
    values: Values = field(default_factory=dict)
    within: Editing | None = None
    """The entry of which this table is a part."""


class FortiSession(CliSession):
    """A session."""

    def __init__(self, device: FortiState, number: int, user: str, *, may_write: bool) -> None:
        super().__init__(device, number, user)
        self._box = device
        self._may_write = may_write
        self._editing: Editing | None = None
        self._filters: dict[str, dict[str, str]] = {"session": {}, "session6": {}}
        self._accepts = BANNER_LAST not in device.faults.text_at_login

    @property
    def prompt(self) -> str:
        """The name, with the last word of the table or the entry; `$` for who may only look."""
        if not self._accepts:
            return ""
        mark = "#" if self._may_write else "$"
        editing = self._editing
        if editing is None:
            return f"{self._box.hostname} {mark} "
        where = editing.table.path.split()[-1] if editing.key is None or editing.table.kind == "single" else editing.key
        return f"{self._box.hostname} ({where}) {mark} "

    @property
    def page_lines(self) -> int | None:
        """Pages are a setting of the whole device."""
        return 24 if self._box.tables["system console"].value("", "output") == ("more",) else None

    def configures(self, line: str) -> bool:
        """All that is entered in a table does, and what leads there; `execute` may do anything but tell the time."""
        first = line.split()[:1]
        if self._editing is None and line.split() in (["execute", "time"], ["execute", "date"]):
            return False
        if self._editing is not None:
            return first not in ([], ["show"], ["get"])
        return first in (["config"], ["execute"])

    def interrupted(self) -> None:
        """Ctrl-C gives up what is edited."""
        self._editing = None

    def answer(self, line: str) -> str:
        """Carry a line out."""
        if not self._accepts:
            self._accepts = line.strip() == "a"
            return ""
        words = words_of(line)
        if words is None:
            return _parse_error('"')
        if not words:
            return ""
        if self._editing is not None:
            does = IN_TABLE.get(words[0])
            return UNKNOWN if does is None else does(self, self._editing, words[1:])
        pipe = re.match(r"(.+?)\s*\|\s*grep\s+(?:(-[a-z]+)\s+)?(.+)$", line)
        if pipe:
            return self._grep(pipe[1], pipe[2] or "", " ".join(words_of(pipe[3]) or ()))
        return self._top(words)

    def _top(self, words: list[str]) -> str:
        if words[0] in {"exit", "quit"}:
            self.is_over = True
            return ""
        for form, does in AT_TOP.items():
            parts = form.split()
            if words[: len(parts)] == parts:
                return does(self, words[len(parts) :])
        return UNKNOWN

    def _grep(self, command: str, flag: str, pattern: str) -> str:
        """Keep the lines that match; with -f the whole entry of each, in its table, and a mark at the line."""
        shown = self._top(words_of(command) or [""])
        found = re.compile(pattern)
        if flag != "-f":
            return "".join(f"{line}\n" for line in shown.splitlines() if found.search(line))
        kept: list[str] = []
        entry: list[str] = []
        head = ""
        for line in shown.splitlines():
            entry.append(f"{line} <---" if found.search(line) else line)
            if line.startswith("config "):
                head, entry = line, []
            elif line.strip() == "next":
                if any(part.endswith("<---") for part in entry):
                    kept += ([] if kept else [head]) + entry
                entry = []
        return "".join(f"{line}\n" for line in (*kept, "end")) if kept else ""

    # In a table.

    def _edit(self, editing: Editing, words: list[str]) -> str:
        table = editing.table
        if len(words) != 1 or table.kind == "single" or editing.key is not None:
            return _parse_error(words[0] if words else "edit")
        key = words[0]
        if table.kind == "numbered" and not key.isdigit():
            return f"value parse error before '{key}'\nCommand fail. Return code -651\n"
        if len(key) > table.name_most:
            return f"string value is too long.\nvalue parse error before '{key}'\nCommand fail. Return code -9\n"
        if self._box.locks_at == "edit" and self._is_locked(table, key):
            return LOCKED
        editing.key, editing.values = key, dict(table.entries.get(key, {}))
        return "" if key in table.entries else f"new entry '{key}' added\n"

    def _is_locked(self, table: Table, key: str) -> bool:
        return bool(self.number) and self._box.is_locked(table.path, key)

    def _set(self, editing: Editing, words: list[str]) -> str:
        if editing.key is None:
            return UNKNOWN
        if not words or words[0] not in editing.table.fields:
            return _parse_error(words[0] if words else "set")
        if len(words) < 2:
            return "incomplete command in the end\nCommand fail. Return code -160\n"
        value = tuple(words[1:])
        trouble = value_trouble(self._box.tables, editing.table, words[0], value)
        if not trouble:
            editing.values[words[0]] = value
        return trouble

    def _unset(self, editing: Editing, words: list[str]) -> str:
        if editing.key is None or len(words) != 1 or words[0] not in editing.table.fields:
            return _parse_error(words[0] if words else "unset")
        editing.values.pop(words[0], None)
        return ""

    def _keep(self, editing: Editing) -> str:
        key, table = editing.key, editing.table
        if key is None:
            return ""
        editing.key = None
        if self._is_locked(table, key):
            return LOCKED
        trouble = entry_trouble(table, editing.values)
        if trouble:
            return trouble
        key = table.next_number() if table.kind == "numbered" and key == "0" else key
        if key not in table.entries or table.entries[key] != editing.values:
            table.entries[key] = editing.values
            self._box.kept(table, key)
        return ""

    def _next(self, editing: Editing, words: list[str]) -> str:
        return UNKNOWN if editing.key is None or editing.table.kind == "single" else self._keep(editing)

    def _end(self, editing: Editing, words: list[str]) -> str:
        self._editing = editing.within
        return self._keep(editing)

    def _config_within(self, editing: Editing, words: list[str]) -> str:
        """Go into a table that is a part of the entry."""
        table = self._box.tables.get(" ".join((editing.table.path, *words)))
        if table is None or editing.key is None:
            return _parse_error(words[-1] if words else "config")
        self._editing = _into(table, editing)
        return ""

    def _abort(self, editing: Editing, words: list[str]) -> str:
        self._editing = None
        return ""

    def _delete(self, editing: Editing, words: list[str]) -> str:
        table = editing.table
        if editing.key is not None or len(words) != 1 or table.kind == "single":
            return _parse_error(words[0] if words else "delete")
        key = words[0]
        if key not in table.entries:
            return NOT_THERE
        uses = sum(
            key in entry.get(name, ())
            for other in self._box.tables.values()
            for entry in other.entries.values()
            for name, known in other.fields.items()
            if table.path in known.of
        )
        if uses:
            return f"The entry is used by other {uses} entries\nCommand fail. Return code -23\n"
        del table.entries[key]
        self._box.gone(table, key)
        return ""

    def _move(self, editing: Editing, words: list[str]) -> str:
        entries = editing.table.entries
        if editing.key is not None or len(words) != 3 or words[1] not in {"before", "after"}:
            return _parse_error(words[0] if words else "move")
        if words[0] not in entries or words[2] not in entries:
            return NOT_THERE
        order = [key for key in entries if key != words[0]]
        order.insert(order.index(words[2]) + (words[1] == "after"), words[0])
        moved = {key: entries[key] for key in order}
        entries.clear()
        entries.update(moved)
        return ""

    def _show_here(self, editing: Editing, words: list[str]) -> str:
        return self._box.shown(editing.table.path, editing.key or None)

    # At the top.

    def _config(self, words: list[str]) -> str:
        path = " ".join(words)
        table = self._box.tables.get(path)
        if table is None or table.is_within:
            return _parse_error(words[-1] if words else "config")
        if not self._may_write:
            return "Permission denied\nCommand fail. Return code -37\n"
        self._editing = _into(table)
        return ""

    def _show(self, words: list[str]) -> str:
        if not words:
            return self._box.configuration()
        tables = self._box.tables
        for count in range(len(words), 0, -1):
            path, key = " ".join(words[:count]), words[count:]
            if path in tables and len(key) <= 1:
                if key and key[0] not in tables[path].entries:
                    return NOT_THERE
                return self._box.shown(path, key[0] if key else None)
        return _parse_error(words[-1])

    def _get(self, words: list[str]) -> str:
        table = self._box.tables.get(" ".join(words))
        if table is None or table.kind != "single":
            return _parse_error(words[-1] if words else "get")
        return "".join(f"{name:<20}: {' '.join(table.value('', name))}\n" for name in table.fields)

    def _status(self, words: list[str]) -> str:
        now = self._box.clock.local
        return (
            f"Version: FortiGate-60F v{self._box.version},build3704,260601 (GA.M)\nSecurity Level: High\n"
            f"Serial-Number: {self._box.serials[0]}\nHostname: {self._box.hostname}\nOperation Mode: NAT\n"
            "Current virtual domain: root\nVirtual domains status: 1 in NAT mode, 0 in TP mode\n"
            f"Virtual domain configuration: disable\nFIPS-CC mode: disable\nCurrent HA mode: {self._box.ha_mode}\n"
            f"System time: {now:%a} {write_moment('%b', now)} {now.day:>2} {now:%H:%M:%S %Y}\n"
        )

    def _pair(self, words: list[str]) -> str:
        if self._box.pair == "standalone":
            return "HA Health Status: OK\nModel: FortiGate-60F\nMode: Standalone\n"
        state = self._box.pair
        shown = "".join(
            f"    {member.serials[0]}(updated {seconds} seconds ago): {state}\n    {member.serials[0]} chksum dump: 0b 16 f2 e4\n"
            for seconds, member in enumerate(self._box.members, 2)
        )
        return f"HA Health Status: OK\nModel: FortiGate-60F\nMode: HA A-P\nConfiguration Status:\n{shown}System Usage stats:\n"

    def _ntp(self, words: list[str]) -> str:
        kept = "yes" if self._box.clock.is_kept else "no"
        return f"synchronized: {kept}, ntpsync: enabled, server-mode: disabled\n"

    def _transactions(self, words: list[str]) -> str:
        return f"txn_next_id=8, txn_nr={len(self._box.transactions)}\n"

    def _time(self, words: list[str]) -> str:
        return f"current time is: {self._box.clock.local:%H:%M:%S}\n"

    def _date(self, words: list[str]) -> str:
        return f"current date is: {self._box.clock.local:%Y-%m-%d}\n"

    def _filter(self, kind: str, words: list[str]) -> str:
        now = self._filters[kind]
        if words == ["clear"]:
            now.clear()
        elif not words:
            shown = {"vd": "any"} | {name: now.get(name, "any") for name in FILTERS}
            return "session filter:\n" + "".join(f"\t{name}: {value}\n" for name, value in shown.items())
        elif len(words) == 2 and words[0] in FILTERS:
            now[words[0]] = words[1]
        else:
            return _parse_error(words[0])
        return ""

    def _clear(self, kind: str, words: list[str]) -> str:
        """Forget the sessions that the filter lets through: all of them where there is no filter."""
        now, family = self._filters[kind], 4 if kind == "session" else 6
        self._box.connections[:] = [
            found
            for found in self._box.connections
            if found.family != family
            or found.inward != now.get("sintf", found.inward)
            or found.outward != now.get("dintf", found.outward)
        ]
        return ""


def _into(table: Table, within: Editing | None = None) -> Editing:
    if table.kind == "single":
        return Editing(table, "", dict(table.entries[""]), within)
    return Editing(table, within=within)


InTable = Callable[[FortiSession, Editing, list[str]], str]
IN_TABLE: Mapping[str, InTable] = {
    "config": FortiSession._config_within,
    "edit": FortiSession._edit,
    "set": FortiSession._set,
    "unset": FortiSession._unset,
    "next": FortiSession._next,
    "end": FortiSession._end,
    "abort": FortiSession._abort,
    "delete": FortiSession._delete,
    "move": FortiSession._move,
    "show": FortiSession._show_here,
}
AtTop = Callable[[FortiSession, list[str]], str]
AT_TOP: Mapping[str, AtTop] = {
    "config": FortiSession._config,
    "show": FortiSession._show,
    "get system status": FortiSession._status,
    "get system ha status": FortiSession._pair,
    "get": FortiSession._get,
    "diagnose sys ntp status": FortiSession._ntp,
    "diagnose sys config-transaction show txn-meta": FortiSession._transactions,
    "diagnose sys session filter": lambda session, words: session._filter("session", words),
    "diagnose sys session6 filter": lambda session, words: session._filter("session6", words),
    "diagnose sys session clear": lambda session, words: session._clear("session", words),
    "diagnose sys session6 clear": lambda session, words: session._clear("session6", words),
    "execute time": FortiSession._time,
    "execute date": FortiSession._date,
}
