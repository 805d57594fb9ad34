"""What stands in a recipe's file: how one kind of device isolates, renews and restores, line by line, and what is known of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from islandmode.core.frozen import Frozen
from islandmode.core.quantities import DRIVER_PATTERN, Name, Seconds, Words, as_tuple
from islandmode.core.recipe.grounded import Grounded, Key, Pattern, Sent, Source
from islandmode.core.recipe.of_pair import OfPair
from islandmode.core.site import Covered, IsolationLevel

Cycle = Literal["own-timer", "clock", "pending", "none"]
Each = Literal[
    "point",
    "conduit",
    "outer-interface",
    "inner-interface",
    "interface-pair",
    "outer-network4",
    "inner-network4",
    "network4-pair",
    "outer-network6",
    "inner-network6",
    "network6-pair",
    "management4",
    "management6",
]
Gives = Literal[
    "in-place", "isolating", "starts", "ends", "left", "started", "length", "owner", "pending", "count", "changer"
]
Calls = Literal["login", "arm", "isolate", "renew", "read", "restore"]


class Answer(Frozen):
    """What is answered when the device asks something back."""

    on: Pattern = Field(description="What the device asks.", examples=[r"\[confirm\]"])
    send: str = Field(description="What is answered.", examples=["y"])


class Line(Grounded):
    """One line that is sent, after the prompt of the one before it has come."""

    send: Sent = Field(description="The line, with placeholders in braces.", examples=['edit "{object}"'])
    must: Pattern | None = Field(
        default=None,
        description="What its answer must show, or nothing more of the step is sent.",
        examples=["sintf: {outer_interface}"],
    )
    must_not: Pattern | None = Field(
        default=None,
        description="What its answer must not show, or nothing more of the step is sent.",
        examples=["deny ip"],
    )
    answers: Annotated[tuple[Answer, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="What is answered where the device asks back; whatever else it asks makes the step unknown.",
    )


class Group(Frozen):
    """Lines of a step that belong together, sent once or once for each of something."""

    each: Each = Field(
        default="conduit",
        description="For what the lines are sent: once for the whole `point`, or for each of a conduit's things. `management4` and "
        "`management6`: for each inner network of a conduit, if the device is managed at an address of that family that a deny of the conduit would meet: an "
        "outer network holds it, though it is another zone's.",
        examples=["interface-pair"],
    )
    family: Literal[4, 6] | None = Field(
        default=None,
        description="Sent only where a conduit has networks of this address family at both ends.",
        examples=[6],
    )
    lines: Annotated[tuple[Line, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="The lines, in order."
    )


Step = Annotated[tuple[Group, ...], BeforeValidator(as_tuple)]


class Need(Grounded):
    """Something that must be so before a drill, found by a command that changes nothing."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["get system ha status"])
    must: Pattern | None = Field(default=None, description="What the answer must show.", examples=["standard"])
    must_not: Pattern | None = Field(default=None, description="What it must not show.", examples=["out-of-sync"])
    code: Name = Field(description="A short name of the need, for records.", examples=["pair-out-of-sync"])
    say: Words = Field(
        description="What is wrong if it is not so, and what to do; the point's name stands before it.",
        examples=["has a pair that is out of step; bring it in step first"],
    )


