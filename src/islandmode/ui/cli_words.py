"""The words that the commands share: what a workspace, a run or a device is on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from islandmode.ui.ending import end_with_banner

JSON = "--json"


def with_banner(context: typer.Context, workspace: Path) -> Path:
    """Let every command end by naming earlier runs that may have left something isolated: that alarm never goes quiet."""
    end_with_banner(context.command_path, workspace, context.call_on_close)
    return workspace


Workspace = Annotated[
    Path,
    typer.Option("--workspace", "-w", help="Folder with drills/, inventory/ and probes/.", callback=with_banner),
]
LabName = Annotated[str | None, typer.Option("--lab", help="Name of the lab; the site's if not given.")]
GivenLab = Annotated[str, typer.Option("--lab")]
NodeName = Annotated[str, typer.Argument(help="Name of a node or of an isolation point.")]
TopologyFile = Annotated[
    Path | None,
    typer.Option("--topology", help="The lab's file in the workspace; the site's if not given."),
]
WithGo = Annotated[
    bool,
    typer.Option(
        "--with-go", help="Have a rehearsal wait for the plant floor's go, to practise it; needs people and approvals."
    ),
]
BreakGlassBy = Annotated[
    str | None,
    typer.Option("--break-glass", help="Run live without approvals and a go: the person who decides that; with --why."),
]
BreakGlassWhy = Annotated[str, typer.Option("--why", help="Why the glass is broken, for card, report and ledger.")]
DrillName = Annotated[str, typer.Argument(help="A drill's file or its name.")]
RunName = Annotated[str, typer.Argument(help="A run, the beginning of its name, or `last`.")]
Json = Annotated[bool, typer.Option(JSON, help="For machines: JSON and nothing else on standard output.")]
AtOnce = Annotated[bool, typer.Option("--at-once", hidden=True)]
Asked = Annotated[bool, typer.Option("--asked", hidden=True)]
DeviceName = Annotated[str, typer.Argument(help="Name of an isolation point.")]
SiteName = Annotated[
    str | None, typer.Option("--site", help="The site that it belongs to; needed where two have that name.")
]
Fingerprint = Annotated[
    str | None,
    typer.Option(
        "--fingerprint", help="The fingerprint that the host itself shows, as SHA256:...; asked for if not given."
    ),
]
HERE = Path()
