"""Tells what a point sends to a firewall and what it makes of the answers, in lines, and writes `devices.txt`.

    python -m tests.isolation.nftables.told_devices     writes it anew; read the difference before it is committed

`>` is a call of the point, `<` what it gave back; between them stands all that was sent, as it was sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from islandmode.core.outcome import Reading
from islandmode.isolation.point import ConduitState, Configuration, Facts, PointState
from tests.isolation.nftables.fake_firewall import FakeFirewall, FakePoint, Table, tidy
from tests.isolation.nftables.plant import RUN
from tests.pages import write

PAGE = Path(__file__).with_name("devices.txt")
ONE, TWO = ("corporate-line3",), ("corporate-line3", "corporate-dmz")
DEADLINE_S = 10.0
LONG = 240
OURS, OTHERS = f"by_{RUN}", "by_another-run"
TABLE = "islandmode_corporate_line3"

Call = Callable[[FakePoint, tuple[str, ...]], Awaitable[Reading[Any]]]
CALLS: dict[str, Call] = {
    "facts": lambda point, _: point.facts(DEADLINE_S),
    "configuration": lambda point, _: point.configuration(DEADLINE_S),
    "ready": lambda point, _: point.ready(DEADLINE_S),
    "try_login": lambda point, _: point.try_login(DEADLINE_S),
    "arm": lambda point, conduits: point.arm(conduits, 60.0, DEADLINE_S),
    "isolate": lambda point, conduits: point.isolate(conduits, DEADLINE_S),
    "renew": lambda point, conduits: point.renew(conduits, 45.0, DEADLINE_S),
    "restore": lambda point, conduits: point.restore(conduits, DEADLINE_S),
    "state": lambda point, conduits: point.state(conduits, DEADLINE_S),
}
Step = str | Callable[[FakeFirewall], object]


@dataclass(frozen=True)
class Plot:
    """Calls, and what happens to the device between them."""

    steps: tuple[Step, ...]
    conduits: tuple[str, ...] = ONE
    run: str | None = RUN


def _plot(*steps: Step, conduits: tuple[str, ...] = ONE, run: str | None = RUN) -> Plot:
    return Plot(steps, conduits, run)


def _fails(words: str, why: str) -> Step:
    return lambda device: device.fails.update({words: why})


def _lines(change: Callable[[FakeFirewall, str], str]) -> Step:
    def spoil(device: FakeFirewall) -> None:
        device.on_line = lambda line: change(device, line)

    return spoil


def _answers(question: str, answer: str | None) -> Step:
    """Answer a question in another way; None breaks the link instead."""

    def spoil(device: FakeFirewall) -> None:
        def on_ask(asked: str) -> str | None:
            if not asked.startswith(question):
                return None
            if answer is None:
                raise OSError("the link broke")
            return answer

        device.on_ask = on_ask

    return spoil


def _expire(device: FakeFirewall) -> None:
    for table in device.tables.values():
        table.sets["armed"].clear()


def _slow_by(seconds: float) -> Step:
    def spoil(device: FakeFirewall) -> None:
        # Once for the question, and once for the mark behind it.
        def on_ask(_: str) -> None:
            device.clock.now_us += round(seconds * 1_000_000)

        device.on_ask = on_ask

    return spoil


def _without_tickets(device: FakeFirewall, line: str) -> str:
    if "hold" in line or "delete element" in line:
        for table in device.tables.values():
            table.sets["ticket"].clear()
    return line


def _belongs_to(owner: str) -> Step:
    def spoil(device: FakeFirewall) -> None:
        for table in device.tables.values():
            table.counters = [owner] if owner else []

    return spoil


def _hold_first(_: FakeFirewall, line: str) -> str:
    pair = f'add element inet {TABLE} hold {{ "eth1" . "eth4" }}'
    return f"{line}; {pair}" if line.startswith("create") else line


def _no_rules(_: FakeFirewall, line: str) -> str:
    return "; ".join(part for part in line.split("; ") if "drop" not in part or "outward" not in part)


def _no_timers(_: FakeFirewall, line: str) -> str:
    return re.sub(r" timeout \d+s", "", line)


def _undeletable(_: FakeFirewall, line: str) -> str:
    plain = _no_timers(_, line)
    return "; ".join(part for part in plain.split("; ") if not part.startswith("delete table"))


def _lands_in_part(_: FakeFirewall, line: str) -> str:
    return line.split("; create table ", maxsplit=1)[0] if line.startswith("create") else line


def _takes_nothing(_: FakeFirewall, line: str) -> str:
    return "add table inet islandmode_corporate_line3; delete table inet islandmode_corporate_line3"


def _isolates_nothing(_: FakeFirewall, line: str) -> str:
    return "; ".join(part for part in line.split("; ") if " hold {" not in part or "add set" in part)


def _table_of_another_run(device: FakeFirewall) -> None:
    device.tables[TABLE] = Table(sets={"armed": {}, "hold": {}, "ticket": {}}, counters=[OTHERS])


def _table_of_another_conduit(device: FakeFirewall) -> None:
    device.tables["islandmode_elsewhere"] = Table()


def _table_of_nobody(device: FakeFirewall) -> None:
    device.tables[TABLE] = Table(sets={"armed": {}, "hold": {}, "ticket": {}})


def _gone(device: FakeFirewall) -> None:
    del device.tables[TABLE]


PLOTS: dict[str, Plot] = {
    "the whole life of two conduits": _plot(
        *("facts", "configuration", "ready", "ready", "try_login", "state", "arm", "configuration", "state"),
        *("isolate", "state", "renew", "state", "restore", "restore", "state", "configuration"),
        conduits=TWO,
    ),
    "a firewall that nobody has armed": _plot("isolate", "renew", "restore"),
    "a point that knows no run": _plot("restore", _table_of_another_run, "restore", "arm", "restore", run=None),
    # At the login.
    "no command runs": _plot(_fails("tell host", "1 sh: restricted"), "facts"),
    "facts make no sense": _plot(_fails("tell host", "0 what?"), "facts"),
    "nft is not there": _plot(_answers("list tables", "Error: x"), "facts", "ready", "try_login", "arm"),
    "nft cannot be started": _plot(_fails("nft", "no channel"), "facts", "state", "state", "restore"),
    "nft may not": _plot(
        _answers("list", "Error: cache initialization failed: Operation not permitted"), "facts", "ready", "arm"
    ),
    "what is saved cannot be read": _plot(_fails("[ ! -e", "1 cat: permission denied"), "facts", "configuration"),
    "what is saved has ours": _plot(
        lambda device: setattr(device, "saved", "table inet islandmode_x {\n}\ntable inet site {\n}\n"),
        "facts",
        "configuration",
    ),
    "routes cannot be read": _plot(_fails("route show", "2 RTNETLINK says no"), "facts", "configuration"),
    "the ruleset cannot be read": _plot(_fails("list ruleset", "1 not today"), "configuration"),
    # Arming.
    "another conduit is armed there": _plot(_table_of_another_conduit, "facts", "arm", "configuration"),
    "nothing is listed": _plot(_answers("list tables", "Error: x\nlist tables\n^^^^"), "facts", "try_login"),
    "another run has armed": _plot(_table_of_another_run, "state", "arm", "restore", "state"),
    "something of nobody's stands there": _plot(_table_of_nobody, "state", "arm", "restore", "state"),
    "the device was up for an unknown time": _plot(lambda device: setattr(device, "uptime", ""), "arm"),
    "an arm comes too late": _plot(_fails("IFS=", "75 "), "arm"),
    "an arm fails without a word": _plot(_fails("IFS=", "1 "), "arm"),
    "an arm is refused": _plot(_lines(lambda _, line: line.replace("create table", "delete table")), "arm"),
    "an arm lands in part": _plot(_lines(_lands_in_part), "arm", "restore", conduits=TWO),
    "an arm takes nothing": _plot(_lines(_takes_nothing), "arm"),
    "timers are dropped": _plot(_lines(_no_timers), "arm", "state"),
    "timers are dropped, and nothing is deleted": _plot(_lines(_undeletable), "arm", "state"),
    "something is held already": _plot(_lines(_hold_first), "arm"),
    "a rule is missing": _plot(_lines(_no_rules), "arm"),
    "flows are offloaded": _plot(
        lambda device: setattr(device, "flowtables", ("eth4", "eth9", "eth1")), "arm", "state"
    ),
    "flows elsewhere are offloaded": _plot(lambda device: setattr(device, "flowtables", ("eth9",)), "arm"),
    "the way is slow": _plot("ready", _slow_by(0.3), "arm", "isolate", "renew"),
    "the way is too slow": _plot("ready", _slow_by(0.6), "arm", "state", "isolate"),
    "the link breaks after an arm": _plot("ready", _answers("list table inet", None), "arm"),
    # Isolating and renewing.
    "the timer has ended": _plot("arm", _expire, "state", "isolate", "renew"),
    "an isolate changes nothing": _plot("arm", _lines(_isolates_nothing), "isolate"),
    "the ticket is gone": _plot("arm", _lines(_without_tickets), "isolate", "renew", "restore"),
    "a ticket would live for ever": _plot("arm", _lines(_no_timers), "isolate"),
    "the object is gone": _plot("arm", _gone, "isolate", "renew", "state", "restore", conduits=ONE),
    "another run has taken it": _plot("arm", _belongs_to(OTHERS), "isolate", "renew", "restore", "state"),
    "the link breaks after an isolate": _plot("arm", _answers("list table inet", None), "isolate", "state", "restore"),
    "nft says nothing": _plot("arm", _answers("list", "\x00"), "state", "isolate"),
    "a listing fails": _plot("arm", _answers("list table inet", "Error: no memory"), "state"),
    "a listing makes no sense": _plot("arm", _answers("list table inet", '{"nftables": [1]}'), "state", "restore"),
    # Restoring.
    "one of two is gone": _plot("arm", _gone, "restore", "state", conduits=TWO),
    "its name was taken off": _plot("arm", _belongs_to(""), "restore", "state"),
    "nothing can be deleted": _plot("arm", _lines(_undeletable), "restore", "state"),
    "the kept session fails": _plot("arm", _answers("list table inet", None), "restore"),
}


async def _told(plot: Plot) -> list[str]:
    device = FakeFirewall()
    point = FakePoint(device, plot.conduits, run=plot.run)
    lines = [f"{point.name}: {point.capabilities.arms}, latest {point.capabilities.latest_s} s"]
    for step in plot.steps:
        if not isinstance(step, str):
            step(device)
            continue
        device.tape.clear()
        reading = await CALLS[step](point, plot.conduits)
        lines.append(f"> {step}")
        lines += [f"  {line}" for line in tidy(device.tape)]
        lines += tidy([f"< {_reading(reading)}; late until {point.late_until_us}"])
        lines += [f"  = {line}" for line in _value(reading.value)]
    await point.close()
    return lines


def told(name: str) -> list[str]:
    """Play a plot and tell it; long lines whole in the first one, and elsewhere by their beginning and a digest."""
    lines = anyio.run(_told, PLOTS[name])
    return lines if name == next(iter(PLOTS)) else [_short(line) for line in lines]


def _short(line: str) -> str:
    if len(line) <= LONG:
        return line.rstrip()
    return f"{line[: LONG // 2]}... {hashlib.sha256(line.encode()).hexdigest()[:12]}"


def _reading(reading: Reading[Any]) -> str:
    why = f" ({reading.why})" if reading.why else ""
    return f"{reading.outcome.value}{why}, {reading.asked_us} to {reading.answered_us}"


def _value(value: object) -> Iterator[str]:
    if isinstance(value, PointState):
        yield from (f"{name}: {_conduit(one)}" for name, one in value.conduits.items())
    elif isinstance(value, Facts):
        yield from (
            f"{name}: {said!r}" for name, said in vars(value).items() if name != "firewall" and (said or said is None)
        )
        if value.firewall is not None:
            yield f"firewall: {', '.join(f'{len(part)} {name}' for name, part in vars(value.firewall).items())}"
            yield from (f"unread: {one.what}: {one.why}" for one in value.firewall.unread)
    elif isinstance(value, Configuration):
        yield from (f"{part}: {text!r}" for part, text in value.parts.items())
        yield f"ours: {value.ours}; saved: {value.saved_ours}"


def _conduit(one: ConduitState) -> str:
    if not one.present:
        return "absent"
    counted = None if one.egress is None else f"{sum(one.egress.values())} on {len(one.egress)} ways"
    isolates = "isolating" if one.isolating else "not isolating"
    return f"{'ours' if one.ours else 'not ours'} ({one.owner}), {one.armed_s} s left, {isolates}, counted {counted}"


if __name__ == "__main__":
    write(PAGE, {name: told(name) for name in PLOTS})
