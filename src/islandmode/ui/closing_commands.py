"""The words of `keep-closed`; what it does is in operate/closing.py, which is read only when it is needed."""

from __future__ import annotations

from typing import Annotated

import typer

from islandmode.ui.cli_words import HERE, Json, RunName, Workspace

By = Annotated[str, typer.Option("--by", help="Who: a name or a position.")]


def keep_closed(
    run: RunName,
    conduit: Annotated[str, typer.Argument(help="The conduit that stays closed.")],
    by: By,
    workspace: Workspace = HERE,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Record that somebody keeps a conduit of a run closed, by the site's own deny or cable; enters and lifts nothing.

    While the run goes on it stands in its journal, afterwards in an addendum, which judges the run anew. Exit codes as of a run.
    """
    from islandmode.ui.closing import print_kept_closed

    return print_kept_closed(workspace.resolve(), run, conduit, by, as_json=json)
