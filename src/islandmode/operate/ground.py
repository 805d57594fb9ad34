"""The ground of a run: the lab or the plant that it stands on. It is recorded in the run, and every rescue reads it from there.

A rehearsal logs in only to devices that this very `lab up` brought up. Any other address in a site file is refused before any
login, because a rehearsal that reaches a real firewall would isolate a real plant. On a plant nothing is drilled yet: `live` is
refused, and what is here opens its isolation points as a restore would.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from islandmode import isolation
from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.core.plan import Plan, PlanPoint
from islandmode.core.rescue import Restorable
from islandmode.isolation.manual.eye import Eye
from islandmode.isolation.point import IsolationPoint
from islandmode.observe.vantage import Vantage
from islandmode.operate.eyes import eye_of
from islandmode.operate.transcripts import Transcripts
from islandmode.operate.unfinished import ground_recorded, lab_of
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab, LabGone, LabUnknown, lab_command
from islandmode.rehearse.lab_place import STATE, LabPlace, lab_named_by
from islandmode.rehearse.processes import still_lives
from islandmode.rehearse.topology import Topology, read_topology
from islandmode.store.active import LAB, PLANT
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.store.rundir import HOST_KEYS, RunDirectory
from islandmode.system.clock import Clock
from islandmode.system.own_program import typed, typed_at
from islandmode.system.secrets import Secrets

FAR_SPOOL = Path("/run/islandmode")


@dataclass(frozen=True)
class Opened:
    """The isolation points that could be made, by name, and why the others could not."""

    points: Mapping[str, IsolationPoint]
    lost: Mapping[str, IslandmodeError]


class Ground(Protocol):
    """Where a run stands."""

    @property
    def kind(self) -> str:
        """LAB or PLANT."""
        ...

    @property
    def workspace(self) -> Path:
        """Folder of the site, the drill and its runs."""
        ...

    @property
    def started_by(self) -> str:
        """Say who starts the workers of its vantages, for the record."""
        ...

    @property
    def lab_name(self) -> str:
        """Name the lab; empty on a plant."""
        ...

    def words(self) -> Mapping[str, Any]:
        """Say which ground this is, for the record of a run; `ground_of` finds it again by them."""
        ...

    def header(self) -> Mapping[str, Any]:
        """Say which ground this is, for the first record of a run's journal."""
        ...

    def kept(self) -> Mapping[str, str]:
        """Give what a rescue of a run needs of this ground and must not have to look for, by the name of its file in the run's folder."""
        ...

    def refuse(self, plan: Restorable) -> None:
        """Raise `Refused` for a plan with a device that is not of this ground; before any login."""
        ...

    def open_points(
        self,
        plan: Restorable,
        clock: Clock,
        run: str | None,
        only: Collection[str] | None = None,
        transcripts: Transcripts | None = None,
    ) -> Opened:
        """Make the plan's isolation points, or `only` some; nothing is contacted yet, secrets are resolved now.

        A point whose secret cannot be had is lost, with the reason, and the others are made.
        """
        ...

    def open_vantages(self, plan: Plan, clock: Clock, run: RunDirectory) -> Mapping[str, Vantage]:
        """Make the plan's vantages; nothing is contacted yet. Raises `Refused` for one that cannot be reached."""
        ...

    def has(self, run: RunDirectory) -> bool:
        """Tell whether a run stands on this ground."""
        ...

    def is_here(self) -> bool:
        """Tell whether this process stands where the ground's devices can be reached."""
        ...

    def go(self, arguments: tuple[str, ...], *, drill: bool) -> int | None:
        """Run this program with these arguments where the devices can be reached; as `Lab.go`."""
        ...

    def ask(self, arguments: tuple[str, ...]) -> int | None:
        """Run this program there as `go` does, and come back with its exit code; None when it ended without its own word."""
        ...

    def stands(self) -> bool | None:
        """Tell whether the ground is still there; None where that cannot be told."""
        ...


