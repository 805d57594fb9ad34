"""The card: one printable page with the commands, per device, to restore a plant by hand.

It is the last layer: for somebody who is tired, whose screens are dark, and who never saw this tool. So it needs no
run-time value, no network and no explanation. Whatever it says twice (how many commands, which names must be gone) lets
the reader notice that a copy is damaged.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.plan import DyingFlow, Plan, PlanPoint
from islandmode.core.probe import CanaryProbe, IcmpProbe
from islandmode.core.text import how_many
from islandmode.isolation.by_hand import ByHand, Look
from islandmode.isolation.table import by_hand
from islandmode.ui.card_style import STYLE

CARD, TITLE = "card.html", "Restore by hand"
LINE_PT, LETTER_EM = 455.0, 0.61
"""Room for a command within the margins of A4 and Letter, and the width of a letter of its type."""
LARGEST_PT, MANY_PT, SMALLEST_PT = 14.0, 11.0, 8.0
FEW = 3
HEAD_BYTES = 400
"""How much of a file is looked at for the title of a card, so that no other file is ever overwritten by one."""
BY_ITSELF = {
    "A": "It restores by itself, by a timer of its own that needs nobody, at most {limit} after {since}.",
    "B": "It restores by itself, by a timer of its own, at most {limit} after {since}, and a little more on a slow device.",
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


def render_card(plan: Plan, run: str | None = None, *, at: TypedAt, lab: bool = False) -> str:
    """Write the card as one HTML document; without a run it is valid for every run of the plan."""
    lab = lab or _only_in_lab(plan)
    parts = [
        _head(plan, run, at, lab=lab),
        _calls(plan),
        # A page each, so that a device's page can hang beside the device.
        *(_device(plan, number, name, at if lab else None) for number, name in enumerate(plan.points, 1)),
    ]
    running = f'<p class="running">{_running(plan, run, lab=lab)}</p>'
    # The table makes browsers repeat its head on every printed page, so that a loose page still says what it is.
    body = f'<table class="page"><thead><tr><td>{running}</td></tr></thead><tbody><tr><td>{"".join(parts)}</td></tr></tbody></table>'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{TITLE}: {escape(plan.drill.site)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def write_plan_card(plan: Plan, path: Path, at: TypedAt) -> None:
    """Write the card of a plan and say where it is; on standard error, since standard output may be for a machine."""
    try:
        if path.exists() and TITLE.encode() not in path.read_bytes()[:HEAD_BYTES]:
            raise InputError(f"{path} is there already and is no card; name another file for the card.")
        path.write_text(render_card(plan, at=at), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The card {path} cannot be written ({error.strerror}); name a file that you may write."
        ) from None
    print(f"The card for restoring by hand is {path}; print it, and keep it where the devices are.", file=sys.stderr)


def _only_in_lab(plan: Plan) -> bool:
    """Tell a lab's plan by its secrets: a reference to a lab's secret can be resolved nowhere else."""
    logins = [point.login for point in plan.points.values()]
    return any((secret or "").startswith("lab:") for login in logins for secret in (login.password, login.key))


def _running(plan: Plan, run: str | None, *, lab: bool) -> str:
    words = ["LAB"] if lab else []
    words += [f"restore {plan.drill.site} by hand", run or plan.drill.drill, f"plan {plan.plan_digest[:12]}"]
    return escape(" · ".join(words))


def _head(plan: Plan, run: str | None, at: TypedAt, *, lab: bool) -> str:
    drill = plan.drill
    restore = at.command("restore", run) if run else at.command("restore", "--drill", drill.drill)
    facts = (
        ("Plant", escape(drill.site)),
        ("Drill", escape(drill.drill)),
        ("Run", escape(run) if run else "any run of this plan"),
        ("Valid for", f"plan digest <code>{escape(plan.plan_digest)}</code>"),
        ("Devices", escape(", ".join(plan.points))),
        ("Workspace", f"{escape(str(at.workspace.absolute()))}, on the operations host"),
        ("While isolated", escape(plan.boundary.told)),
    )
    return (
        f"{'<p class=lab>LAB: a rehearsal, not the plant</p>' if lab else ''}<h1>{TITLE}: {escape(drill.site)}</h1>"
        f"{_facts(facts)}"
        "<p>Use this when the plant stays isolated and nobody restores it, or when a screen says STRANDED.</p>"
        '<p class="box"><strong>Isolated on purpose, because of an attack?</strong> Then do not restore before the people '
        "below agree.</p>"
        "<ol><li><strong>If the operations host answers</strong>, type there, in any folder: "
        f"{_for_host(restore)} If it does not say <em>restored</em> or <em>restoration was seen</em> within a minute, go on.</li>"
        f"<li><strong>By hand:</strong> do what the next pages say, a page for each device ({how_many(len(plan.points), 'device')}). "
        "The commands remove only what Islandmode made. Typed twice, in another order, or with nothing isolated, they do "
        f"no harm. {_afterwards(plan, at)}</li>"
        "<li><strong>Tell</strong> the people below, whether it worked or not.</li></ol>"
    )


def _for_host(command: tuple[str, str]) -> str:
    return f'<code class="host">{" ".join(f"<span>{escape(part)}</span>" for part in command)}</code>'


def _afterwards(plan: Plan, at: TypedAt) -> str:
    """Say what may still isolate: the card can be read before a run has armed anything, and its commands remove what is there."""
    end = f"end it, where it can be reached, with {_for_host(at.command('abort'))}"
    if all(point.capabilities.arms == "before" for point in plan.points.values()):
        return f"A drill that has begun to isolate cannot isolate again after them. One that only prepares can: {end}"
    return f"A drill that still runs may isolate again in its next stage: {end}"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return f'<dl class="facts">{"".join(f"<dt>{key}</dt><dd>{value}</dd>" for key, value in facts)}</dl>'


def _device(plan: Plan, number: int, name: str, lab: TypedAt | None) -> str:
    point = plan.points[name]
    hands = by_hand(point)
    zones = (f"{conduit} ({' to '.join(point.between[conduit])})" for conduit in point.conduits)
    facts = (
        ("Platform", escape(point.platform)),
        ("Model, place", '<span class="blank"></span>'),
        ("Address", escape(f"{point.management.address} (managed from zone {point.management.zone})")),
        ("Isolates", escape(", ".join(zones))),
        ("If nobody acts", escape(_by_itself(plan, point))),
    )
    return (
        # A table for its head again: a device with many conduits needs more than a page, and each must name it.
        f'<table class="device"><thead><tr><td><h2>Device {number} of {len(plan.points)}: {escape(name)}</h2></td></tr>'
        "</thead><tbody><tr><td>"
        f"{_facts(facts)}<h3>1. Get on its console</h3>{_console(name, point, hands, lab)}"
        f"<h3>2. Type {how_many(len(hands.commands), 'command')}, with Enter after each</h3>{_commands(hands)}"
        f"<h3>3. See that it worked: type, and try</h3><ul>{''.join(_look(look) for look in hands.looks)}{_paths(plan, point)}</ul>"
        f"<h3>4. Only if that did not help</h3><p>{escape(hands.last_resort)}</p>"
        "</td></tr></tbody></table>"
    )


def _by_itself(plan: Plan, point: PlanPoint) -> str:
    able = point.capabilities
    since = "Islandmode last set the timer" if able.renewable else "the drill began to isolate"
    text = BY_ITSELF[able.undo_tier].format(limit=_duration(plan.dead_man_s + able.late_s), since=since)
    return text if able.undo_tier == "D" else f"{text} You need not wait for it."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds:g} s"
    return f"{minutes} min" if not rest else f"{minutes} min {rest} s"


def _console(name: str, point: PlanPoint, hands: ByHand, lab: TypedAt | None) -> str:
    if lab is not None:
        shell = lab.command("lab", "shell", "--lab", lab.lab, name)
        return f"<p>In the lab, from the machine that it is on: {_for_host(shell)}</p>"
    far = (
        f' Or, from a machine in zone {escape(point.management.zone)}: <code class="console">{escape(hands.console)}</code>'
        if hands.console
        else ""
    )
    return f"<p>Screen and keyboard at the device, or its serial console.{far}</p><p>{escape(hands.become)}</p>"


def _commands(hands: ByHand) -> str:
    commands = tuple(_parts(command, hands.breaks_after) for command in hands.commands)
    listed = "".join(f"<li><code>{_breakable(parts)}</code></li>" for parts in commands)
    longest = max((len(part) for parts in commands for part in parts), default=1)
    largest_pt = LARGEST_PT if len(hands.commands) <= FEW else MANY_PT
    size_pt = max(SMALLEST_PT, min(largest_pt, LINE_PT / (longest * LETTER_EM)))
    broken = any(len(parts) > 1 for parts in commands)
    lines = " Where a command is printed over two lines, Enter between them does no harm." if broken else ""
    return f'<ol class="type" style="font-size:{size_pt:.1f}pt">{listed}</ol><p>{escape(hands.answer)}{lines}</p>'


def _parts(command: str, breaks_after: str) -> list[str]:
    """Take a command apart where a line may end, if it may anywhere."""
    if not breaks_after:
        return [command]
    parts = command.split(breaks_after)
    return [*(f"{part}{breaks_after}" for part in parts[:-1]), parts[-1]]


def _breakable(parts: list[str]) -> str:
    return "".join(f"<span>{escape(part.rstrip())}</span>{' ' * part.endswith(' ')}" for part in parts)


def _look(look: Look) -> str:
    names = ", ".join(f"<code>{escape(name)}</code>" for name in look.must_not_show)
    return (
        f'<li><code class="look">{escape(look.command)}</code> must NOT show {names}. '
        f"If it does: {escape(look.otherwise)}</li>"
    )


def _paths(plan: Plan, point: PlanPoint) -> str:
    """Name one connection across each conduit that a person can try."""
    listed = []
    for conduit in point.conduits:
        path = next(_connections(plan, conduit), None)
        if path is not None:
            listed.append(f"<li>{escape(conduit)} passes: {escape(path)}.</li>")
    return "".join(listed)


def _connections(plan: Plan, conduit: str) -> Iterator[str]:
    for planned in plan.probes.values():
        probe, vantage = planned.probe, plan.vantages.get(planned.probe.vantage)
        if planned.crosses == conduit and vantage is not None and not isinstance(probe, CanaryProbe):
            source = next((one for one in vantage.address if one.version == planned.family), "")
            service = "ping" if isinstance(probe, IcmpProbe) else f"TCP {probe.port}"
            yield f"{probe.vantage} ({source}) reaches {probe.target}, {service}"


def _calls(plan: Plan) -> str:
    flows = tuple(flow for stage in plan.stages for flow in stage.dying_flows)
    rows = "".join(
        f"<tr><td>{escape(owner)}</td><td>{_theirs(flow for flow in flows if flow.owner == owner)}</td><td></td></tr>"
        for owner in dict.fromkeys(flow.owner for flow in flows)
    )
    blank = "<tr><td>On call</td><td></td><td></td></tr>"
    return (
        '<h2>Whom to call</h2><table class="call"><thead><tr><th>Who</th><th>What of theirs is dead while isolated</th>'
        f"<th>Telephone: write it in today</th></tr></thead><tbody>{rows}{blank}</tbody></table>"
    )


def _theirs(flows: Iterable[DyingFlow]) -> str:
    told = (
        f"{flow.flow}, {flow.service}, on {flow.conduit}{': ' * bool(flow.purpose)}{flow.purpose}" for flow in flows
    )
    return "<br>".join(escape(one) for one in told)
