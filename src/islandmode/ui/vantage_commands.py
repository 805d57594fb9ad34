"""The words of `islandmode vantage`; what they do is in ui/vantages.py, which is read only when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from islandmode.ui.cli_words import HERE, Fingerprint, SiteName, Workspace

vantage_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The hosts that are logged in to, to watch from where a drill cuts this machine off.",
)
VantageName = Annotated[str, typer.Argument(help="Name of a vantage.")]


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


@vantage_app.command("worker")
def worker(file: Annotated[Path, typer.Argument(help="Where to write it, such as worker.pyz.")]) -> int:
    """Write the worker's file, for a host on which a person installs it."""
    from islandmode.ui.vantages import write_worker

    return write_worker(file)
