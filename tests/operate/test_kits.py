"""`vantage kit`: what it writes, and every way in which it is asked for in vain."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.preflight import judge_baseline, judge_plan
from islandmode.operate.plan import plan_of
from islandmode.store.rundir import RunDirectory
from islandmode.ui.program import command
from islandmode.ui.results import print_looked
from tests.lab.drills import make_workspace

DRILL, BEGIN, UNTIL = "quarterly-isolation", "2036-01-09T08:00+02:00", "2036-01-09T18:00Z"
SITE = "inventory/riverside.yaml"


def carried(text: str) -> str:
    return text.replace("  office:\n    zone: corporate\n", "  office:\n    zone: corporate\n    kit: true\n")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "workspace", tmp_path, {SITE: carried})


def asked(workspace: Path, *more: str, vantage: str = "office", drill: str = DRILL, until: str = UNTIL) -> int:
    words = ("vantage", "kit", vantage, "--drill", drill, "--until", until, "--to", str(workspace / "kit"))
    return command([*words, "--workspace", str(workspace), *more])


def test_a_kit_has_what_its_worker_and_its_person_need(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(workspace, "--begin", BEGIN) == 0
    told = capsys.readouterr().out
    _, plan = plan_of(workspace, DRILL)
    assert (
        "a kit for vantage office in drill quarterly-isolation, from 2036-01-09T06:00:00Z until 2036-01-09T18:00:00Z."
        in told
    )
    folder = workspace / "kit"
    assert sorted(path.name for path in folder.iterdir()) == ["README.txt", "schedule.json", "worker.pyz"]
    schedule = json.loads((folder / "schedule.json").read_text(encoding="utf-8"))
    mine = {name: planned.probe for name, planned in plan.probes.items() if planned.probe.vantage == "office"}
    assert schedule["probes"] == {name: probe.model_dump(mode="json", by_alias=True) for name, probe in mine.items()}
    assert (schedule["plan_digest"], schedule["drill_digest"]) == (plan.plan_digest, plan.drill_digest)
    assert (schedule["run"], schedule["begin"]) == (plan.kit_run, "2036-01-09T06:00:00Z")
    assert "key" not in schedule
    text = (folder / "README.txt").read_text(encoding="utf-8")
    assert all(name in text for name in mine)
    # What was written is what its worker takes: it is not refused, and waits for its moment.
    started = subprocess.Popen(
        [sys.executable, "-I", folder / "worker.pyz", "kit"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert started.stdout is not None
        assert started.stdout.readline() == "Waiting until 2036-01-09 06:00:00 UTC. Leave this running.\n"
    finally:
        started.kill()
        started.communicate()


def no_kit(workspace: Path) -> int:
    path = workspace / SITE
    path.write_text(path.read_text(encoding="utf-8").replace("    kit: true\n", ""), encoding="utf-8")
    return asked(workspace)


def not_empty(workspace: Path) -> int:
    (workspace / "kit").mkdir()
    (workspace / "kit" / "mine").touch()
    return asked(workspace, "--begin", BEGIN)


def with_a_login_too(workspace: Path) -> int:
    path = workspace / SITE
    both = path.read_text(encoding="utf-8").replace("kit: true\n", "kit: true\n    ssh: {user: w, key: 'file:k'}\n")
    path.write_text(both, encoding="utf-8")
    return asked(workspace)


def under_a_file(workspace: Path) -> int:
    (workspace / "kit").touch()
    return asked(workspace, "--begin", BEGIN)


REFUSED: tuple[tuple[Callable[[Path], int], str], ...] = (
    (
        no_kit,
        r"riverside\.yaml:\d+:\d+: The site does not say that a kit is carried to vantage office; write kit: true under it",
    ),
    (with_a_login_too, r"riverside\.yaml:\d+:\d+: Vantage office has both ssh and kit; .*: take one out\."),
    (not_empty, r"kit is not empty; name a folder that is new or empty\."),
    (under_a_file, r"kit is not empty; name a folder that is new or empty\."),
    (lambda at: asked(at, vantage="offce"), r"There is no vantage offce; known: "),
    (lambda at: asked(at, until="18:00"), r"--until '18:00' is no moment of UTC; write it as "),
    (lambda at: asked(at, until="2036-01-09T18:00"), r"is no moment of UTC"),
    (lambda at: asked(at, "--begin", "soon"), r"--begin 'soon' is no moment of UTC"),
    (lambda at: asked(at, until="2020-01-09T18:00Z"), r"The kit would end before it began: "),
    (lambda at: asked(at, "--begin", "2036-01-10T18:00Z"), r"The kit would end before it began: "),
    (lambda at: asked(at, "--begin", "2027-01-10T18:00Z"), r"a vantage keeps at most 4 GB, .*; let it end earlier"),
    (lambda at: asked(at, drill="none"), r"none"),
)


@pytest.mark.parametrize(("ask", "why"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_what_cannot_be_is_refused_in_words(workspace: Path, ask: Callable[[Path], int], why: str) -> None:
    with pytest.raises(InputError, match=why):
        ask(workspace)
    assert not (workspace / "kit" / "worker.pyz").exists()


def test_the_plan_says_that_nobody_hears_it(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, plan = plan_of(workspace, DRILL)
    assert plan.kits == ("office",)
    assert plan.vantages["office"].far
    sentences = [finding.sentence for finding in judge_plan(plan) if finding.code == "kit-unseen"]
    assert len(sentences) == 1
    assert sentences[0].startswith("Vantage office is watched by a kit that a person carries there: what office-to-plc")
    assert command(["plan", DRILL, "--workspace", str(workspace)]) == 0
    assert "watched by a kit that a person carries there" in " ".join(capsys.readouterr().out.split())
    # Nothing is heard of its probes before the isolation, and that refuses nothing; of every other it does.
    silent = {finding.probe for finding in judge_baseline(plan, {}, 0)}
    assert silent == {name for name, planned in plan.probes.items() if planned.probe.vantage != "office"}


def test_nobody_logs_in_to_where_a_kit_is_carried(workspace: Path) -> None:
    for words in (("check", "office"), ("trust", "office")):
        with pytest.raises(
            InputError, match=r"riverside\.yaml:\d+:\d+: Nobody logs in to vantage office: a person carries a kit"
        ):
            command(["vantage", *words, "--workspace", str(workspace)])


def test_a_dry_run_does_not_say_that_it_saw_what_only_a_kit_sees(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, plan = plan_of(workspace, DRILL)
    print_looked(plan, RunDirectory(workspace))
    told = capsys.readouterr().out
    (seen,) = (line for line in told.splitlines() if line.startswith("seen good "))
    assert "here" in seen
    assert "office" not in seen
    assert "not seen     what is asked from office: a person carries a kit there" in told


def test_plans_without_a_kit_keep_their_digest(workspace: Path, tmp_path: Path) -> None:
    _, with_kit = plan_of(workspace, DRILL)
    _, without = plan_of(make_workspace(tmp_path / "other", tmp_path), DRILL)
    assert "kit" not in json.loads(without.model_dump_json())["vantages"]["office"]
    assert with_kit.plan_digest != without.plan_digest


def utc_in(after_s: float) -> str:
    """Write a moment of UTC that is to come."""
    return (datetime.now(UTC) + timedelta(seconds=after_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
