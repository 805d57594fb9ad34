"""The command line: small and guessable. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Typer brings a click of its own and gives this name nowhere else; the installed `click` is another class.
from islandmode import __version__
from islandmode.ui.approval_commands import approvals, approve, go, request, revoke, tabletop
from islandmode.ui.cli_words import (
    HERE,
    Asked,
    AtOnce,
    BreakGlassBy,
    BreakGlassWhy,
    DeviceName,
    DrillName,
    Fingerprint,
    GivenLab,
    Json,
    LabName,
    NodeName,
    RunName,
    SiteName,
    TopologyFile,
    WithGo,
    Workspace,
    with_banner,
)
from islandmode.ui.closing_commands import close, keep_closed
from islandmode.ui.vantage_commands import collect, vantage_app

# Plain help and plain errors: rich would double the time to the first line.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Prove that a plant can run as an island: isolate it on purpose, watch from both sides, always restore.",
    epilog="Exit codes: 0 held and restoration proven, 1 breached, 2 bad input, nothing touched, 3 inconclusive or not fully "
    "tested, 4 refused before it isolated anything, nothing of it left on any device, 5 restoration unproven, which outranks "
    "all others, 6 nothing to judge, 7 internal error.",
)
lab_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The rehearsal lab: a small plant on this machine."
)
app.add_typer(lab_app, name="lab")
devices_app = typer.Typer(rich_markup_mode=None)
app.add_typer(devices_app, name="devices")
app.add_typer(vantage_app, name="vantage")
for word in (collect, request, approve, approvals, revoke, tabletop, go, keep_closed, close):
    app.command()(word)

RUNS = "runs"
CRASH_FILE = Path(RUNS) / "internal-error.txt"
BAD_INPUT = 2


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"islandmode {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: FBT002 - typer's way
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Folder to make; it must be new or empty.")]) -> int:
    """Start a workspace: an example drill, its site, probes, lab."""
    from islandmode.ui.workspace import start_workspace

    return start_workspace(directory)


@app.command()
def validate(
    path: Annotated[
        str | None, typer.Argument(help="A drill, site, probe pack or lab topology; all if not given.")
    ] = None,
    workspace: Workspace = HERE,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Check everything, touch nothing."""
    from islandmode.ui.validating import validate_one, validate_workspace

    def check() -> int:
        return validate_workspace(workspace) if path is None else validate_one(workspace, path)

    if json:
        from islandmode.ui.as_json import print_as_json

        return print_as_json(check)
    return check()


@app.command()
def schema(
    kind: Annotated[
        str | None, typer.Argument(help="drill, site, probes, recipe, people, policy or topology; all if not given.")
    ] = None,
) -> int:
    """Print JSON Schemas, for editors of the YAML files."""
    from islandmode.ui.workspace import print_schema

    return print_schema(kind)


@app.command()
def plan(
    drill: DrillName,
    workspace: Workspace = HERE,
    json: Json = False,  # noqa: FBT002 - typer's way
    card: Annotated[Path | None, typer.Option("--card", help="Write the page for restoring by hand here.")] = None,
) -> int:
    """Show every step, its undo, and whose flows die.

    No device is contacted.
    """
    from islandmode.ui.plan_command import show_plan

    return show_plan(workspace, drill, card, as_json=json)


@app.command()
def run(
    drill: DrillName,
    mode: Annotated[str, typer.Option("--mode", help="tabletop, dry-run, rehearsal or live.")],
    workspace: Workspace = HERE,
    lab: LabName = None,
    json: Json = False,  # noqa: FBT002 - typer's way
    topology: TopologyFile = None,
    with_go: WithGo = False,  # noqa: FBT002 - typer's way
    break_glass: BreakGlassBy = None,
    why: BreakGlassWhy = "",
) -> int:
    """Run one drill.

    A rehearsal uses the running lab, or brings one up and takes it down again.
    """
    from islandmode.core.drill import Mode
    from islandmode.core.errors import InputError

    modes = {known.value: known for known in Mode}
    if mode not in modes:
        raise InputError(f"There is no mode {mode}; known modes: {', '.join(modes)}.")
    from islandmode.operate.run import DrillOrder
    from islandmode.ui.run_command import broken_by, run_command

    order = DrillOrder(workspace.resolve(), drill, modes[mode], lab, topology, with_go, broken_by(break_glass, why))
    return run_command(order, as_json=json)


