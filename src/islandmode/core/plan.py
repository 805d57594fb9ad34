"""A plan: the drill resolved against the site, with every step, its undo, its timer and exact device lines. Values only.

`planning.make_plan` makes it; approvals bind to `plan_digest`, promotion from lab to plant compares `drill_digest`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from islandmode.core.boundary import UNKNOWN_BOUNDARY, Boundary
from islandmode.core.capabilities import Capabilities
from islandmode.core.drill import Drill
from islandmode.core.frozen import Address, Frozen, Network
from islandmode.core.ledger_receiver import LedgerReceiver
from islandmode.core.live.declared import Declared
from islandmode.core.live.values import IfCut
from islandmode.core.pair import PairMember
from islandmode.core.probe import ModbusProbe, Probe
from islandmode.core.quantities import Day
from islandmode.core.recipe.carried import CarriedRecipe
from islandmode.core.rendering import Rendering
from islandmode.core.site import Hands, IsolationLevel, Login, Management, Option
from islandmode.core.text import share_text
from islandmode.core.vantage_login import VantageLogin

REVIEW = ("if_cut", "reviewed_by", "reviewed_on", "cut_accepted_by")
"""What stands in the plan of a flow only where somebody reviewed it."""


class DyingFlow(Frozen):
    """A declared flow that dies in a stage, its owner, and how much of it a severed probe covers.

    `covered` is the share, 0 to 1, of the flow's distinct parts that some severed probe tries; a part is a source, a destination
    and a service as they are listed, and what another entry contains counts once. `sampled` says that a covered part is a
    network or has several ports, of which a probe tries only some.
    """

    flow: str
    conduit: str
    owner: str
    service: str
    purpose: str = ""
    covered: float
    sampled: bool = False
    probes: tuple[str, ...]
    if_cut: IfCut | None = None
    """What its loss does at worst; None where nobody reviewed that."""
    reviewed_by: str | None = None
    reviewed_on: Day | None = None
    cut_accepted_by: str | None = None
    """Who accepted that a live drill cuts it although its loss is a legal matter."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the review out where the flow has no review, so that plans of an earlier version keep their digest."""
        return {name: value for name, value in write(self).items() if name not in REVIEW or value is not None}

    @property
    def review_told(self) -> str:
        """Say what its loss does, who says so and since when."""
        if self.if_cut is None:
            return "not reviewed"
        accepted = f"; cut accepted by {self.cut_accepted_by}" if self.cut_accepted_by else ""
        return f"{self.if_cut} (reviewed by {self.reviewed_by} on {self.reviewed_on}{accepted})"

    @property
    def watched_whole(self) -> bool:
        """Tell whether severed probes try all of it, and not only some hosts of a network or ports of a range."""
        return self.covered >= 1 and not self.sampled

    @property
    def cover(self) -> str:
        """Say how much of it the severed probes try."""
        if not self.probes:
            return "not watched"
        return f"{share_text(self.covered)}{', sampled' if self.sampled else ''}"


class Step(Frozen):
    """One isolation point's part in one stage."""

    point: str
    conduits: tuple[str, ...]
    isolate: tuple[str, ...]
    undo: tuple[str, ...]
    timer_s: float


class ClosedWay(Frozen):
    """A direction of a conduit, in one address family, for which the allow-list permits nothing and that no probe crosses.

    No probe could be good there before a drill, so the drill does not test it: it is closed by rule, as the site declares.
    """

    conduit: str
    direction: Literal["inward", "outward"]
    family: Literal[4, 6]

    @property
    def told(self) -> str:
        """Name it."""
        return f"{self.conduit} {self.direction} over IPv{self.family}"


class PlanStage(Frozen):
    """One stage, resolved. `isolated` includes the conduits of earlier stages; `dead` and `alive` are probe names during its hold.

    `closed` are the ways of its conduits that are closed by rule, and not tested.
    """

    name: str
    hold_s: float
    conduits: tuple[str, ...]
    isolated: tuple[str, ...]
    steps: tuple[Step, ...]
    dying_flows: tuple[DyingFlow, ...]
    closed: tuple[ClosedWay, ...] = ()
    dead: tuple[str, ...]
    alive: tuple[str, ...]


