"""The drill of the quarter with conduits that Ansible plays isolate, and what becomes of it when the runner dies, hangs or fails."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import drill, end, make_workspace, start, wait_for
from tests.lab.guarded import ask, end_quietly, is_isolated, run_of, see_restored, wait_restored
from tests.lab.rogue.bypass import in_node
from tests.patience import wait_until

pytestmark = pytest.mark.lab
FIREWALL = "conduit-firewall"
NODE = "fw"
SITE, DRILL, ISOLATE = "inventory/riverside.yaml", "drills/quarterly-isolation.yaml", "playbooks/isolate.yml"
STAGES = """stages:
  - name: everything
    isolate: [remote-access, corporate-dmz, corporate-line3]
    hold: HOLD

"""


def by_plays(text: str) -> str:
    """Drive the site's firewall by plays."""
    return text.replace("platform: nftables\n", "platform: nftables-plays\n")


def in_one_stage(hold: str = "3 s", dead_man: str = "2 min") -> Any:
    """Isolate in one stage, with the time that Ansible takes."""

    def edit(text: str) -> str:
        text = re.sub(
            r"^stages:\n.*?(?=^# A conduit of)", STAGES.replace("HOLD", hold), text, flags=re.MULTILINE | re.DOTALL
        )
        for good, other in (
            ("isolate_within: 5 s", "isolate_within: 45 s"),
            ("restore_within: 10 s", "restore_within: 20 s"),
            ("dead_man: 3 min", f"dead_man: {dead_man}"),
        ):
            assert good in text
            text = text.replace(good, other)
        return text

    return edit


def workspace_of(folder: Path, lab: Lab, hold: str = "3 s", dead_man: str = "2 min", more: Any = None) -> Path:
    return make_workspace(folder, lab.state_dir, {SITE: by_plays, DRILL: in_one_stage(hold, dead_man), **(more or {})})


def test_a_drill_by_plays_holds_and_everything_is_as_before(tmp_path: Path, lab: Lab) -> None:
    before = in_node(lab, NODE, "nft", "-s", "-t", "list", "ruleset")
    ended = drill(workspace_of(tmp_path, lab), lab.name)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    assert in_node(lab, NODE, "nft", "-s", "-t", "list", "ruleset") == before


HANGS = """
    - name: Stand still
      ansible.builtin.command: {argv: [sleep, "600"]}
"""
FAILS = """
    - name: Tell the switches too
      ansible.builtin.command: {argv: [sh, -c, "echo no such switch >&2; exit 3"]}
"""
RECIPE = "inventory/recipes/nftables-plays.yaml"


def ending_with(task: str) -> Any:
    return lambda text: text.rstrip() + task


def soon(text: str) -> str:
    """Give the isolate less time than it takes to find out that it hangs."""
    return text.replace("isolate: 60 s", "isolate: 40 s")


def standing_still(text: str) -> str:
    """Hang before anything is isolated."""
    return text.replace("  tasks:\n", "  tasks:" + HANGS)


def processes(words: bytes) -> list[int]:
    """Find processes by words in their command lines."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if words in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return found


def playing(run: Path) -> list[int]:
    """Find every process of a play that isolates for a run: the runner itself names none."""
    return [
        pid for pid in processes(run.name.encode()) if b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def runner_of(pid: int) -> int:
    """Find the runner: the parent of the playbook that it started."""
    while b"runner.py" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    return pid


def says_begun(run: Path, task: str) -> bool:
    """Tell whether a run's transcript says that a task has begun."""
    return f"begun: {task}" in (run / "transcripts" / f"{FIREWALL}-conductor.txt").read_text(encoding="utf-8")


def wait_play(workspace: Path, task: str) -> list[int]:
    """Wait until a task of the isolating play has begun; gives the processes of that play."""
    wait_until(lambda: says_begun(run_of(workspace), task), f"the task {task} begins")
    return playing(run_of(workspace))


@pytest.mark.more
def test_a_play_that_fails_half_way_is_restored_at_once(tmp_path: Path, lab: Lab) -> None:
    ended = drill(workspace_of(tmp_path, lab, more={ISOLATE: ending_with(FAILS)}), lab.name)
    assert ended.verdict.get("restoration") == "proven", ended.output
    assert ended.code != 0
    why = next(record["data"]["why"] for record in ended.records() if record["kind"] == "isolate.result")
    assert why == (
        'playbooks/isolate.yml failed, in the task "Tell the switches too": no such switch; the lines before it took effect'
    )
    see_restored(lab)


@pytest.mark.more
def test_a_runner_that_is_killed_isolates_nothing_and_is_named(tmp_path: Path, lab: Lab) -> None:
    workspace = workspace_of(tmp_path, lab, dead_man="80 s", more={ISOLATE: standing_still})
    running = start(workspace, lab.name)
    wait_for(running, workspace, "isolate.intent")
    found = wait_play(workspace, "Stand still")
    os.kill(runner_of(found[0]), signal.SIGKILL)
    ended = end(running, workspace)
    assert ended.verdict.get("restoration") == "proven", ended.output
    assert ended.verdict["verdict"] != "held"
    assert ended.finding("not-isolating")["sentence"] == (
        "The drill was stopped and restored: conduit-firewall did not isolate remote-access, corporate-dmz, corporate-line3: the process that ran "
        'playbooks/isolate.yml was ended, in the task "Stand still", so that what the play did is not known.'
    )
    assert not any(Path(f"/proc/{pid}").exists() for pid in found)
    see_restored(lab)


@pytest.mark.more
def test_a_play_that_hangs_behind_its_isolation_is_ended_and_the_device_is_believed(tmp_path: Path, lab: Lab) -> None:
    """What the play says counts nothing either way: the firewall shows the isolation and its timer, so that the drill goes on."""
    workspace = workspace_of(tmp_path, lab, dead_man="80 s", more={ISOLATE: ending_with(HANGS), RECIPE: soon})
    ended = drill(workspace, lab.name)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    assert ended.directory is not None
    assert processes(ended.directory.name.encode()) == []
    see_restored(lab)


@pytest.mark.more
def test_a_play_that_hangs_before_it_isolates_is_ended_and_named(tmp_path: Path, lab: Lab) -> None:
    workspace = workspace_of(tmp_path, lab, dead_man="80 s", more={ISOLATE: standing_still, RECIPE: soon})
    ended = drill(workspace, lab.name)
    assert ended.verdict.get("restoration") == "proven", ended.output
    assert ended.verdict["verdict"] != "held"
    assert (
        'playbooks/isolate.yml did not end within 28 s and was ended, in the task "Stand still", so that what it did is not known.'
        in ended.finding("not-isolating")["sentence"]
    )
    see_restored(lab)


@pytest.mark.more
def test_a_conductor_that_is_killed_in_mid_play_takes_the_play_with_it(tmp_path: Path, lab: Lab) -> None:
    workspace = workspace_of(tmp_path, lab, dead_man="80 s", more={ISOLATE: ending_with(HANGS)})
    running = start(workspace, lab.name)
    wait_for(running, workspace, "isolate.intent")
    found = wait_play(workspace, "Stand still")
    assert is_isolated(lab)
    running.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found), "no process of the play is left")
    wait_restored(lab)
    end_quietly(running)
    restored = ask(workspace, lab, "restore")
    assert restored.returncode == 0, restored.stderr
    see_restored(lab)