@dataclass(frozen=True)
class LabGround:
    """A lab that this machine brought up."""

    workspace: Path
    lab: Lab
    lives_by: Mapping[str, Any]
    """The processes by which the lab lives, found out while its folder was there."""

    @classmethod
    def of(cls, workspace: Path, lab: Lab) -> LabGround:
        """Stand on a running lab."""
        return cls(workspace, lab, lab.lives_by)

    @property
    def kind(self) -> str:
        """Say that it is a lab."""
        return LAB

    @property
    def started_by(self) -> str:
        """Say that the lab's back end starts workers in its nodes."""
        return "lab back end"

    @property
    def lab_name(self) -> str:
        """Name the lab."""
        return self.lab.name

    def words(self) -> Mapping[str, Any]:
        """Say which lab this is."""
        lab = self.lab
        place = {"kind": LAB, "name": lab.name, "state_dir": str(lab.state_dir.resolve())}
        return place | {"identity": lab.identity, "backend": lab.backend, "lives_by": self.lives_by}

    def header(self) -> Mapping[str, Any]:
        """Say which lab this is, and by which processes it lives."""
        lab = self.lab
        return {"lab": lab.identity, "lab_backend": lab.backend, "lab_lives_by": dict(self.lives_by)}

    def kept(self) -> Mapping[str, str]:
        """Give nothing: the lab keeps its host keys itself, and they go with it."""
        return {}

    def refuse(self, plan: Restorable) -> None:
        """Refuse a plan with a device that is not of this lab; compares addresses with the host keys of this `lab up`."""
        lab = self.lab
        for name, point in plan.points.items():
            if point.management is None:
                # Nothing logs in there, and no lab has a person's hands.
                continue
            if str(point.management.address) not in lab.management_addresses:
                known = ", ".join(lab.management_addresses)
                raise Refused(
                    f"{name} at {point.management.address} is not a device of lab {lab.name} from {lab.topology.file} ({known}); "
                    "a rehearsal logs in nowhere else. Point the site's management address at the lab, or drill in another mode."
                )

    def open_points(
        self,
        plan: Restorable,
        clock: Clock,
        run: str | None,
        only: Collection[str] | None = None,
        transcripts: Transcripts | None = None,
    ) -> Opened:
        """Make the plan's isolation points, with the lab's host keys and secrets."""
        secrets = Secrets(self.workspace, lab=self.lab.secret, clock=clock)
        planned = {name: self._as_offered(point) for name, point in plan.points.items() if only is None or name in only}
        return _open(planned, secrets, self.lab.known_hosts, clock, run, transcripts, eye_of(plan))

    def _as_offered(self, point: PlanPoint) -> PlanPoint:
        """Log in as the lab offers it: in user namespaces there is no sudo, and the account is root."""
        if self.lab.login is None or point.login is None:
            return point
        user, become = self.lab.login
        return point.model_copy(update={"login": point.login.model_copy(update={"user": user, "become": become})})

    def open_vantages(self, plan: Plan, clock: Clock, run: RunDirectory) -> Mapping[str, Vantage]:
        """Make the plan's vantages: `here` beside the conductor, every other inside the lab's node that stands for it."""
        from islandmode.observe.process_vantage import ProcessVantage  # noqa: PLC0415 - only where it is needed, as it is slow
        from islandmode.observe.reach import LocalReach  # noqa: PLC0415 - as above

        return {
            name: ProcessVantage(
                name,
                clock=clock,
                far=planned.far,
                reach=LocalReach(
                    # A far worker spools where it stands, as it would on a host of its own.
                    FAR_SPOOL / run.run / name if planned.far else run.samples(name),
                    self.lab.enter(self.lab.topology.vantages[name].name, ()) if planned.far else (),
                    self.lab.environment if planned.far else {},
                ),
                kept=run.samples(name),
            )
            for name, planned in plan.vantages.items()
            if not planned.kit
        }

    def has(self, run: RunDirectory) -> bool:
        """Tell whether a run was rehearsed in this very lab."""
        return bool(self.lab.identity) and ground_recorded(run).get("identity") == self.lab.identity

    def is_here(self) -> bool:
        """Tell whether this process is on the lab's operations host; raises `LabGone` where the lab was taken down."""
        return self.lab.is_here()

    def go(self, arguments: tuple[str, ...], *, drill: bool) -> int | None:
        """Run this program on the lab's operations host."""
        return self.lab.go(arguments, drill=drill)

    def ask(self, arguments: tuple[str, ...]) -> int | None:
        """Run this program on the lab's operations host, and come back."""
        return self.lab.ask(arguments)

    def stands(self) -> bool | None:
        """Tell whether the lab lives, by its processes: a lab whose folder was deleted lives on."""
        return still_lives(self.lives_by)


