"""One play on the firewall node: what has a say in it, what it lets anybody see, and what is left of it when it is ended."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from islandmode.core.recipe.plays import PlayRun
from islandmode.isolation.by_play import folder as of_play
from islandmode.isolation.by_play import player as players
from islandmode.isolation.by_play.player import NotBegun, Player, PlayFailed
from islandmode.isolation.by_recipe.trouble import NoAnswer
from islandmode.isolation.platform import Access
from tests.isolation.by_play.world import HANGS, PROJECT, PlayBench, Said, texts_of
from tests.isolation.contract import PATIENT_S
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode
from tests.patience import PATIENCE_S, wait_until

FACTS = PlayRun("playbooks/facts.yml", ())
NOWHERE = Access("192.0.2.1", 22, "drill", "sudo", Path("/dev/null"), password=PASSWORD)
WITHIN_S = 120.0
HOSTILE = "[defaults]\nhost_key_checking = False\nremote_user = nobody\ncallbacks_enabled = no_such\n[ssh_connection]\nssh_args = -o StrictHostKeyChecking=no\n"


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files and variables of the user say otherwise, wherever Ansible looks for them."""
    (tmp_path / ".ansible.cfg").write_text(HOSTILE)
    (tmp_path / "ansible.cfg").write_text(HOSTILE)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "HOME": str(tmp_path),
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_REMOTE_USER": "nobody",
        "ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no",
        "ANSIBLE_STDOUT_CALLBACK": "no_such",
    }.items():
        monkeypatch.setenv(name, value)