TAKES_BACK = {
    "own": "",
    "commit": "the whole commit, other people's edits in it too",
    "everything": "everything that was changed since, other people's edits too",
}
"""What a device's timer takes back beside the isolation."""
WHERE_GIVEN = (
    "management",
    "login",
    "options",
    "lost_edits_accepted_by",
    "no_timer_accepted_by",
    "recipe",
    "networks",
    "by_hand",
    "pair",
)
"""What stands in the plan of a point only where there is any, so that plans of an earlier version keep their digest."""


class PlanPoint(Frozen):
    """One isolation point, resolved; `conduits` are those that this drill isolates on it, `between` their outer and inner zones."""

    platform: str
    management: Management | None = None
    """None, as the login is, for a device that a person isolates by hand."""
    login: Login | None = None
    interfaces: dict[str, tuple[str, ...]]
    options: dict[str, Option] = Field(default_factory=dict)
    """What only its platform needs to know; it stands in a plan only where something is given, so that other plans keep their digest."""
    conduits: tuple[str, ...]
    between: dict[str, tuple[str, str]]
    rendering: Rendering
    capabilities: Capabilities
    lost_edits_accepted_by: str | None = None
    """Who accepted that the device's timer takes back other people's edits too; None where it takes back the isolation only."""
    no_timer_accepted_by: str | None = None
    """Who accepted that nothing on the device restores by itself; None where its timer does, and for a device that a person isolates (`by_hand`)."""
    recipe: CarriedRecipe | None = None
    """The recipe that wrote the lines, whole: what restores by this plan looks for no file. None where the platform is code."""
    networks: dict[str, tuple[Network, ...]] = Field(default_factory=dict)
    """The networks of the zones in `between`, which lines of a recipe may name; empty where the platform is code."""
    by_hand: Hands | None = None
    """What a person does on it; None where Islandmode does it."""
    pair: PairMember | None = None
    """The pair of which it is a member; None where it stands alone."""
    level: IsolationLevel = "deny"
    """Whether isolating takes its outer interfaces down; it stands in a plan only where it does, so that other plans keep their digest."""

    @model_validator(mode="after")
    def _is_the_recipe_that_wrote_the_lines(self) -> PlanPoint:
        used = self.rendering.recipe
        carried = None if self.recipe is None else (self.recipe.recipe, self.recipe.version)
        if carried != (None if used is None else (used.name, used.version)):
            raise ValueError("expected the recipe that wrote the lines")
        return self

    @model_serializer(mode="wrap")
    def _leave_out_what_goes_without_saying(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        without = {name for name in WHERE_GIVEN if not getattr(self, name)}
        without |= {"level"} if self.level == "deny" else set()
        return {name: value for name, value in write(self).items() if name not in without}

    @property
    def place(self) -> str:
        """Say where it is found: at the address at which it is managed, or where a person finds it."""
        return (
            str(self.management.address) if self.management is not None else self.by_hand.where if self.by_hand else ""
        )

    @property
    def goes_down(self) -> tuple[str, ...]:
        """Name the interfaces that isolating takes down; none where it only denies."""
        if self.level != "hard":
            return ()
        outer = (zones[0] for zones in self.between.values())
        return tuple(dict.fromkeys(name for zone in outer for name in self.interfaces.get(zone, ())))

    @property
    def level_told(self) -> str:
        """Say what isolating does to its interfaces."""
        if self.level == "deny":
            return "deny: every interface stays up"
        down = " and ".join(self.goes_down) or "an interface"
        return f"hard: {down} goes down while isolated; the routes and addresses that are lost by that are compared before and after"

    @property
    def mended_as(self) -> str:
        """Say as whom a saved configuration is mended, for a sentence about the command; empty where the card says with which rights."""
        return "" if self.recipe is not None else ", as root"

    @property
    def isolates_unarmed(self) -> bool:
        """Tell whether a line that comes late may isolate again after a restore: the device does not hold it against an armed object."""
        return self.capabilities.arms != "before" or (self.recipe is not None and self.recipe.cycle != "own-timer")

    @property
    def takes_back_told(self) -> str:
        """Say what the device's timer takes back beside the isolation, and who accepted that; empty where it is nothing."""
        more = TAKES_BACK[self.capabilities.reverts]
        return more and f"its timer takes back {more} (accepted by {self.lost_edits_accepted_by or 'nobody'})"


class PlanProbe(Frozen):
    """One probe, resolved. `zone` is its host's; `crosses` names the conduit on its path, if any, or that its other way leads round."""

    probe: Probe
    zone: str
    role: Literal["continuity", "severed", "interlock", "backlog"]
    crosses: str | None
    direction: Literal["inward", "outward", "inside"]
    family: Literal[4, 6]

    @property
    def through(self) -> str | None:
        """Name the conduit that it goes through; None by an other way, which leads round it."""
        return self.crosses if self.probe.by is None else None

    @property
    def how_told(self) -> str:
        """Say by which other way it goes, and what its target stands for; empty where neither is so."""
        by = f"by {self.probe.by}" if self.probe.by is not None else ""
        asks = f"asks {self.probe.asked_told}" if self.probe.stands_for is not None else ""
        return ", ".join(filter(None, (by, asks)))

    def called(self, name: str) -> str:
        """Name it where only whether it is good is shown: of an interlock, good means that it reads one number, and nothing runs by that."""
        if self.role == "interlock" and isinstance(self.probe, ModbusProbe):
            return f"{name}={self.probe.minimum}"
        return name


class PlanVantage(Frozen):
    """One vantage that this drill uses. A `far` vantage cannot be heard in at least one hold, so it is not listened to during the run."""

    zone: str
    address: tuple[Address, ...]
    far: bool
    ssh: VantageLogin | None = None
    """How it is logged in to on a plant; None where the site does not say."""
    kit: bool = False
    """Whether a person carries its worker there, starts it and brings back what it saw; the run does not contact it."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `ssh` and `kit` out where the site does not say them, so that plans of an earlier version keep their digest."""
        return {name: value for name, value in write(self).items() if name not in ("ssh", "kit") or value}

    @model_validator(mode="before")
    @classmethod
    def _leave_out_the_node(cls, found: Any) -> Any:
        """Read a plan of the version before this one, which had a lab's node here; the topology says that now."""
        return {name: value for name, value in found.items() if name != "node"} if isinstance(found, dict) else found


class Plan(Frozen):
    """Everything a run will do, as a value."""

    format: Literal[1] = 1
    drill: Drill
    drill_digest: str
    plan_digest: str
    stages: tuple[PlanStage, ...]
    points: dict[str, PlanPoint]
    probes: dict[str, PlanProbe]
    vantages: dict[str, PlanVantage]
    zones: dict[str, tuple[Network, ...]] = Field(default_factory=dict)
    """The networks of every zone of the site, which tell on which side an address stands; a plan of an earlier version has none."""
    conduits: tuple[str, ...]
    """Every conduit that some stage isolates, in order."""
    dead_man_s: float
    """Length of the device timer at arm and at every renewal."""
    hold_s: float
    """Sum of the stages' holds."""
    boundary: Boundary = UNKNOWN_BOUNDARY
    """Every conduit across the boundary of what is isolated, and what of it stays open; unknown in a plan of an earlier version."""
    ledger_receiver: LedgerReceiver | None = Field(default=None, exclude_if=lambda given: given is None)
    """Who off this host acknowledges the ledger's line before a run arms; it stands in a plan only where the site names one."""
    declared: Declared | None = Field(default=None, exclude_if=lambda given: given is None)
    """What the site declares of the services to ask for, its backups and what keeps a conduit closed; it stands in a plan only where it does."""

    @property
    def kits(self) -> tuple[str, ...]:
        """Name the vantages whose worker a person carries there."""
        return tuple(name for name, vantage in self.vantages.items() if vantage.kit)

    @property
    def kit_run(self) -> str:
        """Give what a kit for this plan writes into its spool in place of a run, which has no name yet when it is written."""
        return f"kit-{self.plan_digest[:32]}"

    @property
    def pairs(self) -> dict[str, tuple[str, ...]]:
        """Name the members of every pair that this drill isolates."""
        found: dict[str, tuple[str, ...]] = {}
        for name, point in self.points.items():
            if point.pair is not None:
                found[point.pair.pair] = (*found.get(point.pair.pair, ()), name)
        return found
