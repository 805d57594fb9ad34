"""The whole request of a run, as a file.

From it a lab's operations host, the guardian and a scheduler start what belongs to the run. It is written before the run
begins, beside the runs, and moves into the run's folder when that is made: a run that was refused before it began leaves no
request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from islandmode.core.break_glass import BreakGlass, read_break_glass
from islandmode.core.errors import InputError, Refused
from islandmode.core.text import cleaned
from islandmode.system import modes
from islandmode.system.disk import make_folder
from islandmode.system.machine_state import read_plain

FORMAT = 1
REQUEST = "request.json"
WAITING = Path("runs")


@dataclass(frozen=True)
class RunRequest:
    """What was asked for, whole: nothing else that a person typed has any say in the run."""

    run: str
    workspace: Path
    drill: str
    """The drill's file or name, as it was asked for."""
    mode: str
    operator: str
    ground: Mapping[str, Any] = field(default_factory=dict)
    """Where the run stands, as the ground itself says it."""
    ends_lab: bool = False
    """Whether the lab was brought up for this run, and ends with it."""
    recorded: bool = False
    """Whether its starter, on another machine or outside a container, has recorded the run already."""
    with_go: bool = False
    """Whether it waits for the go of the plant floor before it arms."""
    break_glass: BreakGlass | None = None
    """Who runs it live without approvals and a go, and why."""

    @property
    def waiting(self) -> Path:
        """Path at which the request waits for its run; hidden, since it is no run."""
        return self.workspace / WAITING / f".request-{self.run}.json"

    def wait(self) -> Path:
        """Write the request where it waits for its run; raises `Refused`."""
        try:
            make_folder(self.waiting.parent)
            modes.write_text(self.waiting, self.text())
        except OSError as error:
            raise Refused(
                f"The request of the run cannot be written to {self.waiting} ({error.strerror}). Make room or rights there. Nothing "
                "was touched."
            ) from error
        return self.waiting

    def text(self) -> str:
        """Write the request as its file holds it."""
        document = {"v": FORMAT, **vars(self), "workspace": str(self.workspace), "ground": dict(self.ground)}
        # Written only where it is so, as no earlier version knows of it.
        document.pop("break_glass")
        if self.break_glass is not None:
            document["break_glass"] = self.break_glass.words()
        return json.dumps(document, indent=2) + "\n"

    def withdraw(self) -> None:
        """Take the request from where it waits. Never raises."""
        with suppress(OSError):
            self.waiting.unlink()


def read_request(path: Path) -> RunRequest:
    """Read a run's request; raises `InputError` with what is wrong."""
    try:
        document = json.loads(read_plain(path))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise InputError(f"{path} cannot be read ({why}).") from error
    if not isinstance(document, dict) or document.get("v") != FORMAT:
        raise InputError(f"{path} is not a request of this version (format {FORMAT}).")
    words = {name: document.get(name) for name in ("run", "workspace", "drill", "mode", "operator")}
    flags = {name: document.get(name) for name in ("ends_lab", "recorded")}
    # An earlier version wrote nothing of it.
    flags["with_go"] = document.get("with_go", False)
    ground = document.get("ground")
    typed = all(isinstance(word, str) for word in words.values()) and all(type(flag) is bool for flag in flags.values())
    if not typed or not isinstance(ground, dict):
        raise InputError(f"{path} lacks a part of a request, or has one of another type.")
    run, where = cleaned(str(words["run"])), Path(str(words["workspace"]))
    if not run or Path(run).name != run or run.startswith((".", "-")) or not where.is_absolute():
        raise InputError(f"{path} names no run in a workspace.")
    return RunRequest(
        run,
        where,
        str(words["drill"]),
        str(words["mode"]),
        cleaned(str(words["operator"])),
        ground,
        ends_lab=bool(flags["ends_lab"]),
        recorded=bool(flags["recorded"]),
        with_go=bool(flags["with_go"]),
        break_glass=read_break_glass(document.get("break_glass")),
    )


def request_in(root: Path) -> RunRequest | None:
    """Read the request in a run's folder; None where no request can be read: earlier versions wrote none."""
    try:
        return read_request(root / REQUEST)
    except InputError:
        return None