@dataclass(frozen=True)
class PlantGround:
    """A plant, as its site describes it, from the operations host on which this process runs."""

    workspace: Path
    site: str
    run_keeps: Path | None = None
    """The host keys that a run began with, for a rescue of it; they serve where the workspace has none any more."""

    @property
    def kind(self) -> str:
        """Say that it is a plant."""
        return PLANT

    @property
    def started_by(self) -> str:
        """Say that the conductor itself starts the one worker that it can."""
        return "conductor"

    @property
    def lab_name(self) -> str:
        """Name no lab."""
        return ""

    def words(self) -> Mapping[str, Any]:
        """Say which plant this is."""
        return {"kind": PLANT, "site": self.site}

    def header(self) -> Mapping[str, Any]:
        """Say that this is no lab: a plant does not go away, and with it what is isolated."""
        return {"ground": PLANT}

    def kept(self) -> Mapping[str, str]:
        """Give the host keys: a restore by the run's own plan needs no other file of the inventory."""
        known_hosts = self._known_hosts()
        try:
            return {HOST_KEYS: known_hosts.read_text(encoding="utf-8", errors="replace")}
        except OSError as error:
            raise InputError(f"{known_hosts} cannot be read ({error.strerror}); let this account read it.") from error

    def refuse(self, plan: Restorable) -> None:
        """Refuse nothing: the devices of a plant are those that its site names."""

    def open_points(
        self,
        plan: Restorable,
        clock: Clock,
        run: str | None,
        only: Collection[str] | None = None,
        transcripts: Transcripts | None = None,
    ) -> Opened:
        """Make the plan's isolation points, with the workspace's host keys and secrets."""
        known_hosts = self._known_hosts()
        planned = {name: point for name, point in plan.points.items() if only is None or name in only}
        secrets = Secrets(self.workspace, clock=clock)
        return _open(planned, secrets, known_hosts, clock, run, transcripts, eye_of(plan))

    def _known_hosts(self) -> Path:
        """Find the host keys: the workspace's, so that a key that was taken out of them counts no more; else those that the run kept."""
        for path in (self.workspace / KNOWN_HOSTS, self.run_keeps):
            if path is not None and path.is_file():
                return path
        raise InputError(
            f"There is no {KNOWN_HOSTS} in {self.workspace}, and Islandmode logs in to no device whose host key is unknown; "
            f"`{typed_at(self.workspace, 'devices', 'trust', 'NAME')}` shows the key of an isolation point and writes it there."
        )

    def open_vantages(self, plan: Plan, clock: Clock, run: RunDirectory) -> Mapping[str, Vantage]:
        """Make the vantages: `here` beside the conductor, every other by logging in as the site says; raises `Refused` where it does not."""
        from islandmode.operate.far_vantages import far_vantage  # noqa: PLC0415 - only where it is needed, as it is slow

        secrets = Secrets(self.workspace, clock=clock)
        far = {name: planned.ssh for name, planned in plan.vantages.items() if planned.far}
        secrets.fetch(key for login in far.values() if login is not None for key in login.keys)
        return {
            name: far_vantage(name, planned, clock, run, secrets.resolve, self._known_hosts())
            for name, planned in plan.vantages.items()
            if not planned.kit
        }

    def has(self, run: RunDirectory) -> bool:
        """Tell whether a run of this workspace was on this plant; of other workspaces the device itself is the lock."""
        return run.workspace == self.workspace.resolve() and dict(ground_recorded(run)) == dict(self.words())

    def is_here(self) -> bool:
        """Tell that this process stands where the site's devices are reached: it does on a plant's operations host."""
        return True

    def go(self, arguments: tuple[str, ...], *, drill: bool) -> int | None:
        """Raise: this process is there already."""
        raise RuntimeError("a plant is reached from here")

    def ask(self, arguments: tuple[str, ...]) -> int | None:
        """Raise: this process is there already."""
        raise RuntimeError("a plant is reached from here")

    def stands(self) -> bool | None:
        """Tell that a plant is there, always."""
        return True


