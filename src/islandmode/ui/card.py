"""The card: one printable page with the commands, per device, to restore a plant by hand.

It is the last layer: for somebody who is tired, whose screens are dark, and who never saw this tool. So it needs no
run-time value, no network and no explanation. Whatever it says twice (how many commands, which names must be gone) lets
the reader notice that a copy is damaged.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from islandmode.core.drill import Mode
from islandmode.core.errors import InputError
from islandmode.core.live.losses import closings_told, is_reviewed, rank, services_told
from islandmode.core.plan import DyingFlow, Plan, PlanPoint
from islandmode.core.probe import CanaryProbe, IcmpProbe
from islandmode.core.text import how_many
from islandmode.isolation.by_hand import ByHand
from islandmode.isolation.table import by_hand
from islandmode.operate.audience import OnCard
from islandmode.ui.templates import page

CARD, TITLE = "card.html", "Restore by hand"
LINE_PT, LETTER_EM = 455.0, 0.61
"""Room for a command within the margins of A4 and Letter, and the width of a letter of its type."""
LARGEST_PT, MANY_PT, SMALLEST_PT = 14.0, 11.0, 8.0
FEW = 3
IDLE = "idle, as the drill declares: it shows nothing of production"
HEAD_BYTES = 400
"""How much of a file is looked at for the title of a card, so that no other file is ever overwritten by one."""
BY_ITSELF = {
    "A": "It restores by itself, by a timer of its own that needs nobody, at most {limit} after {since}.",
    "B": "It restores by itself, by a timer of its own, at most {limit} after {since}.",
    "C": "Only the guardian on the operations host restores it, {limit} after {since}; if that host is dead, NOTHING does.",
    "D": "NOTHING restores it but you.",
}


@dataclass(frozen=True)
class TypedAt:
    """Where the card's commands for the operations host are typed: there, in any folder and shell."""

    workspace: Path
    program: str
    """The program by its path: who reads the card may have another account's shell."""
    lab: str

    def command(self, *words: str) -> tuple[str, str]:
        """Write a command in two parts; a shell takes the second on a line of its own too."""
        return f"cd {shlex.quote(str(self.workspace.absolute()))} &&", " ".join(
            (self.program, *map(shlex.quote, words))
        )


@dataclass(frozen=True)
class Device:
    """One device's page: how to get on it, what to type there, and how to see that it worked."""

    name: str
    platform: str
    address: str
    zone: str
    """From where it is managed; empty for a device that a person isolates by hand."""
    isolates: str
    pair: str
    """With which other devices it must be restored; empty where it stands alone."""
    level: str
    """What isolating does to it beside denying traffic; empty where it only denies."""
    by_itself: str
    shell: tuple[str, str] | None
    """What opens a shell on it from the lab's machine; nothing in a plant."""
    hands: ByHand
    commands: tuple[tuple[str, ...], ...]
    """Each in the parts between which a line may end."""
    type_pt: str
    paths: tuple[tuple[str, str], ...]

    @property
    def to_do(self) -> str:
        """Say what is to be done, and how many lines that is, so that a copy that lost one is noticed."""
        in_order = ", in this order" if self.hands.in_order and len(self.commands) > 1 else ""
        if not self.hands.is_typed:
            return f"Do {how_many(len(self.commands), 'step')}{in_order}"
        return f"Type {how_many(len(self.commands), 'command')}, with Enter after each{in_order}"

    @property
    def is_broken(self) -> bool:
        """Tell whether any command may be printed over two lines."""
        return any(len(parts) > 1 for parts in self.commands)


def render_card(
    plan: Plan,
    run: str | None = None,
    *,
    at: TypedAt,
    lab: bool = False,
    ledger: str = "",
    said: OnCard | None = None,
) -> str:
    """Write the card as one HTML document; without a run it is valid for every run of the plan.

    `ledger` is its checkpoint; `said` is what it says of the run itself.
    """
    lab, drill = lab or _only_in_lab(plan), plan.drill
    devices = tuple(_device(plan, name, at if lab else None) for name in plan.points)
    running = ("LAB", *_running(plan, run)) if lab else _running(plan, run)
    return page(
        "card.html",
        title=TITLE,
        site=drill.site,
        drill=drill.drill,
        run=run,
        running=" · ".join(running),
        lab=lab,
        live=said is not None and said.mode == Mode.LIVE.value,
        loud=() if said is None else said.loud,
        plan_digest=plan.plan_digest,
        ledger=ledger,
        workspace=at.workspace.absolute(),
        boundary=plan.boundary.told,
        idle=IDLE if drill.is_idle else "",
        closings=closings_told(plan),
        keep_closed=at.command("keep-closed", run or "last", "CONDUIT", "--by", "NAME"),
        services=tuple(f"{service}: {told}" for service, told, cut in services_told(plan) if cut),
        worst_first=is_reviewed(plan),
        restore=at.command("restore", run) if run else at.command("restore", "--drill", drill.drill),
        abort=at.command("abort"),
        # It can be read before a run has armed anything, and its commands remove what is there.
        cannot_again=not any(point.isolates_unarmed for point in plan.points.values()),
        how_many_devices=how_many(len(plan.points), "device"),
        devices=devices,
        harmless=_harmless(devices),
        calls=tuple(_calls(plan)),
    )


def _harmless(devices: tuple[Device, ...]) -> str:
    """Say what the commands leave alone, and how they may be typed."""
    if not any(device.hands.in_order for device in devices):
        return "The commands remove only what Islandmode made. Typed twice, in another order, or with nothing isolated, they do no harm."
    people = "" if all(device.hands.is_typed for device in devices) else ", the steps only what people did"
    return f"The commands take back only what Islandmode did{people}. Done twice, or with nothing isolated, they do no harm; keep the order on each page."


