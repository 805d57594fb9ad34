"""The words of `keep-closed` and `close`; what they do is in operate/closing.py, which is read only when it is needed."""

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


def close(
    run: RunName,
    by: By,
    drained: Annotated[  # noqa: FBT002 - typer's way
        bool,
        typer.Option("--drained", help="They have also seen that the backlogs drained that the run did not see drain."),
    ] = False,
    workspace: Workspace = HERE,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Record that somebody confirms that the service is back, which closes a run; a live run is open until then.

    It becomes an addendum, entered in the ledger. Exit code 4 if the run goes on, is not seen restored, or a backlog is left.
    """
    from islandmode.ui.closing import print_closed

    return print_closed(workspace.resolve(), run, by, drained=drained, as_json=json)
