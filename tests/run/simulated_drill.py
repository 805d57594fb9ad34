"""A small drill for the simulated world: three zones, two isolated conduits, every direction and family probed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from islandmode.core.conduit import Conduit
from islandmode.core.drill import AbortRule, Drill, Limits, ReturnStep, Service, Stage
from islandmode.core.egress import ways_of
from islandmode.core.plan import Plan
from islandmode.core.planning.plan_drill import make_plan
from islandmode.core.probe import CanaryProbe, ModbusProbe, Probe, TcpProbe
from islandmode.core.rendering import Rendering, StageLines
from islandmode.core.site import Login, LostEdits, Management, Site, SitePoint, VantagePoint, Zone
from islandmode.simulate.kinds import KINDS, OWN_TIMER
from islandmode.simulate.person import Habit, draw_habit, with_hand

ZONES = {"vendors": (5.0, 15), "corporate": (4.0, 10), "dmz": (3.5, 20), "line3": (2.0, 40)}
CONDUITS = {"remote-access": "vendors", "corporate-line3": "corporate", "dmz-line3": "dmz"}
STAGES = {"vendors": "remote-access", "corporate": "corporate-line3"}
FAR = {"vendor": "vendors", "office": "corporate", "historian": "dmz"}

OFTEN = 20
"""How many times as often as any other kind the plain one is drawn."""
SELDOM = 0.1
"""How often a person stands where a second device would."""
HAND = "vendor-firewall"
"""Where a person stands in place of a device, if one does."""
COUNT = frozenset(name for name, kind in KINDS.items() if kind.device.gives_tickets)
"""Those with objects of their own count what still leaves them, as nftables does."""


@dataclass(frozen=True)
class Shape:
    """What may differ between simulated drills."""

    holds_s: tuple[float, float] = (3.0, 4.0)
    dead_man_s: float = 30.0
    two_points: bool = False
    renewable: bool = True
    sample_every_s: float = 0.2
    one_stage: bool = False
    granularity_s: float = 0.001
    kind: str = OWN_TIMER
    """Which of `KINDS` every device is."""
    in_order: bool = False
    """Whether the corporate conduit comes back before the vendors'."""
    word_within_s: float | None = None
    """How long a person's word is waited for before the vendors come back; None where none is."""
    habit: Habit | None = None
    """Of the person who isolates at `HAND` in place of a device, if one does."""

    @classmethod
    def of(cls, kind: str, **more: Any) -> Shape:
        """Give a drill that fits a kind of device."""
        fits = KINDS[kind]
        able = fits.capabilities()
        plain = {
            "dead_man_s": fits.dead_man_s,
            "sample_every_s": fits.sample_every_s,
            "one_stage": fits.one_stage,
            "granularity_s": able.granularity_s,
        }
        return cls(**plain | {"kind": kind} | more)


def draw_shape(dice: random.Random) -> Shape:
    """Draw a drill: with or without renewals, one device or two, of every kind; the plain kind most often."""
    kind = dice.choices(tuple(KINDS), [OFTEN if name == OWN_TIMER else 1 for name in KINDS])[0]
    fits, plain = KINDS[kind], kind == OWN_TIMER
    renewable, two_points = dice.random() < 0.8, dice.random() < 0.5
    # A device that cannot renew needs a dead-man longer than the whole drill.
    dead_man_s = dice.choice((8.0, 12.0, 30.0)) if plain and renewable else max(60.0, fits.dead_man_s)
    return Shape.of(
        kind,
        holds_s=dice.choice(((3.0, 4.0), (2.0, 2.5), (6.0, 1.0))),
        dead_man_s=dead_man_s,
        two_points=two_points,
        renewable=renewable,
        one_stage=dice.random() < 0.25 or (fits.one_stage and not two_points),
    )


def with_person(shape: Shape, dice: random.Random) -> Shape:
    """Draw whether a person stands where a drill of the plain kind has a second device, and what that person is like."""
    if shape.kind != OWN_TIMER or not shape.two_points or dice.random() > SELDOM:
        return shape
    return replace(shape, habit=draw_habit(dice), dead_man_s=120.0, sample_every_s=0.5)


def make(shape: Shape | None = None) -> Plan:
    """Plan the simulated drill by the product's own planning."""
    return _planned(shape or Shape())


@cache
def _planned(shape: Shape) -> Plan:
    # A plan is a value: thousands of seeds share the few dozen that the shapes give.
    probes = _probes()
    site = _site(shape)
    plan = make_plan(
        _drill(shape, probes), site, probes, {name: _rendering(name, shape, site) for name in site.isolation_points}
    )
    return plan if shape.habit is None else with_hand(plan, HAND)


def _address(zone: str, host: int, family: int) -> str:
    net = ZONES[zone][1]
    return f"10.{net}.0.{host}" if family == 4 else f"fd10:{net}::{host}"