def write_plan_card(plan: Plan, path: Path, at: TypedAt, ledger: str) -> None:
    """Write the card of a plan and say where it is; on standard error, since standard output may be for a machine."""
    try:
        if path.exists() and TITLE.encode() not in path.read_bytes()[:HEAD_BYTES]:
            raise InputError(f"{path} is there already and is no card; name another file for the card.")
        path.write_text(render_card(plan, at=at, ledger=ledger), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The card {path} cannot be written ({error.strerror}); name a file that you may write."
        ) from None
    print(f"The card for restoring by hand is {path}; print it, and keep it where the devices are.", file=sys.stderr)


def _only_in_lab(plan: Plan) -> bool:
    """Tell a lab's plan by its secrets: a reference to a lab's secret can be resolved nowhere else."""
    logins = [point.login for point in plan.points.values() if point.login is not None]
    return any((secret or "").startswith("lab:") for login in logins for secret in (login.password, login.key))


def _running(plan: Plan, run: str | None) -> tuple[str, ...]:
    return f"restore {plan.drill.site} by hand", run or plan.drill.drill, f"plan {plan.plan_digest[:12]}"


def _device(plan: Plan, name: str, lab: TypedAt | None) -> Device:
    point = plan.points[name]
    hands = by_hand(point)
    commands = tuple(_parts(command, hands.breaks_after) for command in hands.commands)
    return Device(
        name=name,
        platform=point.platform,
        address=point.place,
        zone=point.management.zone if point.management is not None else "",
        isolates=", ".join(f"{conduit} ({' to '.join(point.between[conduit])})" for conduit in point.conduits),
        pair=""
        if point.pair is None
        else f"{point.pair.pair}: restore {' and '.join(point.pair.others)} too, whichever carries the traffic",
        level=point.level_told if point.level == "hard" else "",
        by_itself=_by_itself(plan, point),
        shell=lab.command("lab", "shell", "--lab", lab.lab, name) if lab is not None and hands.is_typed else None,
        hands=hands,
        commands=commands,
        type_pt=f"{_type_pt(commands):.1f}",
        paths=tuple(_paths(plan, point)),
    )


def _by_itself(plan: Plan, point: PlanPoint) -> str:
    able = point.capabilities
    since = "Islandmode last set the timer" if able.renewable else "the drill began to isolate"
    person = point.by_hand.person if point.by_hand is not None else None
    if person is not None:
        return f"{BY_ITSELF['D']} {person.name} ({person.position}; {person.reached}) was asked to isolate it, and is to restore it."
    text = BY_ITSELF[able.undo_tier].format(limit=_duration(plan.dead_man_s + able.late_s), since=since)
    if point.takes_back_told and able.undo_tier in ("A", "B"):
        return f"{text} Do not wait for it: {point.takes_back_told}."
    return text if able.undo_tier == "D" else f"{text} You need not wait for it."


def _duration(seconds: float) -> str:
    # Rounded up: what is said to be the longest must not be too short.
    minutes, rest = divmod(ceil(seconds), 60)
    if not minutes:
        return f"{seconds:g} s"
    return f"{minutes} min" if not rest else f"{minutes} min {rest} s"


def _type_pt(commands: tuple[tuple[str, ...], ...]) -> float:
    """Choose the size of the type: as large as the longest part of a line fits, and smaller where there are many."""
    longest = max((len(part) for parts in commands for part in parts), default=1)
    largest_pt = LARGEST_PT if len(commands) <= FEW else MANY_PT
    return max(SMALLEST_PT, min(largest_pt, LINE_PT / (longest * LETTER_EM)))


def _parts(command: str, breaks_after: str) -> tuple[str, ...]:
    """Take a command apart where a line may end, if it may anywhere."""
    if not breaks_after:
        return (command,)
    parts = command.split(breaks_after)
    return (*(f"{part}{breaks_after}" for part in parts[:-1]), parts[-1])


def _paths(plan: Plan, point: PlanPoint) -> Iterator[tuple[str, str]]:
    """Name one connection across each conduit that a person can try."""
    for conduit in point.conduits:
        path = next(_connections(plan, conduit), None)
        if path is not None:
            yield conduit, path


def _connections(plan: Plan, conduit: str) -> Iterator[str]:
    for planned in plan.probes.values():
        probe, vantage = planned.probe, plan.vantages.get(planned.probe.vantage)
        if planned.through == conduit and vantage is not None and not isinstance(probe, CanaryProbe):
            source = next((address for address in vantage.address if address.version == planned.family), "")
            service = "ping" if isinstance(probe, IcmpProbe) else f"TCP {probe.port}"
            yield f"{probe.vantage} ({source}) reaches {probe.asked_told}, {service}"


def _calls(plan: Plan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name every owner of flows that are dead while isolated, with those flows."""
    theirs: dict[str, list[DyingFlow]] = {}
    # The worst first: with little time to call, the owners who lose most are called.
    for flow in sorted((flow for stage in plan.stages for flow in stage.dying_flows), key=rank):
        theirs.setdefault(flow.owner, []).append(flow)
    for owner, flows in theirs.items():
        yield owner, tuple(_told(flow) for flow in flows)


def _told(flow: DyingFlow) -> str:
    severity = f"{flow.if_cut}: " if flow.if_cut is not None else ""
    return f"{severity}{flow.flow}, {flow.service}, on {flow.conduit}{': ' * bool(flow.purpose)}{flow.purpose}"
