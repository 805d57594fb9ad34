"""The command line: small and guessable. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from click.exceptions import ClickException, Exit
from typer.main import get_command

from islandmode import __version__
from islandmode.run.outermost import exit_code_of

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Prove that a plant can cut itself off from the corporate network and keep running.",
)
lab_app = typer.Typer(no_args_is_help=True, help="The rehearsal lab: a small plant on this machine.")
app.add_typer(lab_app, name="lab")

CRASH_FILE = Path("runs") / "internal-error.txt"
Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="Folder with drills/, inventory/ and probes/.")]
LabName = Annotated[str, typer.Option("--lab", help="Name of the lab.")]
DrillName = Annotated[str, typer.Argument(help="A drill's file or its name.")]
HERE = Path()


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"islandmode {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")] = False,  # noqa: FBT002, ARG001 - typer's way
) -> None:
    """Exit codes: 0 held, 1 breached, 2 bad input, 3 inconclusive, 4 refused, 5 STRANDED, 6 nothing to judge, 7 internal."""


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Folder to make; it must be new or empty.")]) -> None:
    """Start a workspace with an example drill, its site, its probes and the lab."""
    from islandmode.ui.workspace import start_workspace

    _end(start_workspace(directory))


@app.command()
def validate(
    path: Annotated[Path | None, typer.Argument(help="One drill; every drill of the workspace if not given.")] = None,
    workspace: Workspace = HERE,
) -> None:
    """Check everything, touch nothing."""
    from islandmode.ui.workspace import validate_workspace

    _end(validate_workspace(workspace, str(path) if path else None))


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="drill, site or probes.")] = "drill",
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    from islandmode.ui.workspace import print_schema

    _end(print_schema(kind))


@app.command()
def plan(
    drill: DrillName,
    workspace: Workspace = HERE,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002 - typer's way
) -> None:
    """Show every step, its undo, its timer, its exact lines, and whose flows die; no device is contacted."""
    from islandmode.ui.plan_text import print_plan
    from islandmode.ui.planning import plan_of

    _, made = plan_of(workspace, drill)
    if json:
        typer.echo(made.model_dump_json(indent=2, by_alias=True))
    else:
        print_plan(made)


@app.command()
def run(
    drill: DrillName,
    mode: Annotated[str, typer.Option("--mode", help="tabletop, dry-run, rehearsal or live.")],
    workspace: Workspace = HERE,
    lab: LabName = "plant",
    json: Annotated[bool, typer.Option("--json", help="Print verdict.json at the end, nothing else.")] = False,  # noqa: FBT002 - typer's way
    own_lab: Annotated[bool, typer.Option("--own-lab", hidden=True)] = False,  # noqa: FBT002 - typer's way
) -> None:
    """Run one drill. A rehearsal uses the running lab, or brings one up and takes it down again."""
    from islandmode.core.drill import Mode
    from islandmode.core.errors import InputError
    from islandmode.ui.run_command import RunRequest, run_drill

    modes = {known.value: known for known in Mode}
    if mode not in modes:
        raise InputError(f"There is no mode {mode}; known modes: {', '.join(modes)}.")
    request = RunRequest(workspace.resolve(), drill, modes[mode], lab, own_lab=own_lab, json=json)
    again = ["run", drill, "--mode", mode, "--workspace", str(request.workspace), "--lab", lab, *(["--json"] * json)]
    _end(run_drill(request, again))


@app.command()
def runs(workspace: Workspace = HERE) -> None:
    """List runs, newest first."""
    from islandmode.ui.workspace import print_runs

    _end(print_runs(workspace))


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="A run, the beginning of its name, or `last`.")] = "last",
    workspace: Workspace = HERE,
) -> None:
    """Show what a run found, and where its report is."""
    from islandmode.ui.workspace import show_run

    _end(show_run(workspace, run))


@app.command()
def status(workspace: Workspace = HERE, lab: LabName = "plant") -> None:
    """Say what is running, what did not end, and whether anything may still be isolated."""
    from islandmode.ui.workspace import print_status

    _end(print_status(workspace, lab))


@lab_app.command("up")
def lab_up(workspace: Workspace = HERE, lab: LabName = "plant") -> None:
    """Bring the lab up; it stays until `lab down`."""
    from islandmode.ui.lab_commands import up

    _end(up(workspace, lab))


@lab_app.command("status")
def lab_status(workspace: Workspace = HERE, lab: LabName = "plant") -> None:
    """List the lab's nodes."""
    from islandmode.ui.lab_commands import status as show_status

    _end(show_status(workspace, lab))


@lab_app.command("shell", context_settings={"ignore_unknown_options": True})
def lab_shell(
    node: Annotated[str, typer.Argument(help="Name of a node.")],
    command: Annotated[list[str] | None, typer.Argument(help="A command; a shell if not given.")] = None,
    workspace: Workspace = HERE,
    lab: LabName = "plant",
) -> None:
    """Open a shell in a node, or run a command there."""
    from islandmode.ui.lab_commands import shell

    _end(shell(workspace, lab, node, tuple(command or ())))


@lab_app.command("restart")
def lab_restart(
    node: Annotated[str, typer.Argument(help="Name of a node.")], workspace: Workspace = HERE, lab: LabName = "plant"
) -> None:
    """Restart a node: links and saved files stay, running state goes."""
    from islandmode.ui.lab_commands import restart

    _end(restart(workspace, lab, node))


@lab_app.command("down")
def lab_down(workspace: Workspace = HERE, lab: LabName = "plant") -> None:
    """Take the lab down; nothing is left behind."""
    from islandmode.ui.lab_commands import down

    _end(down(workspace, lab))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def command(arguments: list[str]) -> int:
    """Run one command line and return its exit code; typer's own complaints are bad input."""
    try:
        get_command(app).main(arguments, prog_name="islandmode", standalone_mode=False)
    except Exit as ended:
        return ended.exit_code
    except ClickException as complaint:
        complaint.show()
        return 2
    return 0


def main() -> NoReturn:
    """Run the program."""
    code = exit_code_of(lambda: command(sys.argv[1:]), CRASH_FILE)
    try:
        sys.stdout.flush()
    except OSError:
        # Standard output is gone; closing it again at exit would print a complaint and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
