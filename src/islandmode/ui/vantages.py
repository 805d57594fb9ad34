"""`islandmode vantage`: the hosts that are logged in to, to watch from where the drill cuts this machine off."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.core.errors import InputError, Refused
from islandmode.observe.far import SERVE, SPOOLS
from islandmode.observe.far_program import far_program, sum_of_far_program
from islandmode.operate.collect import collect_from
from islandmode.operate.collect_by_login import Missed, collect_by_login
from islandmode.operate.kits import make_kit
from islandmode.operate.run import exit_code
from islandmode.operate.vantages import find_vantage, refuse_behind, try_vantage
from islandmode.store.ledger import path_of
from islandmode.system.own_program import typed_at
from islandmode.ui.devices import trust_host
from islandmode.ui.pages import HtmlPages
from islandmode.ui.results import print_result

US_PER_S = 1_000_000


def trust_vantage(workspace: Path, name: str, site: str | None, fingerprint: str | None) -> int:
    """Show the key of a vantage's host and write it down, once a person has confirmed its fingerprint."""
    host = find_vantage(workspace, name, site)
    refuse_behind(host)
    return trust_host(workspace, host, fingerprint, typed_at(workspace, "vantage", "check", name))


def check_vantage(workspace: Path, name: str, site: str | None) -> int:
    """Log in to a vantage's host as a run would, and say what was seen."""
    tried = try_vantage(workspace, find_vantage(workspace, name, site))
    ahead_s = -tried.offset.utc_us / US_PER_S
    clock = (
        "as this machine's"
        if abs(ahead_s) < 1
        else f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} it"
    )
    print(f"{tried.host.where}: logged in by the key, and its host key is known.")
    print(
        "A worker was started, outlived the login that had started it, and was ended by another; of its samples nothing is left."
    )
    print(
        f"Its clock is {clock} (measured to {tried.offset.uncertainty_us / 1000:.1f} ms; samples are placed by that)."
    )
    return 0


def write_kit(workspace: Path, name: str, drill: str, span: tuple[str | None, str], to: Path) -> int:
    """Write a kit, and say what the person does with it."""
    kit = make_kit(workspace, name, drill, span, to)
    print(f"{to}: a kit for vantage {name} in drill {kit.plan.drill.drill}, {kit.told}.")
    print(f"It asks {', '.join(kit.probes)}; it is for plan {kit.plan.plan_digest} and no other.")
    print("Carry the folder to that host, and start there, where its clock is kept by NTP: python3 worker.pyz kit")
    print(f"After the run: {typed_at(workspace, 'collect', 'RUN', '--from', 'FOLDER')}")
    return 0


def collect_late(workspace: Path, run: str, folder: Path | None, *, as_json: bool) -> int:
    """Take what was brought, or fetch what its hosts still have, and print the verdict with it."""
    workspace, pages = workspace.resolve(), HtmlPages()
    found = collect_by_login(workspace, run, pages) if folder is None else [collect_from(workspace, run, folder, pages)]
    last, missed = None, []
    for came in found:
        if isinstance(came, Missed):
            missed.append(f"The samples of vantage {came.vantage} were not collected: {came.why.rstrip('.')}.")
            continue
        last = came
        if came.not_entered:
            missed.append(
                f"addendum {came.number} was not seen entered in {path_of(workspace)} ({came.not_entered}); it counts for nothing there."
            )
        if not as_json:
            print(
                f"addendum {came.number} of {came.run.run}: the samples of vantage {came.vantage}; the run's own record stays as it is"
            )
    if last is None:
        raise Refused(" ".join([*missed, "Nothing was added."]))
    for sentence in missed:
        print(f"islandmode: {sentence}", file=sys.stderr)
    print_result(last.plan, last.verdict, last.folder, as_json=as_json)
    return exit_code(last.verdict.verdict, last.verdict.restoration)


def write_worker(path: Path) -> int:
    """Write the worker's file for a person to install, and say how its key is restricted to it."""
    try:
        path.write_bytes(far_program())
        path.chmod(0o644)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}).") from None
    print(f"{path}: the worker of this version, SHA-256 {sum_of_far_program()}.")
    print("Copy it to the host, where the account can read it and not change it, such as /opt/islandmode/worker.pyz.")
    print("Then let the account's key do nothing but start it; in authorized_keys, before the key, on its line:")
    print(f'  restrict,command="python3 -I /opt/islandmode/worker.pyz {SERVE}"')
    print(f"Samples lie in {SPOOLS} there until they are collected; elsewhere with --spool FOLDER before {SERVE}.")
    print("In the site: installed: true, under ssh of the vantage.")
    return 0