def _site(shape: Shape) -> Site:
    zones = {
        name: Zone(
            level=level,
            owner=f"{name} owner",
            networks=(ip_network(f"10.{net}.0.0/24"), ip_network(f"fd10:{net}::/64")),
        )
        for name, (level, net) in ZONES.items()
    }
    conduits = {name: Conduit(between=(outer, "line3"), owner=f"{name} owner") for name, outer in CONDUITS.items()}
    parts = {HAND: ("remote-access",), "line-firewall": ("corporate-line3",)}
    points = parts if shape.two_points else {"conduit-firewall": ("remote-access", "corporate-line3")}
    hosts = {"here": ("line3", 30), **{name: (zone, 10) for name, zone in FAR.items()}}
    return Site(
        site="simulated",
        zones=zones,
        conduits=conduits,
        isolation_points={
            name: SitePoint(
                platform=shape.kind,
                management=Management(address=ip_address(f"10.40.0.{number}"), zone="line3"),
                login=Login(user="islandmode"),
                interfaces={"vendors": ("eth1",), "corporate": ("eth2",), "line3": ("eth3",)},
                isolates=isolates,
                renewable=shape.renewable,
                accept_lost_edits=_accepted(shape),
            )
            for number, (name, isolates) in enumerate(points.items(), start=1)
        },
        vantages={
            name: VantagePoint(
                zone=zone, address=(ip_address(_address(zone, host, 4)), ip_address(_address(zone, host, 6)))
            )
            for name, (zone, host) in hosts.items()
        },
    )


def _accepted(shape: Shape) -> LostEdits | None:
    """Have lost edits accepted where the timer of this kind of device takes back more than the isolation."""
    return None if KINDS[shape.kind].capabilities().reverts == "own" else LostEdits(accepted_by="the device's owner")


def _probes() -> dict[str, Probe]:
    probes: dict[str, Probe] = {
        f"plc-{host}": ModbusProbe(
            kind="modbus", vantage="here", target=ip_address(f"10.40.0.{host}"), changes_within=1.0
        )
        for host in (50, 51)
    }
    probes["historian-view"] = TcpProbe(kind="tcp", vantage="here", target=ip_address("10.20.0.10"), port=8080)
    for family in (4, 6):
        for vantage, zone in (("vendor", "vendors"), ("office", "corporate")):
            inside, outside = ip_address(_address("line3", 50, family)), ip_address(_address(zone, 10, family))
            probes[f"{vantage}-in-v{family}"] = TcpProbe(kind="tcp", vantage=vantage, target=inside, port=502)
            probes[f"{vantage}-out-v{family}"] = TcpProbe(kind="tcp", vantage="here", target=outside, port=8080)
    for vantage in ("vendor", "office"):
        target = ip_address("10.40.0.50")
        probes[f"{vantage}-canary"] = CanaryProbe(kind="canary", vantage=vantage, target=target, port=502)
    return probes


def _drill(shape: Shape, probes: dict[str, Probe]) -> Drill:
    continuity = ("plc-50", "plc-51", "historian-view")
    return Drill(
        drill="simulated-isolation",
        site="simulated",
        service=Service(name="line 3", target="goes on"),
        stages=_stages(shape),
        limits=Limits(
            isolate_within=KINDS[shape.kind].isolate_within_s,
            restore_within=KINDS[shape.kind].restore_within_s,
            dead_man=shape.dead_man_s,
            longest_ot_gap=1.0,
            undo_tier="B",
        ),
        continuity=continuity,
        severed=tuple(name for name in probes if name not in continuity),
        abort_when=(AbortRule(probe="plc-50", bad_for=2.0),),
        sample_every=shape.sample_every_s,
        settle=1.5,
        restore_order=_order(shape),
    )


def _order(shape: Shape) -> tuple[ReturnStep, ...]:
    if not shape.in_order:
        return ()
    last = ReturnStep(restore=("remote-access",), by_word=shape.word_within_s is not None, within=shape.word_within_s)
    return ReturnStep(restore=("corporate-line3",)), last


def with_order(shape: Shape, dice: random.Random) -> Shape:
    """Draw whether a drill gives its conduits back in an order, and whether it waits for a person's word."""
    able = shape.two_points or shape.kind == OWN_TIMER
    if not able or shape.habit is not None or dice.random() > SELDOM:
        return shape
    word = dice.choice((None, 2.0))
    # A device that cannot renew needs a dead-man longer than the whole drill, waits for a word included.
    dead_man_s = max(shape.dead_man_s, 60.0, 3 * KINDS[shape.kind].restore_within_s)
    return replace(shape, in_order=True, word_within_s=word, dead_man_s=dead_man_s)


def _stages(shape: Shape) -> tuple[Stage, ...]:
    if shape.one_stage:
        return (Stage(name="everything", isolate=tuple(STAGES.values()), hold=sum(shape.holds_s)),)
    return tuple(
        Stage(name=name, isolate=(conduit,), hold=hold)
        for (name, conduit), hold in zip(STAGES.items(), shape.holds_s, strict=True)
    )


def _rendering(name: str, shape: Shape, site: Site) -> Rendering:
    # A device that isolates by one commit counts nothing here: platforms of both kinds must be judged truthfully.
    counts, kind = shape.kind in COUNT, KINDS[shape.kind]
    interfaces = site.isolation_points[name].interfaces
    # What a recipe says of itself stands.
    said = {} if kind.recipe else {"undo_tier": "A" if counts else "B", "witness": "egress" if counts else "none"}
    return Rendering(
        point=name,
        platform=shape.kind,
        conduits=tuple(STAGES.values()),
        arm=("arm",),
        stages=tuple(
            StageLines(stage=stage.name, conduits=stage.isolate, isolate=("isolate",)) for stage in _stages(shape)
        ),
        renew=("renew",),
        restore=("restore",),
        capabilities=kind.capabilities(renewable=shape.renewable, granularity_s=shape.granularity_s, **said),
        ways={conduit: ways_of(site, conduit, interfaces) for conduit in STAGES.values()} if counts else {},
    )
