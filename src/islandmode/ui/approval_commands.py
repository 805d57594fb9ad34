"""The words of `request`, `approve`, `approvals`, `revoke`, `tabletop` and `go`; what they print is in ui/approving.py, which is read only when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from islandmode.ui.cli_words import HERE, DrillName, Json, RunName, Workspace

Key = Annotated[
    Path,
    typer.Option("--key", help="Your SSH key, which signs; its public half, beside it, if an agent has it."),
]
Comment = Annotated[str, typer.Option("--comment", help="A line for those who read it.")]
RequestName = Annotated[
    str,
    typer.Argument(
        help="A request, the beginning of its name, its plan digest, or its drill where one window is asked for."
    ),
]


def request(
    drill: DrillName,
    begin: Annotated[
        str, typer.Option("--from", help="First moment of the window, with its zone: 2027-01-09T06:00:00Z.")
    ],
    end: Annotated[str, typer.Option("--to", help="End of the window, with its zone.")],
    key: Key,
    comment: Comment = "",
    workspace: Workspace = HERE,
) -> int:
    """Ask for a window in which a drill may be run live; signed, and kept in approvals/."""
    from islandmode.ui.approving import ask

    return ask(workspace.resolve(), drill, (begin, end), key, comment)


def approve(
    request: RequestName,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", help="Your SSH key, which signs; if not given, everything is shown and nothing is signed."
        ),
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", help="The role in which you approve; the needed one if not given.")
    ] = None,
    comment: Comment = "",
    paper: Annotated[
        Path | None,
        typer.Option("--paper", help="The photograph of a form that --person signed on paper; your key enters it."),
    ] = None,
    person: Annotated[
        str | None, typer.Option("--person", help="Who signed the form, by the name in people.yaml.")
    ] = None,
    go_sheet: Annotated[
        Path | None,
        typer.Option(
            "--go-sheet",
            help="Make the codes by which plant operations says go on the day, and write them to this new file, outside of any repository; print it.",
        ),
    ] = None,
    workspace: Workspace = HERE,
) -> int:
    """Show what a drill would do, from your own files, and sign for one live run of it.

    Asks for the first two words of the plan's digest before it signs. Exit code 4 if it may not be approved, or you did not type them.
    """
    from islandmode.ui.approving import Wish, approve_request

    return approve_request(workspace.resolve(), request, Wish(key, role, comment, paper, person, go_sheet))


def approvals(
    drill: Annotated[str | None, typer.Argument(help="A drill; all of them if not given.")] = None,
    past: Annotated[bool, typer.Option("--all", help="Also those whose window is over.")] = False,  # noqa: FBT002 - typer's way
    workspace: Workspace = HERE,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """List requests and approvals, with what counts, what does not and why, and what is missing. Exit code 4 if a drill is not approved."""
    from islandmode.ui.approving import print_approvals

    return print_approvals(workspace.resolve(), drill, past=past, as_json=json)


def revoke(
    document: Annotated[
        str, typer.Argument(help="A request, an approval or the note of a tabletop, or the beginning of its name.")
    ],
    why: Annotated[str, typer.Option("--why", help="Why, in a line.")],
    key: Key,
    workspace: Workspace = HERE,
) -> int:
    """Take back a request, an approval or the note of a tabletop, anybody's. A lost key goes into inventory/people/revoked_keys instead."""
    from islandmode.ui.approving import revoke_document

    return revoke_document(workspace.resolve(), document, why, key)


def tabletop(
    drill: DrillName,
    held_on: Annotated[str, typer.Option("--held-on", help="The day on which it was talked through: 2027-01-09.")],
    key: Key,
    took_part: Annotated[
        list[str] | None,
        typer.Option("--with", help="Who else took part, by the name in people.yaml; again for each."),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option("--role", help="The role in which you sign; one that signs for live runs if not given."),
    ] = None,
    comment: Comment = "",
    workspace: Workspace = HERE,
) -> int:
    """Sign a note that a drill, as it is now, was talked through with those who take part; kept in approvals/."""
    from islandmode.ui.approving import note_tabletop

    return note_tabletop(workspace.resolve(), drill, (held_on, tuple(took_part or ()), role), key, comment)


def go(
    run: RunName,
    code: Annotated[
        str,
        typer.Option("--code", help="The six words that were read out, in quotes; asked for if no answer is given."),
    ] = "",
    key: Annotated[Path | None, typer.Option("--key", help="The key of who says go, at this console.")] = None,
    shift_ends: Annotated[
        str,
        typer.Option("--shift-ends", help="When the shift ends of who says go, with its zone: 14:00Z or 14:00-08:00."),
    ] = "",
    not_yet: Annotated[
        str, typer.Option("--not-yet", help="Until when the plant floor says not yet, with its zone.")
    ] = "",
    no: Annotated[bool, typer.Option("--no", help="The plant floor says no: this run ends; with --why.")] = False,  # noqa: FBT002 - typer's way
    veto: Annotated[bool, typer.Option("--veto", help="The planner says no; with --by and --why.")] = False,  # noqa: FBT002 - typer's way
    release: Annotated[
        str, typer.Option("--release", help="An engineering session that may be cut, such as S1; with --by.")
    ] = "",
    by: Annotated[str, typer.Option("--by", help="Who says no, or lets a session be cut.")] = "",
    why: Annotated[str, typer.Option("--why", help="Why, in a line.")] = "",
    workspace: Workspace = HERE,
) -> int:
    """Answer a run that waits for the go of the plant floor. Exit code 4 if the answer was not taken."""
    from islandmode.operate.answering import Spoken
    from islandmode.ui.going import print_answered

    return print_answered(workspace.resolve(), run, Spoken(code, key, not_yet, no, veto, by, why, shift_ends, release))