class Held(Grounded):
    """How the device tells that another session has locked its configuration, so that it takes no line of a drill."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["show configuration lock"])
    free: Pattern = Field(
        description="What shows that no session has. An answer that shows neither this nor `by`, or that is refused, is told as not seen, and "
        "keeps from no drill.",
        examples=[r"^State *: *FREE"],
    )
    by: Pattern = Field(
        description="What shows that a session has; groups in parentheses, where there are any, name its login.",
        examples=[r"^User *: *(\S+)[\s\S]+State *: *LOCKED"],
    )
    refused: Pattern = Field(
        description="What shows that the device refused a line for that; groups in parentheses, where there are any, name the login.",
        examples=[r"^Configuration mode is locked by .*user '(\S+)'"],
    )
    say: Words = Field(
        description="What is so then, going on after *it*; the login comes behind it.",
        examples=["is locked for configuration"],
    )
    remedy: Words = Field(
        description="What to do, as an order: it is said at preflight, where a line is refused, and on the card.",
        examples=["type there: clear configuration lock"],
    )


class Find(Frozen):
    """One thing that an answer shows."""

    gives: Gives = Field(
        description="What it tells. `in-place`: the deny that was provisioned is there; `isolating`: it drops now; `starts` and `ends`: the "
        "window of a clock recipe; `left`, `started` and `length`: of a timer; `owner`: whose it is; `pending`: a change waits; "
        "`changer`: who made the newest change, and from where; `count`: packets. Found in several reads, all of them must show it; of `left` the least counts.",
        examples=["ends"],
    )
    pattern: Pattern = Field(
        description="What shows it. Groups in parentheses, joined by a space, are its value.",
        examples=[r"set end (\S+ \S+)"],
    )
    absent: bool = Field(
        default=False, description="Whether the thing is told by the pattern not being found.", examples=[True]
    )
    format: str | None = Field(
        default=None,
        description="How a moment is written: %Y %m %b %B %d %e %H %M %S, as `date` has them.",
        examples=["%H:%M %Y/%m/%d"],
    )
    units: Literal["s", "min", "h", "told"] = Field(
        default="s",
        description="The unit of `left` and of `length`; `told` where it stands beside each number, as in 1h4m52s, or between colons, as in 1:04:52.",
        examples=["min"],
    )


class Read(Grounded):
    """A command that changes nothing, and what its answer shows."""

    ask: Sent = Field(
        description="A command that changes nothing.", examples=['show firewall schedule onetime "{object}"']
    )
    each: Each = Field(default="conduit", description="For what it is asked and read.", examples=["network4-pair"])
    family: Literal[4, 6] | None = Field(
        default=None, description="Asked only where a conduit has networks of this address family.", examples=[6]
    )
    whole: Pattern = Field(
        description="What every whole answer shows, whatever it says; without it the answer is unknown, never taken for absence.",
        examples=["^end$"],
    )
    finds: Annotated[tuple[Find, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="What the answer shows."
    )


class Reads(Frozen):
    """How the device is looked at."""

    state: Annotated[tuple[Read, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="Whether it isolates, whose that is, and its timer."
    )
    counts: Annotated[tuple[Read, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="What it has counted, as `witness` says."
    )


class Part(Grounded):
    """A part of the device's configuration, read before and after a drill."""

    part: Key = Field(description="Name of the part; `saved` is what a restart loads.", examples=["running"])
    ask: Sent = Field(description="A command that changes nothing.", examples=["show running-config"])
    whole: Pattern = Field(
        description="What every whole answer shows; without it the configuration is unknown.", examples=["^end$"]
    )


class Changed(Grounded):
    """A line that a candidate may add to the configuration when it isolates, or take away when it restores."""

    each: Each = Field(default="conduit", description="For what there is such a line.", examples=["interface-pair"])
    family: Literal[4, 6] | None = Field(
        default=None, description="Only where a conduit has networks of this address family.", examples=[6]
    )
    pattern: Pattern = Field(
        description="What the whole line looks like, without the mark before it and the spaces around it.",
        examples=["table inet {object} \\{"],
    )


