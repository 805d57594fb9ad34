"""Where a row is played: the workspace, drill and flows of each way to isolate, by the grounds that its own tests in the lab have."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from tests.crash.breaking import DRILL, Stage
from tests.crash.referee import Flow, Referee
from tests.crash.scenarios import Scenario, Way
from tests.crash.way_rows import AMID
from tests.lab import by_hand, examples, test_commit_confirm, test_pair, test_plays
from tests.lab.drills import make_workspace

TARGETS = (
    ("remote-access", "vendor", "10.40.0.20", 8080),
    ("remote-access", "vendor", "fd10:40::20", 8080),
    ("remote-access", "ops", "10.15.0.10", 8443),
    ("corporate-dmz", "erp", "10.20.0.10", 8080),
    ("corporate-dmz", "historian", "fd10:10::10", 8080),
    ("corporate-line3", "office", "10.40.0.10", 502),
    ("corporate-line3", "ops", "fd10:10::10", 8080),
)
PAIR_TARGETS = (
    ("offices-station", "office", "10.71.0.20", 8080),
    ("offices-station", "ops", "10.70.0.20", 8080),
)
PAIR_LAB = "ashby"
ANSWERS_WITHIN_S = 60
"""What the person says goes through the real command, which takes its time on a busy machine."""
Targets = tuple[tuple[str, str, str, int], ...]


def flows(lab: Lab, targets: Targets = TARGETS) -> tuple[Flow, ...]:
    """Give the flows that the referee opens, on the machine's own clock: both directions, and both families where the plant has both."""
    return tuple(
        Flow(conduit, lab.enter(node, (), network_only=True), host, port) for conduit, node, host, port in targets
    )


def referee_of(stage: Stage) -> Referee:
    """Make the referee of a row: it opens the row's flows, and reads every firewall that isolates."""
    targets = PAIR_TARGETS if stage.scenario.way is Way.PAIR else TARGETS
    firewalls = {node: stage.lab.enter(node, (), network_only=True) for node in stage.firewalls}
    return Referee(flows(stage.lab, targets), firewalls)


def stage_of(scenario: Scenario, lab: Lab, folder: Path) -> AbstractContextManager[Stage]:
    """Give where a row is played, for as long as it is."""
    lab = backends.attach(lab.name, lab.state_dir) or lab
    if scenario.way is None:
        return nullcontext(by_its_own_lines(scenario, lab, folder))
    return STAGES[scenario.way](scenario, lab, folder)


def by_its_own_lines(scenario: Scenario, lab: Lab, folder: Path) -> Stage:
    """The drill of the quarter, as the product isolates the lab's firewall by itself."""
    return Stage(scenario, lab, make_workspace(folder, lab.state_dir, {DRILL: limits_of(scenario)}))


def limits_of(scenario: Scenario) -> Callable[[str], str]:
    """Give the change to the drill's file that a row needs."""
    first, second = scenario.holds_s

    def change(text: str) -> str:
        return (
            text.replace("hold: 2 s", f"hold: {first} s  # first")
            .replace("hold: 3 s", f"hold: {second} s  # second")
            .replace("dead_man: 3 min", f"dead_man: {scenario.dead_man_s} s")
            .replace("isolate_within: 5 s", "isolate_within: 3 s")
            .replace("restore_within: 10 s", "restore_within: 5 s")
        )

    return change


@contextmanager
def by_plays(scenario: Scenario, lab: Lab, folder: Path) -> Iterator[Stage]:
    """The same firewall, isolated by Ansible plays; a play that hangs does so before or behind that which isolates."""
    hangs: Mapping[str, Callable[[str], str]] = {
        "hangs before": test_plays.standing_still,
        "hangs behind": test_plays.ending_with(test_plays.HANGS),
    }
    assert AMID in test_plays.HANGS
    more = {test_plays.ISOLATE: hangs[scenario.variant]} if scenario.variant else {}
    hold, dead_man = f"{scenario.holds_s[0]} s", f"{scenario.dead_man_s} s"
    yield Stage(scenario, lab, test_plays.workspace_of(folder, lab, hold, dead_man, more))


@contextmanager
def by_a_hand(scenario: Scenario, lab: Lab, folder: Path) -> Iterator[Stage]:
    """Riverside whose remote access a person isolates by a cable; that person stands there for as long as the row is played."""
    asked_to_restore: list[str] = []

    def pulls_silently(person: by_hand.Person, _ask: dict[str, Any]) -> None:
        person.pull()

    def pushes_when_asked_again(person: by_hand.Person, ask: dict[str, Any]) -> None:
        asked_to_restore.append(ask["ask"])
        if len(asked_to_restore) > 1:
            person.push()

    acts = dict(by_hand.GOOD)
    if scenario.variant == "silent":
        acts["isolate"] = pulls_silently
    elif scenario.variant:
        acts["restore"] = pushes_when_asked_again
    workspace = by_hand.workspace_of(folder, lab, f"{scenario.holds_s[0]} s", within_s=ANSWERS_WITHIN_S)
    with by_hand.at_the_cabinet(lab, workspace, acts) as person:
        yield Stage(scenario, lab, workspace, f"drills/{by_hand.DRILL}.yaml", push=person.push)


@contextmanager
def on_a_pair(scenario: Scenario, _lab: Lab, folder: Path) -> Iterator[Stage]:
    """Ashby's two firewalls with keepalived, in a lab of the row's own."""
    with examples.up(PAIR_LAB, folder / "project") as workspace:
        lab = backends.attach(PAIR_LAB, workspace / ".lab")
        assert lab is not None
        drill = workspace / test_pair.DRILL
        text = drill.read_text(encoding="utf-8")
        for good, other in (
            ("hold: 12 s", f"hold: {scenario.holds_s[0]} s"),
            ("dead_man: 2 min", f"dead_man: {scenario.dead_man_s} s"),
        ):
            assert good in text
            text = text.replace(good, other)
        drill.write_text(text, encoding="utf-8")
        test_pair.make_active(lab)
        program: tuple[str, ...] = ()
        if scenario.variant == "one member":
            program = (sys.executable, "-m", "tests.lab.on_one_member", str(workspace), lab.name, str(lab.state_dir))
        yield Stage(scenario, lab, workspace, test_pair.DRILL, tuple(test_pair.POINTS.values()), program)


@contextmanager
def by_candidate(scenario: Scenario, lab: Lab, folder: Path) -> Iterator[Stage]:
    """The same firewall, isolated through NAPALM by one commit that the firewall itself takes back."""
    with test_commit_confirm.napalm_state(lab) as state:
        hold, dead_man = f"{scenario.holds_s[0]} s", f"{scenario.dead_man_s} s"
        workspace = test_commit_confirm.workspace_of(folder, lab, state, hold, dead_man, within="12 s")
        yield Stage(scenario, lab, workspace)


STAGES: Mapping[Way, Callable[[Scenario, Lab, Path], AbstractContextManager[Stage]]] = {
    Way.PLAYS: by_plays,
    Way.HAND: by_a_hand,
    Way.PAIR: on_a_pair,
    Way.CANDIDATE: by_candidate,
}
