"""Run real drills against a running lab, as a user would: through the command line, in a workspace of one's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import begun_again
from tests.patience import LONG_PATIENCE_S

PROJECT = Path(__file__).resolve().parents[2]
OPERATORS_FOLDERS = ("drills", "inventory", "probes", "playbooks", "lab")
BUILT = shutil.ignore_patterns(".built")
REFUSED = 4


@dataclass(frozen=True)
class Ended:
    """How a drill ended: exit code, its verdict if it wrote one, its directory if it made one, and all it printed."""

    code: int
    verdict: Mapping[str, Any]
    directory: Path | None
    output: str

    def codes(self) -> set[str]:
        """Name the codes of all findings."""
        return {finding["code"] for finding in self.verdict.get("findings", ())}

    def finding(self, code: str) -> Mapping[str, Any]:
        """Give the first finding with a code."""
        return next(finding for finding in self.verdict["findings"] if finding["code"] == code)

    def records(self) -> list[dict[str, Any]]:
        """Read the conductor's journal."""
        assert self.directory is not None
        return read_journal(self.directory)

    def kinds(self) -> list[str]:
        """Name the kinds of all records, in order."""
        return [record["kind"] for record in self.records()]


def make_workspace(folder: Path, state_dir: Path, edit: Mapping[str, Callable[[str], str]] | None = None) -> Path:
    """Copy the operators' folders, edit some files, and share the running lab's state."""
    for name in OPERATORS_FOLDERS:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, dirs_exist_ok=True, symlinks=True, ignore=BUILT)
    (folder / ".lab").symlink_to(state_dir)
    quick = {"drills/quarterly-isolation.yaml": quick_holds}
    for path, change in {**quick, **(edit or {})}.items():
        file = folder / path
        text = file.read_text(encoding="utf-8")
        text = quick_holds(text) if path in quick else text
        changed = change(text) if change is not quick_holds else text
        assert changed != file.read_text(encoding="utf-8"), f"the edit of {path} changed nothing"
        file.write_text(changed, encoding="utf-8")
    return folder


def quick_holds(text: str) -> str:
    """Shorten the holds: what is shown in 12 s is shown in 2."""
    return text.replace("hold: 8 s", "hold: 2 s").replace("hold: 12 s", "hold: 3 s")


class Drill(subprocess.Popen[str]):
    """A drill's process, and after a refusal that the busy machine caused the next one, at most twice.

    A test that waits for it need not know: the next process takes the place of the process that ended.
    """

    def __init__(self, argv: Sequence[str], *, again: int = begun_again.AT_MOST, **options: Any) -> None:
        """Start it; `again=0` where it is to be refused."""
        self._argv, self._options, self._again = argv, options, again
        super().__init__(argv, **options)

    def begins_again(self, workspace: Path) -> bool:
        """Begin again where it refused to begin because the machine was busy; false where that is not why it ended."""
        directory = newest_run(workspace)
        if self.returncode != REFUSED or self._again == 0 or directory is None:
            return False
        why = begun_again.busy(read_journal(directory))
        if why:
            if self.stdout is not None:
                self.stdout.close()
            begun_again.NOTED.append(f"{directory.name}: {why}")
            # The class keeps the number of a descriptor that it has closed.
            vars(self).pop("_devnull", None)
            self.__init__(self._argv, again=self._again - 1, **self._options)  # type: ignore[misc]
        return bool(why)


def start(workspace: Path, lab: str, *more: str, named: str = "quarterly-isolation", **options: Any) -> Drill:
    """Start a drill in a session of its own; its output is one stream. `again=0` where it is to be refused."""
    argv = [sys.executable, "-m", "islandmode", "run", f"drills/{named}.yaml", "--mode", "rehearsal"]
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    settings = {**given, "text": True, "cwd": workspace, "env": environment, "start_new_session": True, **options}
    return Drill([*argv, "--lab", lab, *more], **settings)


def end(drill: Drill, workspace: Path, within_s: float = LONG_PATIENCE_S) -> Ended:
    """Wait for a drill and read what it left."""
    output, _ = drill.communicate(timeout=within_s)
    while drill.begins_again(workspace):
        output, _ = drill.communicate(timeout=within_s)
    directory = newest_run(workspace)
    verdict: Mapping[str, Any] = {}
    if directory is not None and (directory / "verdict.json").exists():
        verdict = json.loads((directory / "verdict.json").read_text(encoding="utf-8"))
    return Ended(drill.returncode, verdict, directory, output or "")


def drill(workspace: Path, lab: str, *more: str, **options: Any) -> Ended:
    """Run a drill to its end."""
    return end(start(workspace, lab, *more, **options), workspace)


def newest_run(workspace: Path) -> Path | None:
    """Find the newest run's directory."""
    runs = workspace / "runs"
    found = sorted(path for path in runs.iterdir() if (path / "journals").is_dir()) if runs.is_dir() else []
    return found[-1] if found else None


def read_journal(directory: Path) -> list[dict[str, Any]]:
    """Read a journal as it is now, whole lines only."""
    path = directory / "journals" / "conductor.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def wait_for(
    running: Drill, workspace: Path, kind: str, *, before: Path | None = None, **wanted: Any
) -> dict[str, Any]:
    """Wait until the newest run has a record of this kind with these data; fails at once when the drill has ended."""
    until = time.monotonic() + LONG_PATIENCE_S
    while time.monotonic() < until:
        ended = running.poll() is not None
        directory = newest_run(workspace)
        if directory is not None and directory != before:
            for record in read_journal(directory):
                if record["kind"] == kind and all(record["data"].get(key) == value for key, value in wanted.items()):
                    return record
        if ended and running.begins_again(workspace):
            until = time.monotonic() + LONG_PATIENCE_S
            continue
        assert not ended, f"the drill ended before {kind}: {running.stdout.read() if running.stdout else ''}"
        time.sleep(0.05)
    raise AssertionError(f"no record {kind} {wanted} within {LONG_PATIENCE_S:g} s")
