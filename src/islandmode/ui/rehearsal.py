"""A rehearsal's surroundings: the lab, the operations host's network, and edges that reach nothing else.

A rehearsal logs in only to devices that this very `lab up` brought up. Whatever else a site file points at is refused
before any login, because a rehearsal that reaches a real firewall would isolate a real plant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from islandmode import isolation
from islandmode.core.errors import InputError, Refused
from islandmode.core.plan import Plan, PlanPoint
from islandmode.core.rescue import Restorable
from islandmode.isolation.point import IsolationPoint
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.vantage import Vantage
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab, lab_command
from islandmode.rehearse.topology import Topology, read_topology
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock
from islandmode.system.secrets import Secrets
from islandmode.ui.lab_place import STATE, LabPlace

FAR_SPOOL = Path("/run/islandmode")


def attach_or_up(
    workspace: Path, place: LabPlace, topology: Path | None, refuse: Callable[[Topology], None]
) -> tuple[Lab, bool]:
    """Return the running lab of that name, or bring one up; the flag says that this call brought it up.

    `refuse` raises for a topology that the drill does not fit, before a lab comes up for nothing. A lab that was brought up from another file than its site names is used; not if `topology`, a file given by hand, is another.
    """
    name = place.name
    lab = backends.attach(name, workspace / STATE)
    if lab is None:
        file = place.file(workspace)
        refuse(read_topology(file))
        return backends.up(file, name=name, state_dir=workspace / STATE), True
    if topology is not None and lab.topology.file != (workspace / topology).resolve():
        raise InputError(
            f"Lab {name} is up from {lab.topology.file}, not from {topology}; end it with "
            f"`{lab_command('down', name, workspace / STATE)}`, or name another lab with --lab."
        )
    return lab, False


def refuse_strangers(plan: Restorable, lab: Lab) -> None:
    """Refuse a plan with a device that is not of this lab; compares addresses with the host keys of this `lab up`."""
    for name, point in plan.points.items():
        if str(point.management.address) not in lab.management_addresses:
            known = ", ".join(lab.management_addresses)
            raise Refused(
                f"{name} at {point.management.address} is not a device of lab {lab.name} from {lab.topology.file} ({known}); a "
                "rehearsal logs in nowhere else. Point the site's management address at the lab, or drill in another mode."
            )


def open_points(
    plan: Restorable, lab: Lab, workspace: Path, clock: Clock, run: str | None
) -> Mapping[str, IsolationPoint]:
    """Make the plan's isolation points; nothing is contacted yet, secrets are resolved now."""
    secrets = Secrets(workspace, lab=lab.secret)
    return {
        name: isolation.open_point(
            name, _with_login(point, lab), secrets=secrets.resolve, known_hosts=lab.known_hosts, clock=clock, run=run
        )
        for name, point in plan.points.items()
    }


def _with_login(point: PlanPoint, lab: Lab) -> PlanPoint:
    """Log in as the lab offers it: in user namespaces there is no sudo, and the account is root."""
    if lab.login is None:
        return point
    user, become = lab.login
    return point.model_copy(update={"login": point.login.model_copy(update={"user": user, "become": become})})


def words_of(lab: Lab) -> dict[str, object]:
    """Say which lab this is, for the machine's record of a run in it."""
    place = {"name": lab.name, "state_dir": str(lab.state_dir.resolve())}
    return place | {"identity": lab.identity, "backend": lab.backend, "lives_by": lab.lives_by}


def down(lab: Lab) -> None:
    """Take the lab down."""
    backends.down(lab.name, lab.state_dir)


def open_vantages(plan: Plan, lab: Lab, clock: Clock, run: RunDirectory) -> Mapping[str, Vantage]:
    """Make the plan's vantages: `here` beside the conductor, every other inside its own lab node."""
    return {
        name: ProcessVantage(
            name,
            clock=clock,
            far=planned.far,
            prefix=lab.enter(planned.node, ()) if planned.far and planned.node else (),
            environment=lab.environment if planned.far else {},
            # A far worker spools where it stands, as it would on a host of its own.
            spool=FAR_SPOOL / run.run / name if planned.far else run.samples(name),
        )
        for name, planned in plan.vantages.items()
    }