def _open(
    planned: Mapping[str, PlanPoint],
    secrets: Secrets,
    known_hosts: Path,
    clock: Clock,
    run: str | None,
    transcripts: Transcripts | None,
    eye: Eye | None,
) -> Opened:
    """Make isolation points; their secrets are fetched before, all at once."""
    logins = [point.login for point in planned.values() if point.login is not None]
    secrets.fetch(each for login in logins for each in (login.password, login.key, login.enable))
    points, lost = {}, dict[str, IslandmodeError]()
    for name, point in planned.items():
        try:
            points[name] = isolation.open_point(
                name,
                point,
                secrets=secrets.resolve,
                known_hosts=known_hosts,
                clock=clock,
                run=run,
                transcript=None if transcripts is None else transcripts.of(name),
                eye=eye,
            )
        except IslandmodeError as error:
            lost[name] = error
    return Opened(points, lost)


def ground_of(directory: RunDirectory, lab: str | None = None) -> Ground:
    """Find the ground of a run by what was recorded of it; raises `InputError` or `LabUnknown` where it cannot be found.

    `lab` is a lab's name, for a run of which no record says where it stood.
    """
    words = ground_recorded(directory)
    if words.get("kind") == PLANT:
        return PlantGround(directory.workspace, str(words.get("site", "")), directory.root / HOST_KEYS)
    found = lab_of(directory)
    if found is not None:
        return LabGround.of(directory.workspace, found)
    if words.get("identity") is not None:
        raise InputError(
            f"its lab cannot be found in {directory.workspace / STATE}; `{typed('lab', 'list')}` says whether it lives, and "
            f"`{typed_at(directory.workspace, 'lab', 'down', '--force')}` ends it, and the isolation with it."
        )
    return lab_ground(directory.workspace, lab or lab_named_by(directory.workspace, directory.plan().drill.site))


def ground_by(workspace: Path, words: Mapping[str, Any]) -> Ground:
    """Find a ground by its own words; raises `LabGone` for a lab taken down since, even if another lab has its name."""
    if words.get("kind") == PLANT:
        return PlantGround(workspace, str(words.get("site", "")))
    name, state_dir = str(words.get("name", "")), Path(str(words.get("state_dir", "")))
    lab = backends.attach(name, state_dir)
    if lab is None or lab.identity != words.get("identity"):
        raise LabGone(name)
    return LabGround.of(workspace, lab)


def lab_ground(workspace: Path, name: str) -> LabGround:
    """Give the running lab of a name; raises `InputError` when it is not running, and `LabUnknown` where its folder is gone."""
    lab = backends.attach(name, workspace / STATE)
    if lab is not None:
        return LabGround.of(workspace, lab)
    if backends.is_orphan(name, workspace / STATE):
        raise LabUnknown(
            f"Lab {name} is up but its folder in {workspace / STATE} is gone: no device in it can be logged in to, and what is "
            f"isolated there stays isolated; `{lab_command('down', name, workspace / STATE)}` ends it, and the isolation with it."
        )
    raise InputError(f"Lab {name} is not running; what was isolated in it is gone with it.")


def attach_or_up(
    workspace: Path, place: LabPlace, topology: Path | None, refuse: Callable[[Topology], None]
) -> tuple[LabGround, bool]:
    """Return the running lab of that name, or bring one up; the flag says that this call brought it up.

    `refuse` raises for a topology that the drill does not fit, before a lab comes up for nothing. A lab that was brought up from
    another file than its site names is used; not if `topology`, a file given by hand, is another.
    """
    name = place.name
    lab = backends.attach(name, workspace / STATE)
    if lab is None:
        file = place.file(workspace)
        refuse(read_topology(file))
        return LabGround.of(workspace, backends.up(file, name=name, state_dir=workspace / STATE)), True
    if topology is not None and lab.topology.file != (workspace / topology).resolve():
        raise InputError(
            f"Lab {name} is up from {lab.topology.file}, not from {topology}; end it with "
            f"`{lab_command('down', name, workspace / STATE)}`, or name another lab with --lab."
        )
    return LabGround.of(workspace, lab), False
