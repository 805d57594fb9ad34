"""The vantages of a workspace's sites that are logged in to: found by name, trusted, and tried with a worker that asks nothing."""

from __future__ import annotations

import secrets as randomness
from dataclasses import dataclass
from pathlib import Path

import anyio

from islandmode.core.errors import InputError, Refused
from islandmode.core.frozen import Address
from islandmode.core.plan import PlanVantage
from islandmode.core.planning.check_vantages import login_address, vantage_problems
from islandmode.core.problem import listed
from islandmode.core.site import Site
from islandmode.core.vantage_login import VantageLogin
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.vantage import Offset, Schedule
from islandmode.operate.far_vantages import open_far
from islandmode.operate.site_devices import sites_of
from islandmode.store import catalog
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.store.yaml_tree import YamlTree, show
from islandmode.system.clock import MachineClock
from islandmode.system.own_program import typed_at
from islandmode.system.secrets import Secrets
from napalm_nftables.host_keys import SSH_PORT, known_as

TRIED_S = 60.0
EVERY_S = 1.0


@dataclass(frozen=True)
class VantageHost:
    """A vantage of a site that is logged in to, and the site's file."""

    name: str
    site: Site
    tree: YamlTree
    login: VantageLogin

    @property
    def address(self) -> Address:
        """Where it is logged in to."""
        return login_address(self.site, self.name, self.login)

    @property
    def port(self) -> int:
        """On which port."""
        return self.login.port

    @property
    def known_as(self) -> str:
        """Name it as a known-hosts file does."""
        return known_as(str(self.address), self.port)

    @property
    def where(self) -> str:
        """Name it for a sentence."""
        port = f" port {self.port}" if self.port != SSH_PORT else ""
        return f"{self.name} at {self.address}{port}"

    @property
    def planned(self) -> PlanVantage:
        """Give it as a plan has it."""
        vantage = self.site.vantages[self.name]
        return PlanVantage(zone=vantage.zone, address=vantage.address, far=True, ssh=self.login)


@dataclass(frozen=True)
class Tried:
    """What a vantage's host showed: its clocks against this machine's."""

    host: VantageHost
    offset: Offset


def find_vantage(workspace: Path, name: str, site: str | None) -> VantageHost:
    """Find a vantage that is logged in to; raises `InputError` for any other name, and with what is wrong about its login."""
    sites, wrong = sites_of(workspace, site)
    found = [(tree, each) for tree, each in sites.values() if name in each.vantages]
    if len(found) > 1:
        several = listed(each.site for _, each in found)
        raise InputError(f"Sites {several} each have a vantage {show(name)}; say which is meant with --site.")
    if not found:
        if wrong:
            raise catalog.all_of(wrong)
        names = sorted({known for _, each in sites.values() for known in each.vantages})
        raise InputError(f"There is no vantage {show(name)}; known: {listed(names)}.")
    tree, each = found[0]
    login = each.vantages[name].ssh
    if each.vantages[name].kit:
        sentence = (
            f"Nobody logs in to vantage {name}: a person carries a kit there, which `islandmode vantage kit` writes."
        )
        raise InputError(sentence, tree.place(("vantages", name, "kit")))
    if login is None:
        sentence = f"The site does not say how to log in to vantage {name}; write that under ssh of it, or leave it to the lab."
        raise InputError(sentence, tree.place(("vantages", name)))
    problems = [problem for problem in vantage_problems(each) if problem.path[:2] == ("vantages", name)]
    if problems:
        raise catalog.all_of(InputError(problem.sentence, tree.place(problem.path)) for problem in problems)
    return VantageHost(name, each, tree, login)


def refuse_behind(host: VantageHost) -> None:
    """Raise `Refused` for a host whose key cannot be seen from here, because another host stands before it."""
    jump = host.login.jump
    if jump is not None:
        raise Refused(
            f"{host.where} is reached through {jump.address}, so that its host key cannot be seen from here. Read it at the host itself "
            f"(ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub) and add the line to {KNOWN_HOSTS}: {host.known_as}, then the words of "
            f"that .pub file; and so for {known_as(str(jump.address), jump.port)}. Nothing was written."
        )


def try_vantage(workspace: Path, host: VantageHost) -> Tried:
    """Log in as a run would, start a worker that asks nothing, see it outlive the login, and end it; raises `Refused` where that fails."""
    known = workspace / KNOWN_HOSTS
    if not known.is_file():
        raise InputError(
            f"There is no {KNOWN_HOSTS} in {workspace}, and Islandmode logs in to no host whose key is unknown; "
            f"`{typed_at(workspace, 'vantage', 'trust', host.name)}` shows the key of that host and writes it there."
        )
    clock = MachineClock.of_this_boot()
    secret = Secrets(workspace, clock=clock)
    run = f"try-{randomness.token_hex(4)}"
    made = open_far(host.name, host.planned, clock, run, secret.resolve, known)
    return anyio.run(_tried, host, made, run)


async def _tried(host: VantageHost, vantage: ProcessVantage, run: str) -> Tried:
    try:
        offset = await vantage.offset(vantage.call_s)
        if offset.value is None:
            raise Refused(f"{host.where}: {offset.why}.")
        started = await vantage.start(Schedule(run, host.name, {}, EVERY_S, TRIED_S), vantage.call_s)
        if not started.done:
            raise Refused(f"{host.where}: {started.why}.")
        return Tried(host, offset.value)
    finally:
        with anyio.CancelScope(shield=True):
            await vantage.stop()
            await vantage.forget()
