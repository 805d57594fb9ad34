"""The words of `islandmode vantage`; what they do is in ui/vantages.py, which is read only when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from islandmode.ui.cli_words import HERE, Fingerprint, Json, RunName, SiteName, Workspace

vantage_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The hosts that are logged in to, to watch from where a drill cuts this machine off.",
)
VantageName = Annotated[str, typer.Argument(help="Name of a vantage.")]


def collect(
    run: RunName,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="The folder of a kit, or a copy of the folder in which a vantage's host keeps its samples; if not given, the hosts "
            "that did not answer in time are logged in to.",
        ),
    ] = None,
    workspace: Workspace = HERE,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Take the samples that a run was closed without, from their hosts or from a folder that was brought, and judge it with them.

    They become an addendum with a verdict of its own; what the run wrote stays as it is. Exit codes are those of `run`; 4 if no host
    gave any.
    """
    from islandmode.ui.vantages import collect_late

    return collect_late(workspace, run, folder, as_json=json)


@vantage_app.command("trust")
def trust(
    vantage: VantageName,
    workspace: Workspace = HERE,
    site: SiteName = None,
    fingerprint: Fingerprint = None,
) -> int:
    """Show the key of a vantage's host, and write it to inventory/known_hosts once you confirm it."""
    from islandmode.ui.vantages import trust_vantage

    return trust_vantage(workspace, vantage, site, fingerprint)


@vantage_app.command("check")
def check(vantage: VantageName, workspace: Workspace = HERE, site: SiteName = None) -> int:
    """Log in to a vantage's host, start a worker that asks nothing, see it outlive the login, and take it away again.

    Exit code 4 if a drill could not watch from there.
    """
    from islandmode.ui.vantages import check_vantage

    return check_vantage(workspace, vantage, site)


@vantage_app.command("kit")
def kit(
    vantage: VantageName,
    drill: Annotated[str, typer.Option("--drill", help="The drill that it is for: its file or its name.")],
    until: Annotated[str, typer.Option("--until", help="When it ends, in UTC, such as 2027-01-09T18:00Z.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to make; it must be new or empty.")],
    begin: Annotated[
        str | None, typer.Option("--begin", help="When it begins, in UTC; when it is started if not given.")
    ] = None,
    workspace: Workspace = HERE,
) -> int:
    """Write a kit: a folder that a person carries to a host that nobody logs in to, starts there, and brings back."""
    from islandmode.ui.vantages import write_kit

    return write_kit(workspace, vantage, drill, (begin, until), to)


@vantage_app.command("worker")
def worker(file: Annotated[Path, typer.Argument(help="Where to write it, such as worker.pyz.")]) -> int:
    """Write the worker's file, for a host on which a person installs it."""
    from islandmode.ui.vantages import write_worker

    return write_worker(file)
