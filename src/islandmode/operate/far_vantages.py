"""The vantages of a plant: `here`, and hosts that are logged in to as the site says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from islandmode.core.errors import Refused
from islandmode.core.plan import PlanVantage
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.reach import LocalReach
from islandmode.observe.ssh_reach import SshReach
from islandmode.observe.vantage import Vantage
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock
from islandmode.system.openssh import Hop, OpenSsh


def far_vantage(
    name: str,
    planned: PlanVantage,
    clock: Clock,
    run: RunDirectory,
    secret: Callable[[str], str],
    known_hosts: Path,
) -> Vantage:
    """Make one vantage; nothing is contacted yet. Raises `Refused` for a far one that nobody can log in to."""
    if not planned.far:
        return ProcessVantage(name, clock=clock, far=False, reach=LocalReach(run.samples(name)), kept=run.samples(name))
    return open_far(name, planned, clock, run.run, secret, known_hosts, kept=run.samples(name))


def open_far(
    name: str,
    planned: PlanVantage,
    clock: Clock,
    run: str,
    secret: Callable[[str], str],
    known_hosts: Path,
    *,
    kept: Path | None = None,
) -> ProcessVantage:
    """Make a vantage that is logged in to; nothing is contacted yet. `kept` is the folder for what is collected from it, if anything is."""
    login = planned.ssh
    if login is None:
        raise Refused(
            f"Vantage {name} is not on the operations host, and the site does not say how to log in to it; write that under ssh of "
            f"that vantage, or kit: true where nobody may. Nothing was touched."
        )
    jump = login.jump
    host = Hop(str(login.address or planned.address[0]), login.port, login.user, secret(login.key))
    through = None if jump is None else Hop(str(jump.address), jump.port, jump.user, secret(jump.key))
    reach = SshReach(
        OpenSsh(host, known_hosts, through),
        run,
        name,
        python=login.python,
        installed=login.installed,
        spool=login.spool,
    )
    return ProcessVantage(name, clock=clock, far=True, reach=reach, kept=kept)
