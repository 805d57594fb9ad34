"""The last layer alone: no Islandmode process lives, an hour is on the timer, and a person types what the card says."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from islandmode.operate.plan import plan_of
from islandmode.rehearse.lab import Lab
from islandmode.system.own_program import program_anywhere
from islandmode.ui.card import TypedAt, render_card
from tests.lab.drills import PROJECT, end, make_workspace, newest_run, start, wait_for
from tests.lab.leave_isolated import DRILL, RUN
from tests.lab.rogue.bypass import in_node
from tests.more import first_of
from tests.patience import PATIENCE_S
from tests.ui.card_reading import DamagedCard, DevicePage, browse, read_card, rendered, words
from tests.ui.cards import card_of

pytestmark = pytest.mark.lab

FLOWS = {
    "remote-access": ("vendor", "10.40.0.20", 8080),
    "corporate-dmz": ("erp", "10.20.0.10", 8080),
    "corporate-line3": ("office", "10.40.0.10", 502),
}


def passing(lab: Lab) -> set[str]:
    """Find the conduits that a fresh connection crosses now."""
    reach = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
    found = set()
    for conduit, (node, address, port) in FLOWS.items():
        argv = lab.enter(node, ("python3", "-c", reach, address, str(port)))
        if subprocess.run(argv, check=False, capture_output=True, timeout=PATIENCE_S).returncode == 0:
            found.add(conduit)
    return found


def type_on_console(lab: Lab, command: str) -> str:
    """Type a command on the firewall's console; give what it answers, good or bad."""
    argv = lab.enter("fw", ("sh", "-c", command))
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
    return done.stdout + done.stderr


def isolate(lab: Lab, *more: str) -> None:
    """Isolate by the product's own edge, from the operations host; with `again`, see that a late write is refused."""
    argv = (sys.executable, "-m", "tests.lab.leave_isolated", str(PROJECT), lab.name, str(lab.state_dir), *more)
    subprocess.run(lab.enter("ops", argv, network_only=True), check=True, cwd=PROJECT, timeout=PATIENCE_S)


@pytest.fixture
def isolated(lab: Lab) -> Iterator[Lab]:
    """A lab in which every conduit of the drill is isolated and nobody is left to restore it."""
    assert passing(lab) == set(FLOWS)
    isolate(lab)
    yield lab
    for conduit in FLOWS:
        table = f"islandmode_{conduit.replace('-', '_')}"
        in_node(lab, "fw", "nft", "delete", "table", "inet", table, check=False)


@pytest.fixture
def card(lab: Lab, tmp_path: Path) -> Path:
    """The card of a run."""
    path = tmp_path / "card.html"
    at = TypedAt(tmp_path, program_anywhere(), lab.name)
    path.write_text(render_card(plan_of(PROJECT, DRILL)[1], RUN, at=at, lab=True), encoding="utf-8")
    return path


def shown(lab: Lab, page: DevicePage) -> dict[str, set[str]]:
    """Type every look of a device's page; give the words that it shows and must not show."""
    answers = {look: type_on_console(lab, look) for look in page.looks}
    return {look: {word for word in page.looks[look] if word in answer} for look, answer in answers.items()}


@pytest.mark.parametrize("typed", [str, lambda command: command.replace("; ", ";\n")], ids=["one-line", "as-printed"])
def test_the_commands_read_off_the_rendered_card_restore(
    isolated: Lab, card: Path, typed: Callable[[str], str]
) -> None:
    (page,) = read_card(rendered(card))
    assert passing(isolated) == set()
    assert shown(isolated, page)["nft list tables"] == set(page.looks["nft list tables"])
    back: set[str] = set()
    for command in page.commands:
        assert type_on_console(isolated, typed(command)) == ""
        # Each brings its own conduit back at once, and is not waiting for the next.
        back |= {conduit for conduit in FLOWS if conduit.replace("-", "_") in command}
        assert passing(isolated) == back
    assert back == set(FLOWS)
    assert shown(isolated, page) == {look: set() for look in page.looks}


def test_the_commands_do_no_harm_in_another_order_twice_or_for_nothing(isolated: Lab, card: Path) -> None:
    (page,) = read_card(rendered(card))
    for _ in range(2):
        for command in reversed(page.commands):
            assert type_on_console(isolated, command) == ""
        assert passing(isolated) == set(FLOWS)
    assert "table inet plant" in in_node(isolated, "fw", "nft", "list", "tables")


def test_whatever_still_runs_cannot_isolate_again(isolated: Lab, card: Path) -> None:
    (page,) = read_card(rendered(card))
    # One conduit is enough to see it: a stage is one transaction on the device, and all of it fails.
    type_on_console(isolated, page.commands[0])
    isolate(isolated, "again")
    assert "remote-access" in passing(isolated)
    for command in page.commands:
        type_on_console(isolated, command)
    isolate(isolated, "again")
    assert passing(isolated) == set(FLOWS)


def test_a_damaged_card_fails_when_it_is_read_and_nothing_is_typed(card: Path) -> None:
    whole = card.read_text(encoding="utf-8")
    damaged = whole.replace("islandmode_corporate_dmz&#39;", "islandmode_corporate_dm&#39;")
    assert damaged != whole
    card.write_text(damaged, encoding="utf-8")
    with pytest.raises(DamagedCard):
        read_card(rendered(card))


def test_the_card_s_way_to_the_console_leads_there(lab: Lab, card: Path, tmp_path: Path) -> None:
    line = next(line for line in words(rendered(card)) if "islandmode lab shell" in line)
    typed = line.partition(": ")[2]
    (tmp_path / ".lab").symlink_to(lab.state_dir)
    # In any folder and shell, as somebody types it who has only the card.
    argv = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", f"{typed} -- nft list tables"]
    done = subprocess.run(argv, cwd="/", check=False, capture_output=True, text=True, timeout=PATIENCE_S)
    assert "table inet plant" in done.stdout, done.stderr


def test_a_run_has_its_card_before_anything_is_armed(lab: Lab, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, lab.state_dir)
    running = start(workspace, lab.name)
    wait_for(running, workspace, "run.started")
    directory = newest_run(workspace)
    assert directory is not None
    said = words(rendered(directory / "card.html"))
    running.send_signal(signal.SIGTERM)
    ended = end(running, workspace)
    assert directory.name in said
    assert "LAB: a rehearsal, not the plant" in said
    assert f"card   {directory / 'card.html'}" in ended.output


@pytest.mark.parametrize("paper", first_of(["A4", "Letter"]))
def test_every_device_has_one_page_on_paper(tmp_path: Path, paper: str) -> None:
    plan = plan_of(PROJECT, DRILL)[1]
    point = plan.points["conduit-firewall"]
    assert point.login is not None
    login = point.login.model_copy(update={"password": "env:FIREWALL"})
    several = {name: point.model_copy(update={"login": login}) for name in ("one", "another", "a" * 40)}
    page, printed = tmp_path / "card.html", tmp_path / "card.pdf"
    html = card_of(plan.model_copy(update={"points": several}), RUN)
    page.write_text(html.replace("@page{", f"@page{{size:{paper};"), encoding="utf-8")
    browse(f"--print-to-pdf={printed}", page.as_uri())
    # For the plant, for each device, and for the day when the drill turns real.
    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) == 1 + len(several) + 1