@app.command(hidden=True)
def conduct(
    request: Annotated[Path, typer.Argument(help="A run's request.")],
    workspace: Workspace = HERE,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Run a drill by its request; `run` starts this on the operations host."""
    from islandmode.ui.run_command import conduct_command

    return conduct_command(request, workspace.resolve(), as_json=json)


@app.command()
def runs(workspace: Workspace = HERE, json: Json = False) -> int:  # noqa: FBT002 - typer's way
    """List runs, newest first."""
    from islandmode.ui.runs import print_runs
    from islandmode.ui.silent_disk import looking

    with looking(workspace / RUNS) as watch:
        return print_runs(workspace, watch, as_json=json)


@app.command()
def show(run: RunName = "last", workspace: Workspace = HERE, json: Json = False) -> int:  # noqa: FBT002 - typer's way
    """Show what a run found, and where its report is."""
    from islandmode.ui.runs import show_run
    from islandmode.ui.silent_disk import looking

    with looking(workspace / RUNS) as watch:
        return show_run(workspace, run, watch, as_json=json)


@app.command()
def ledger(
    workspace: Workspace = HERE,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", help="What a card, a report or a person has of it, or a file with that."),
    ] = None,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """List every attempt at a drill, and check that none was taken away. Exit code 4 if something does not fit."""
    from islandmode.ui.ledger_table import print_ledger
    from islandmode.ui.silent_disk import looking

    with looking(workspace / RUNS) as watch:
        return print_ledger(workspace, watch, checkpoint, as_json=json)


@app.command()
def status(
    workspace: Workspace = HERE,
    lab: LabName = None,
    devices: Annotated[  # noqa: FBT002 - typer's way
        bool, typer.Option("--devices", help="Log in on the devices and look; changes nothing.")
    ] = False,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Say what runs on this machine and whether anything may still be isolated.

    Exit code 5 if something may be isolated and no run is there to restore it, or if that is not known.
    """
    from islandmode.ui.silent_disk import looking
    from islandmode.ui.status import print_status

    with looking(workspace / RUNS) as watch:
        return print_status(workspace, lab, watch, devices=devices, as_json=json)


@app.command(hidden=True)
def look(lab: GivenLab, workspace: Workspace = HERE) -> int:
    """Look at the devices of a lab; `status --devices` starts this on the operations host."""
    from islandmode.operate.devices import look as look_there
    from islandmode.ui.silent_disk import looking
    from islandmode.ui.spoken import Spoken

    with looking(workspace / RUNS) as watch:
        return look_there(workspace.resolve(), lab, watch, Spoken())


@devices_app.callback(invoke_without_command=True)
def devices(
    context: typer.Context,
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Folder with drills/, inventory/ and probes/.")
    ] = HERE,
    site: Annotated[str | None, typer.Option("--site", help="A site; all of them if not given.")] = None,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """List the devices of the sites: platform, undo, timer, host key.

    No device is contacted. With a command, look at one of them.
    """
    if context.invoked_subcommand is not None:
        if workspace != HERE or site is not None or json:
            from islandmode.core.errors import InputError

            raise InputError(
                f"Options of `devices {context.invoked_subcommand}` stand behind it and the name of the device."
            )
        return 0
    from islandmode.ui.devices import print_devices

    return print_devices(with_banner(context, workspace), site, as_json=json)


@devices_app.command("trust")
def devices_trust(
    device: DeviceName,
    workspace: Workspace = HERE,
    site: SiteName = None,
    fingerprint: Fingerprint = None,
) -> int:
    """Show a device's host key, and write it to inventory/known_hosts once you confirm it.

    No user name and no password is sent. A key that differs from the known one is refused, with exit code 4.
    """
    from islandmode.ui.devices import trust_device

    return trust_device(workspace, device, site, fingerprint)


@devices_app.command("provision")
def devices_provision(
    device: DeviceName,
    workspace: Workspace = HERE,
    site: SiteName = None,
    keep_closed: Annotated[  # noqa: FBT002 - typer's way
        bool,
        typer.Option("--keep-closed", help="Print denies without an end instead, for the day when a drill turns real."),
    ] = False,
) -> int:
    """Print the lines that a person enters on a device once, before drills; sends nothing."""
    from islandmode.ui.devices import keep_closed as closing
    from islandmode.ui.devices import provision

    return closing(workspace, device, site) if keep_closed else provision(workspace, device, site)


@devices_app.command("check")
def devices_check(
    device: DeviceName,
    workspace: Workspace = HERE,
    site: SiteName = None,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Log in to a device of a plant and say whether a drill could use it; changes nothing.

    Exit code 0 if nothing would refuse a drill, 4 if something would.
    """
    from islandmode.ui.devices import check

    return check(workspace, device, site, as_json=json)


@devices_app.command("bench")
def devices_bench(
    device: DeviceName,
    key: Annotated[
        Path, typer.Option("--key", help="Your SSH key, which signs the record; its public half if an agent has it.")
    ],
    workspace: Workspace = HERE,
    site: SiteName = None,
    firings: Annotated[
        int,
        typer.Option("--firings", help="How many timers are let run out; a record with fewer than 10 does not count."),
    ] = 10,
    restart: Annotated[  # noqa: FBT002 - typer's way
        bool,
        typer.Option("--restart", help="Also restart it, by your own hand, while a timer runs; only what is a spare."),
    ] = False,
    failover: Annotated[  # noqa: FBT002 - typer's way
        bool,
        typer.Option("--failover", help="Also have its pair fail over, by your own hand; only what is a spare."),
    ] = False,
    json: Json = False,  # noqa: FBT002 - typer's way
) -> int:
    """Prove on a device that an isolation would end by itself, with an object that isolates nothing; keep a signed record.

    Exit code 0 if it was shown, 3 if not, 4 if it was refused or stopped, 5 if the object was not seen gone.
    """
    from islandmode.ui.bench import bench_command

    return bench_command(workspace, device, site, key, firings, restart=restart, failover=failover, as_json=json)


@app.command()
def abort(
    run: Annotated[str | None, typer.Argument(help="A run; every run of this machine if not given.")] = None,
    workspace: Workspace = HERE,
    lab: LabName = None,
    at_once: AtOnce = False,  # noqa: FBT002 - typer's way
    asked: Asked = False,  # noqa: FBT002 - typer's way
) -> int:
    """Stop a run and restore its plant now.

    Asks the run to restore, and restores by itself if that is not seen at once. Exit code 5 if restoration was not seen.
    """
    from islandmode.operate import stop
    from islandmode.ui.silent_disk import watching
    from islandmode.ui.spoken import Spoken

    with watching(run) as watch:
        again = ("abort", *((run,) if run else ()), *_place(workspace, lab))
        order = stop.StopOrder(
            workspace.resolve(),
            run,
            lab,
            again,
            becomes=True,
            at_once=at_once,
            watch=watch,
            listener=Spoken(),
            asked=asked,
        )
        return stop.abort(order)


@app.command()
def confirm(
    run: RunName,
    point: Annotated[
        str | None, typer.Argument(help="The isolation point, or `return`; needed where several ask.")
    ] = None,
    person: Annotated[str | None, typer.Option("--person", help="Who says so: the name that is asked.")] = None,
    workspace: Workspace = HERE,
) -> int:
    """Say for the person who was asked that an act by hand is done, or give the word for a return to service; without --person, print what is asked now. Exit code 4 if not taken."""
    from islandmode.ui.people_commands import print_confirmed

    return print_confirmed(workspace.resolve(), run, point, person)


@app.command()
def note(
    run: RunName,
    text: Annotated[str, typer.Argument(help="What to write into its record, in quotes.")],
    workspace: Workspace = HERE,
) -> int:
    """Write a note into the record of a run that goes on. Exit code 4 if the run did not take it."""
    from islandmode.ui.people_commands import print_noted

    return print_noted(workspace.resolve(), run, text)


@app.command()
def restore(
    run: Annotated[
        str | None, typer.Argument(help="A run; every run that left something isolated if not given.")
    ] = None,
    workspace: Workspace = HERE,
    lab: LabName = None,
    drill: Annotated[str | None, typer.Option("--drill", help="Restore what a drill would isolate.")] = None,
    prove: Annotated[bool, typer.Option("--prove", hidden=True)] = False,  # noqa: FBT002 - typer's way
    at_once: AtOnce = False,  # noqa: FBT002 - typer's way
) -> int:
    """Restore what runs left isolated, and verify it.

    Exit code 5 if restoration was not seen. Use --drill when no run's record can be read.
    """
    from islandmode.operate import stop
    from islandmode.ui.silent_disk import watching
    from islandmode.ui.spoken import Spoken

    if prove and run is not None:
        from islandmode.operate.restoring import prove as prove_restore

        return prove_restore(workspace.resolve(), run)
    with watching(run, workspace if drill is not None else None) as watch:
        where, named = workspace.resolve(), ("--drill", drill) if drill is not None else (run,) if run else ()
        again = ("restore", *named, *_place(workspace, lab))
        order = stop.StopOrder(where, run, lab, again, becomes=True, at_once=at_once, watch=watch, listener=Spoken())
        if drill is None:
            return stop.restore(order)
        from islandmode.operate.rescue import restore_by_drill

        return restore_by_drill(order, drill)


@app.command(hidden=True)
def guard(
    run: RunName,
    workspace: Workspace = HERE,
    record: Annotated[Path | None, typer.Option("--record")] = None,
) -> int:
    """Guard a run; conductors start this."""
    from islandmode.operate.guard import guard_run

    return guard_run(workspace, run, record)


def _place(workspace: Path, lab: str | None) -> tuple[str, ...]:
    return ("--workspace", str(workspace.resolve()), *(("--lab", lab) if lab is not None else ()))


def _lab_meant(workspace: Path, lab: str | None) -> str:
    from islandmode.rehearse.lab_place import lab_meant

    # A name that is given needs no file of the workspace.
    return lab if lab is not None else lab_meant(workspace).name


@lab_app.command("up")
def lab_up(
    workspace: Workspace = HERE,
    lab: LabName = None,
    backend: Annotated[str, typer.Option("--backend", help="namespaces or containerlab.")] = "namespaces",
    topology: TopologyFile = None,
) -> int:
    """Bring the lab up; it stays until `lab down`."""
    from islandmode.rehearse.lab_place import lab_meant
    from islandmode.ui.lab_commands import up

    return up(workspace, lab_meant(workspace, lab, topology), backend)


@lab_app.command("status")
def lab_status(workspace: Workspace = HERE, lab: LabName = None) -> int:
    """List the lab's nodes."""
    from islandmode.rehearse.lab_place import STATE
    from islandmode.ui.lab_commands import status as show_status
    from islandmode.ui.silent_disk import looking

    with looking(workspace / STATE) as watch:
        return show_status(workspace, _lab_meant(workspace, lab), watch)


@lab_app.command("shell", context_settings={"ignore_unknown_options": True})
def lab_shell(
    node: NodeName,
    command: Annotated[list[str] | None, typer.Argument(help="A command; a shell if not given.")] = None,
    workspace: Workspace = HERE,
    lab: LabName = None,
) -> int:
    """Open a shell in a node, or run a command there."""
    from islandmode.rehearse.lab_place import STATE
    from islandmode.ui.lab_commands import shell
    from islandmode.ui.silent_disk import looking

    with looking(workspace / STATE) as watch:
        return shell(workspace, _lab_meant(workspace, lab), node, tuple(command or ()), watch)


@lab_app.command("restart")
def lab_restart(node: NodeName, workspace: Workspace = HERE, lab: LabName = None) -> int:
    """Restart a node: links and saved files stay, running state goes."""
    from islandmode.rehearse.lab_place import STATE
    from islandmode.ui.lab_commands import restart
    from islandmode.ui.silent_disk import looking

    with looking(workspace / STATE) as watch:
        return restart(workspace, _lab_meant(workspace, lab), node, watch)


@lab_app.command("graph")
def lab_graph(
    file: Annotated[Path | None, typer.Argument(help="SVG file to write; standard output if not given.")] = None,
    workspace: Workspace = HERE,
    site: Annotated[str | None, typer.Option("--site", help="The site that the lab stands for.")] = None,
    topology: TopologyFile = None,
) -> int:
    """Draw the lab: zones by level, nodes, links, conduits."""
    from islandmode.ui.picture.command import draw_lab

    return draw_lab(workspace, file, site, topology)


@lab_app.command("list")
def lab_list(workspace: Workspace = HERE) -> int:
    """List the labs of this machine, and the runs that use them."""
    from islandmode.ui.lab_commands import list_labs
    from islandmode.ui.silent_disk import looking

    with looking(workspace / RUNS) as watch:
        return list_labs(workspace, watch)


@lab_app.command("down")
def lab_down(
    workspace: Workspace = HERE,
    lab: LabName = None,
    force: Annotated[  # noqa: FBT002 - typer's way
        bool, typer.Option("--force", help="Stop and restore the runs that use it first.")
    ] = False,
) -> int:
    """Take the lab down; nothing is left behind.

    Refused while a run uses it, or may have left something isolated in it.
    """
    from islandmode.ui.lab_commands import down
    from islandmode.ui.silent_disk import looking

    with looking(workspace / RUNS) as watch:
        return down(workspace, _lab_meant(workspace, lab), watch, force=force)