class DeviceTime(Grounded):
    """How the device tells its own time, in local time."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["show clock detail"])
    pattern: Pattern = Field(
        description="What shows the time; groups in parentheses are joined by a space.", examples=[r"System time: (.+)"]
    )
    format: str = Field(description="How it is written.", examples=["%H:%M:%S %b %d %Y"])


class Version(Grounded):
    """How the device tells its version, and which are known."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["get system status"])
    pattern: Pattern = Field(description="What shows it, in one group.", examples=[r"v(\d+\.\d+\.\d+)"])
    proved: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="Versions on which it was tried, by how they begin. Any other is refused for live.",
        examples=[["7.4"]],
    )
    refused: Annotated[tuple[RefusedVersion, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="Versions that must not be used."
    )


class Serial(Grounded):
    """How the device tells its serial number."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["get system status"])
    pattern: Pattern = Field(description="What shows it, in one group.", examples=[r"Serial-Number: (\S+)"])


class RefusedVersion(Grounded):
    """A version with a fault that keeps it from being used."""

    match: Pattern = Field(description="What the version shows.", examples=[r"^7\.2\.[0-3]$"])
    why: Words = Field(description="What is wrong with it.", examples=["does not end a schedule in time"])


class NameForm(Frozen):
    """A name of an object on the device."""

    form: Annotated[str, StringConstraints(min_length=1, max_length=60)] = Field(
        description="The name, with {conduit} in it.", examples=["islandmode_{conduit}"]
    )
    most: Annotated[int, Field(ge=1, le=255)] = Field(
        description="How many characters the device takes.", examples=[31]
    )


class OptionForm(Frozen):
    """What a site must say of a device under `options`; it is a placeholder too."""

    means: Words = Field(
        description="What is to be said there, in words that follow the option's name.",
        examples=["the access list that is bound inward"],
    )
    form: Pattern = Field(description="What a whole value looks like.", examples=["[A-Za-z][A-Za-z0-9_-]{0,62}"])
    family: Literal[4, 6] | None = Field(
        default=None, description="Needed only where a conduit has networks of this address family.", examples=[6]
    )


class Timer(Frozen):
    """The timer that takes an isolation back."""

    shown: Literal["remaining", "until", "started-and-length", "nothing"] = Field(
        description="What the device shows of a running timer: what is left of it, the moment when it ends, or when it began and how long it is.",
        examples=["until"],
    )
    least: Seconds = Field(description="The shortest that it takes.", examples=["1 min"])
    most: Seconds = Field(description="The longest that it takes.", examples=["2 h"])
    grain: Seconds = Field(description="The step in which it is set.", examples=["1 min"])
    shown_in: Seconds | None = Field(
        default=None, description="The step in which it is shown; as it is set, if left out.", examples=["1 s"]
    )
    lag: Seconds | None = Field(
        default=None,
        description="How long after its end the device may still isolate; nothing, if left out.",
        examples=["1 min"],
    )
    renewable: bool = Field(description="Whether it can be set again while it runs.", examples=[True])


NO_TIMER = Timer.model_construct(
    shown="nothing", least=0.0, most=0.0, grain=0.0, shown_in=None, lag=None, renewable=False
)
"""Stands for the timer of a device that ends nothing by itself."""


class Late(Grounded):
    """How long a line that was given up may still act, where nothing in the line itself ends that."""

    at_most: Seconds = Field(description="The longest that it can take.", examples=["30 s"])


class CardLook(Frozen):
    """What a person types to see whether a restore by hand worked."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["show time-range {object}"])
    must_show: Sent | None = Field(
        default=None, description="Words that its answer must have.", examples=["(inactive)"]
    )
    must_not_show: Sent | None = Field(
        default=None, description="Words that its answer must not have.", examples=["(active)"]
    )
    otherwise: Words = Field(
        description="What to do where it is not so.", examples=["Type the lines again, letter by letter."]
    )


class Card(Frozen):
    """What the card says to a person at the device's console, beside the lines of `restore`."""

    become: Words = Field(
        description="With which rights to log in.",
        examples=["Log in as an administrator with write access to schedules."],
    )
    looks: Annotated[tuple[CardLook, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="How to see that it worked, for each conduit."
    )
    last_resort: Words = Field(
        description="What to do where the lines do not help.", examples=["Disable the policies that use the schedule."]
    )
    mend_saved: Sent | None = Field(
        default=None,
        description="What is typed, once the device is at rest, where somebody saved it while it was not; left out where nothing is saved apart.",
        examples=["copy running-config startup-config"],
    )


class Plays(Frozen):
    """Which steps are Ansible plays. Each of their lines names a playbook, and what it is given: `playbooks/isolate.yml table={object}`."""

    steps: Annotated[tuple[Literal["arm", "isolate", "renew"], ...], BeforeValidator(as_tuple), Field(min_length=1)] = (
        Field(
            description="The steps whose lines are plays. What restores is always a line of the device.",
            examples=[["arm", "isolate"]],
        )
    )
    facts: Sent | None = Field(
        default=None,
        description="A play that changes nothing, run before anything is armed: whether Ansible can log in and do its work there.",
        examples=["playbooks/facts.yml"],
    )
    texts: dict[str, str] = Field(
        default_factory=dict,
        description="The playbooks themselves, as a plan carries them; never written in a file.",
        examples=[{"playbooks/isolate.yml": "- hosts: all"}],
    )


class Recipe(Frozen):
    """A way of isolating as data. Every line says where it is from, and how sure that is."""

    recipe: Name = Field(description="Name, as a site writes it under `platform`.", examples=["fortios-schedule"])
    version: Annotated[int, Field(ge=1)] = Field(description="Counted up with every change.", examples=[1])
    title: Words = Field(description="What it is, for people.", examples=["FortiOS: a schedule on denies at rest"])
    driver: Annotated[str, Field(pattern=DRIVER_PATTERN)] = Field(
        description="What speaks to the device, and its name of the device's kind.", examples=["netmiko:fortinet"]
    )
    sources: Annotated[dict[Key, Source], Field(min_length=1)] = Field(
        description="Where what is said here is written, by a key.", examples=[{"cli": {"what": "CLI reference"}}]
    )
    cycle: Cycle = Field(
        description="How its timer works: `own-timer`, an object with a timer of its own; `clock`, a deny that ends at a time of the device's "
        "clock; `pending`, one change that goes back unless it is confirmed; `none`, nothing on the device ends an isolation: undo tier D, which a site "
        "must accept.",
        examples=["clock"],
    )
    undo_tier: Literal["A", "B", "C", "D"] = Field(
        description="How strong its undo is. A: a timer of its own object, counted from now. B: by the clock, or of more than our object.",
        examples=["B"],
    )
    reverts: Literal["own", "commit", "everything"] = Field(
        description="What its timer takes back: its own object, the commit it came with, or every change since.",
        examples=["own"],
    )
    further: Literal["keeps", "confirms"] = Field(
        default="keeps",
        description="What a further change does to what waits already: it stays under the timer, or loses it for good.",
        examples=["keeps"],
    )
    lock: Literal["atomic", "checked", "device"] = Field(
        description="What keeps two machines from arming one conduit: the device, because making the object twice fails; only a look before, "
        "which leaves a race that the plan tells of; or that the whole device has one pending change.",
        examples=["checked"],
    )
    level: IsolationLevel = Field(
        default="deny",
        description="What isolating does to the device: `deny` leaves its interfaces up, `hard` takes those towards the outer zone down. A site must ask "
        "for the same level.",
        examples=["deny"],
    )
    families: Annotated[tuple[Literal[4, 6], ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="The address families that it isolates.", examples=[[4, 6]]
    )
    covers: Annotated[tuple[Covered, ...], BeforeValidator(as_tuple)] = Field(
        description="What stops passing: what the device forwards, what ends on itself, what comes out of its tunnels.",
        examples=[["forward", "to_device", "vpn"]],
    )
    not_covered: Words | None = Field(
        default=None,
        description="What goes on all the same, in words for the plan; needed where `covers` leaves something out.",
        examples=["what the device itself sends"],
    )
    witness: Literal["egress", "denies", "none"] = Field(
        description="What the device counts: what still leaves across the conduit, only what it dropped, or nothing.",
        examples=["denies"],
    )
    denies_with: Literal["silence", "refusal"] = Field(
        default="silence", description="Whether the deny answers in the target's name.", examples=["silence"]
    )
    cuts_established: Literal["itself", "after-flush", "no"] = Field(
        description="Whether connections that are open stop passing: with the isolation, once `flush` was sent, or not.",
        examples=["after-flush"],
    )
    atomic_stage: bool = Field(
        description="Whether a step for several conduits lands for all of them or for none.", examples=[False]
    )
    after_restart: Literal["gone", "stays", "reverts", "unknown"] = Field(
        description="What a restart of the device makes of an isolation.", examples=["stays"]
    )
    after_failover: Literal["isolates", "passes", "unknown"] = Field(
        description="What the other member of a pair does with an isolation that was made on this one. `unknown` is refused for live.",
        examples=["unknown"],
    )
    timer: Timer | None = Field(
        default=None, description="The timer that takes an isolation back; needed for every cycle but `none`."
    )
    late: Late | None = Field(
        default=None,
        description="How long a line that was given up may still act; needed where its lines carry no end of their own and refer to nothing "
        "that has one: for `pending`, and where nothing is armed.",
    )
    calls: dict[Calls, Seconds] = Field(
        default_factory=dict,
        description="How long a call may take, the way and the device together; as for nftables, if left out.",
        examples=[{"isolate": "8 s", "restore": "6 s"}],
    )
    works: dict[Literal["arm", "isolate", "renew", "restore"], Seconds] = Field(
        default_factory=dict,
        description="How long the device works on a change before that takes effect: a commit.",
        examples=[{"isolate": "60 s"}],
    )
    names: Annotated[dict[Key, NameForm], Field(min_length=1)] = Field(
        description="Names of objects on the device, each a placeholder; `object` is the one that stands for a conduit.",
        examples=[{"object": {"form": "islandmode_{conduit}", "most": 31}}],
    )
    options: dict[Key, OptionForm] = Field(
        default_factory=dict, description="What a site must say of such a device, each a placeholder."
    )
    versions: Version = Field(description="How the device tells its version, and which are known.")
    serial: Serial | None = Field(
        default=None, description="How the device tells its serial number, by which a bench's record knows it again."
    )
    device_time: DeviceTime | None = Field(
        default=None, description="How the device tells its own time; needed where its clock is what ends an isolation."
    )
    needs: Annotated[tuple[Need, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="What must be so before a drill."
    )
    held: Held | None = Field(
        default=None,
        description="How it is seen that another session has locked the device's configuration; not looked at, if left out.",
    )
    pair: OfPair | None = Field(
        default=None,
        description="How a member of a pair tells its role, and whether the pair is in sync; without, a pair of such devices is refused for live.",
    )
    provision: Step = Field(
        default=(),
        description="What a person enters once, under change control: a deny that is at rest. Nothing of it is ever sent.",
    )
    provision_note: Words | None = Field(
        default=None,
        description="What the lines of `provision` cannot do by themselves, and the person must.",
        examples=["Move both policies to the top of their interface pairs."],
    )
    keep_closed: Step = Field(
        default=(),
        description="What a person enters beside the drill's denies on a day when a drill turns real: denies without an end, of names that "
        "nothing else in the recipe uses. Nothing of it is ever sent, and no restore takes it back.",
    )
    plays: Plays | None = Field(default=None, description="Which steps Ansible carries out; none, if left out.")
    arm: Step = Field(default=(), description="Makes ready; traffic still passes.")
    isolate: Annotated[Step, Field(min_length=1)] = Field(
        description="Isolates, and refers to what `arm` has made ready."
    )
    renew: Step = Field(default=(), description="Sets the timer of what isolates again.")
    flush: Step = Field(default=(), description="Ends connections that are open; sent with the isolation.")
    restore: Annotated[Step, Field(min_length=1)] = Field(
        description="Lets traffic pass again. It is printed on the card, so that it has no value that only a run knows, and names nothing by a number."
    )
    stand_in: Pattern | None = Field(
        default=None,
        description="The line of the running configuration that is the stand-in of a bench itself: an object of the kind that `arm` and `isolate` "
        "write, which nothing refers to. Any other line with its name refers to it, and then nothing is benched.",
        examples=['^ *edit "{object}" *$'],
    )
    take_away: Step = Field(
        default=(),
        description="Removes the stand-in of a bench, and is sent for nothing else; needed with `stand_in`.",
    )
    by_hand: Step = Field(
        default=(),
        description="What a person types at the device's console to restore, where the lines of `restore` are a candidate configuration.",
    )
    difference: Annotated[tuple[Changed, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="What a line may be by which the candidate differs from the configuration; a candidate that holds anything else, such as "
        "somebody's uncommitted edit, is not committed.",
    )
    errors: Annotated[tuple[Pattern, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="What shows that the device refused a line.", examples=[["^Command fail"]]
    )
    already: Annotated[tuple[Pattern, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="What shows that a line of `restore` found nothing to do; it is looked for before `errors`.",
        examples=[["entry is not found"]],
    )
    reads: Reads = Field(description="How the device is looked at.")
    card: Card = Field(description="What a person needs who restores the device by hand.")
    configuration: Annotated[tuple[Part, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="How its configuration is read, to compare it before and after. Without, a verdict is at best inconclusive.",
    )
    comparable: Annotated[tuple[Pattern, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="Lines of its configuration that it changes by itself.",
        examples=[["^ntp clock-period"]],
    )
    moving: Annotated[tuple[Pattern, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="What of a line of its configuration the device changes by itself, such as the age of a route; only the rest of the line is "
        "compared.",
        examples=[[", [0-9:]+$"]],
    )

    @property
    def ends_by(self) -> Timer:
        """Give the timer that ends an isolation, or what stands for no timer."""
        return self.timer or NO_TIMER


Version.model_rebuild()
Recipe.model_rebuild()

STEPS = ("provision", "keep_closed", "arm", "isolate", "renew", "flush", "restore", "by_hand", "take_away")
"""The steps of a recipe, by their field."""


def step_of(recipe: Recipe, name: str) -> tuple[Group, ...]:
    """Give the groups of a step."""
    found: tuple[Group, ...] = getattr(recipe, name)
    return found