def of(mark: str) -> list[Path]:
    """Find the processes of a play."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and mark.encode() in (process / "environ").read_bytes():
                found.append(process)
    return found


def bytes_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file():
                yield path, path.read_bytes()


@pytest.mark.lab
@pytest.mark.usefixtures("hostile")
def test_nobody_sees_the_password_and_a_runner_that_is_killed_leaves_no_process(
    bench: PlayBench, node: FirewallNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The play gets as far as its second task although files of the user say otherwise; then its runner is killed."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: "a-mark-of-this-test")
    said, ended = Said("play"), list[BaseException]()
    player = Player("fw", bench.access(node.relay()), said)

    def play() -> None:
        try:
            player.play(FACTS, texts_of(bench.recipe)[FACTS.playbook].rstrip() + HANGS, WITHIN_S)
        except NoAnswer as error:
            ended.append(error)

    thread = threading.Thread(target=play)
    thread.start()
    wait_until(lambda: any("begun: Stand still" in line for line in said.lines), "the play has begun to stand still")
    # Ansible tells of a task before it forks for it.
    wait_until(lambda: len(of("a-mark-of-this-test")) > 2, "the processes of the play are there")
    processes = of("a-mark-of-this-test")
    folder = Path(
        next(word for word in processes[0].joinpath("environ").read_text().split("\0") if word.startswith("HOME="))[5:]
    )
    assert folder.name.startswith(of_play.PREFIX)
    assert (folder.stat().st_mode & 0o777) == 0o700
    for process in processes:
        for name in ("cmdline", "environ"):
            assert PASSWORD.encode() not in (process / name).read_bytes()
    assert [path for path, data in bytes_in(folder) if PASSWORD.encode() in data] == []
    runner = next(process for process in processes if b"runner.py" in (process / "cmdline").read_bytes())
    os.kill(int(runner.name), signal.SIGKILL)
    thread.join(PATIENCE_S)
    assert [str(error) for error in ended] == [
        'the process that ran playbooks/facts.yml was ended, in the task "Stand still", so that what the play did is not known'
    ]
    assert of("a-mark-of-this-test") == []
    assert not folder.exists()
    assert any("table inet site" in line for line in said.lines)


@pytest.mark.lab
@pytest.mark.usefixtures("hostile")
@pytest.mark.more
def test_a_host_key_that_is_not_known_is_refused_whatever_anybody_says(bench: PlayBench, node: FirewallNode) -> None:
    relay = node.relay()
    access = bench.access(relay, node.known_hosts(relay, name="other"))
    with pytest.raises(
        PlayFailed,
        match=r"playbooks/facts.yml failed, in the task .*: the device's host key is not the known key, so that no",
    ):
        Player("fw", access).play(FACTS, texts_of(bench.recipe)[FACTS.playbook], WITHIN_S)


@pytest.mark.lab
@pytest.mark.more
def test_a_key_is_a_file_in_memory_alone(bench: PlayBench, node: FirewallNode) -> None:
    key = (node.folder / "key").read_text()
    access = replace(bench.access(node.relay()), password=None, key=key)
    said = Said("play")
    Player("fw", access, said).play(FACTS, texts_of(bench.recipe)[FACTS.playbook], WITHIN_S)
    assert said.lines[-1] == "< ended: successful"
    assert key.splitlines()[1] not in "\n".join(said.lines)


@pytest.mark.lab
@pytest.mark.more
def test_the_playbook_for_people_takes_every_isolation_away(bench: PlayBench, node: FirewallNode) -> None:
    for conduit in bench.conduits:
        node.run(f"nft add table inet islandmode_{conduit}")
    player = Player("fw", bench.access(node.relay()))
    for _ in range(2):
        player.play(PlayRun("playbooks/restore.yml", ()), (PROJECT / "playbooks/restore.yml").read_text(), WITHIN_S)
        assert node.run("nft list tables").split("\n") == ["table inet site", ""]


@pytest.mark.lab
@pytest.mark.more
def test_a_play_that_is_late_is_ended(bench: PlayBench, node: FirewallNode) -> None:
    player = Player("fw", bench.access(node.relay()))
    with pytest.raises(NoAnswer, match=r"did not end within 15 s and was ended"):
        player.play(FACTS, texts_of(bench.recipe)[FACTS.playbook].rstrip() + HANGS, 15.0)


@pytest.mark.lab
@pytest.mark.more
def test_an_end_from_another_thread_ends_a_play_at_once(bench: PlayBench, node: FirewallNode) -> None:
    said = Said("play")
    player = Player("fw", bench.access(node.relay()), said)

    def end() -> None:
        wait_until(lambda: any("begun" in line for line in said.lines), "the play begins")
        player.end()

    threading.Thread(target=end).start()
    with pytest.raises(NoAnswer, match="was ended"):
        player.play(FACTS, texts_of(bench.recipe)[FACTS.playbook].rstrip() + HANGS, WITHIN_S)
    with pytest.raises(NotBegun, match="given up before"):
        player.play(FACTS, texts_of(bench.recipe)[FACTS.playbook], WITHIN_S)


@pytest.mark.lab
@pytest.mark.more
def test_a_restore_needs_no_ansible(bench: PlayBench, node: FirewallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a look; and preflight says what is missing."""
    monkeypatch.setattr(players, "find_spec", lambda name: None if name == "ansible_runner" else object())
    for conduit in bench.conduits:
        node.run(f"nft add table inet islandmode_{conduit}; nft add counter inet islandmode_{conduit} by_somebody")

    async def story() -> None:
        point, rescue = bench.point(), bench.point(run=None)
        facts = await point.facts(PATIENT_S)
        assert facts.value is not None, facts.why
        (why,) = facts.value.unready
        assert why.startswith(
            "it is isolated by Ansible plays, and ansible-core or ansible-runner is not installed beside Islandmode;"
        )
        assert why.endswith("pip install 'islandmode[ansible]'")
        assert set(facts.value.standing or ()) == set(bench.conduits)
        seen = await rescue.restore(bench.conduits, PATIENT_S)
        assert seen.value is not None, seen.why
        assert seen.value.clear
        assert "islandmode" not in node.run("nft list tables")
        for each in (point, rescue):
            await each.close()

    bench.play(story)


def test_without_ansible_nothing_is_begun_and_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(players, "find_spec", lambda _: None)
    with pytest.raises(NotBegun, match=r"pip install 'islandmode\[ansible\]'"):
        Player("fw", NOWHERE).play(FACTS, "", WITHIN_S)


def test_an_inventory_that_cannot_be_made_begins_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(of_play, "MEMORY", tmp_path)
    access = replace(NOWHERE, known_hosts=tmp_path / "absent")
    with pytest.raises(
        NotBegun, match=r"playbooks/facts.yml was not begun, because no inventory could be made for it .*absent"
    ):
        Player("fw", access).play(FACTS, "", WITHIN_S)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_cannot_be_started_begins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(players, "start", start)
    with pytest.raises(NotBegun, match=r"no process could be started for a play \(Resource temporarily unavailable\)"):
        Player("fw", NOWHERE).play(FACTS, "", WITHIN_S)
