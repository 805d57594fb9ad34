"""The ledger's receiver off this host: a folder behind a real sshd, and a mailbox behind a mail server."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.errors import Refused
from islandmode.core.ledger import BEGUN, read_checkpoint
from islandmode.core.ledger_receiver import LedgerReceiver
from islandmode.operate.receiving import acknowledge, asker, not_acknowledged, send_on
from islandmode.store.ledger import enter, last_told, ledger_of, path_of
from islandmode.system.clock import MachineClock
from islandmode.ui.program import command
from tests.core.given import given, put
from tests.observe.far_host import FarHost, far_host
from tests.operate.mail_server import mail_server

NOW = "2026-11-28T02:54:1{}.000000Z"
TAKES = 'while read -r line && [ "$line" != . ]; do :; done'


def entered(workspace: Path, number: int) -> LedgerEntered:
    made = enter(workspace, BEGUN, NOW.format(number), {"run": f"run-{number}", "mode": "live", "drill": "quarterly"})
    at = made.checkpoint
    assert at is not None
    return LedgerEntered(attempt=1, earlier="", ledger=at.ledger, size=at.size, root=at.root, sha256=at.sha256)


def asked(workspace: Path, receiver: LedgerReceiver, line: LedgerEntered, *, live: bool = False) -> LedgerAcknowledged:
    async def ask() -> LedgerAcknowledged:
        return await acknowledge(workspace, receiver, line, MachineClock.of_this_boot(), live=live)

    return anyio.run(ask)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "inventory").mkdir()
    return tmp_path


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory, workspace: Path) -> Iterator[FarHost]:
    with far_host(tmp_path_factory.mktemp("far") / "host") as made:
        (workspace / "inventory" / "known_hosts").write_text(made.known_hosts.read_text())
        key = workspace / "ledger.key"
        key.write_text(made.key)
        key.chmod(0o600)
        (made.folder / "kept").mkdir()
        yield made


def by_ssh(host: FarHost, folder: str = "", **more: Any) -> LedgerReceiver:
    there = {"address": "127.0.0.1", "port": host.port, "user": getpass.getuser(), "key": "file:ledger.key"}
    return LedgerReceiver.model_validate(
        {"ssh": {**there, "folder": folder or str(host.folder / "kept")}, "within": "60 s", **more}
    )


def by_mail(port: int, **more: Any) -> LedgerReceiver:
    mail = {"address": "127.0.0.1", "port": port, "from": "ot@plant.example", "to": ["audit@corp.example"]}
    return LedgerReceiver.model_validate({"mail": mail, "within": "60 s", **more})


def kept(host: FarHost, workspace: Path) -> Path:
    return host.folder / "kept" / f"{ledger_of(workspace).name}.jsonl"


def test_a_folder_gets_every_line_it_lacks_and_its_last_is_read_back(host: FarHost, workspace: Path) -> None:
    first = asked(workspace, by_ssh(host), entered(workspace, 1))
    assert (first.acknowledged, first.line) == (True, 2)
    assert first.said.startswith("read back there: line 2, sha256 ")
    assert kept(host, workspace).read_bytes() == path_of(workspace).read_bytes()
    # One that was never asked for is sent with the next.
    entered(workspace, 2)
    assert asked(workspace, by_ssh(host), entered(workspace, 3)).acknowledged
    assert kept(host, workspace).read_bytes() == path_of(workspace).read_bytes()
    assert last_told(workspace).startswith(f"line 4 acknowledged by {getpass.getuser()}@127.0.0.1:")
    enter(workspace, "ended", NOW.format(4), {"run": "run-3", "begun": 4})
    assert send_on(workspace, by_ssh(host), MachineClock.of_this_boot()).acknowledged
    assert kept(host, workspace).read_bytes() == path_of(workspace).read_bytes()
    assert [path.name for path in (host.folder / "kept").iterdir()] == [kept(host, workspace).name]


def test_a_ledger_that_was_cut_or_changed_is_found_by_its_receiver(host: FarHost, workspace: Path) -> None:
    for number in (1, 2):
        assert asked(workspace, by_ssh(host), entered(workspace, number)).acknowledged
    lines = path_of(workspace).read_bytes().splitlines(keepends=True)
    path_of(workspace).write_bytes(b"".join(lines[:1]))
    cut = asked(workspace, by_ssh(host), entered(workspace, 5))
    assert cut.said == "it has 3 lines of this ledger, and this workspace 2: lines were cut off here"
    entered(workspace, 6)
    other = asked(workspace, by_ssh(host), entered(workspace, 7))
    assert other.said == "what it has is not the beginning of this ledger: one of the two was changed"
    assert kept(host, workspace).read_bytes() == b"".join(lines)


def test_a_line_that_came_in_part_is_not_there(host: FarHost, workspace: Path) -> None:
    assert asked(workspace, by_ssh(host), entered(workspace, 1)).acknowledged
    whole = kept(host, workspace).read_bytes()
    # As a disk that lost power may leave it.
    kept(host, workspace).write_bytes(whole + b'{"line":3,"ki')
    assert asked(workspace, by_ssh(host), entered(workspace, 2)).acknowledged
    assert kept(host, workspace).read_bytes() == path_of(workspace).read_bytes()


def test_what_keeps_a_folder_from_it_is_said(host: FarHost, workspace: Path) -> None:
    line = entered(workspace, 1)
    missing = asked(workspace, by_ssh(host, str(host.folder / "none")), line)
    assert missing.said == "there is no such folder, or the account may not enter it"
    host.takes("other")
    assert asked(workspace, by_ssh(host), line).said.endswith("does not take the key")
    (workspace / "inventory" / "known_hosts").write_text("")
    assert "holds no host key of 127.0.0.1" in asked(workspace, by_ssh(host), line).said
    (workspace / "ledger.key").unlink()
    refused = asked(workspace, by_ssh(host), line)
    assert refused.said.startswith("The secret file:ledger.key cannot be read")
    assert not_acknowledged(refused.data()).startswith("The ledger's receiver (")


@contextmanager
def hanging(host: FarHost, after: str) -> Iterator[None]:
    """Let the far shell hang, or go away, once the lines have come."""
    program = host.folder / "sh"
    program.write_text(
        f"#!/bin/bash\nread -r name\necho 0 {'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}\n{after}\n"
    )
    program.chmod(0o755)
    host.takes("login", f'command="{program}"')
    yield


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("exec sleep 60", "it did not answer within 3 s"),
        ("read -r line; exit 6", "it ended in the middle, and nothing was put in its place"),
        (f"{TAKES}; echo not a sum", "it ended in the middle, and nothing was put in its place"),
        (f"{TAKES}; echo {'0' * 64}", "what was read back there is not the line that was sent"),
    ],
)
def test_a_folder_that_hangs_or_goes_away_does_not_acknowledge(
    host: FarHost, workspace: Path, after: str, said: str
) -> None:
    with hanging(host, after):
        assert asked(workspace, by_ssh(host, within="3 s"), entered(workspace, 1)).said == said


def test_a_mailbox_acknowledges_by_the_servers_word_for_the_message(workspace: Path) -> None:
    line = entered(workspace, 1)
    with mail_server() as server:
        said = asked(workspace, by_mail(server.port), line)
    assert (said.acknowledged, said.said) == (True, "250 2.0.0 queued as 4711")
    (message,) = server.messages
    at = read_checkpoint(message.decode("ascii").replace("\r\n", "\n"))
    assert at is not None
    assert (at.size, at.sha256, at.root) == (2, line.sha256, line.root)
    assert f"Subject: [islandmode] ledger {line.ledger}, line 2: begun run-1".encode() in message
    (workspace / "mail").write_bytes(message)
    assert command(["ledger", "--workspace", str(workspace), "--checkpoint", str(workspace / "mail")]) == 4


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"rcpt": "550 nobody here"}, "it did not take audit@corp.example (550 nobody here)"),
        ({"mail": "451 not now"}, "it did not take the sender (451 not now)"),
        ({"data": "554 no"}, "554 no"),
        ({"done": "452 disk full"}, "it did not take the message (452 disk full)"),
        ({"done": None}, "it did not answer within 2 s"),
        ({"ehlo": None}, "it did not answer within 2 s"),
        ({"goes_at": "done"}, "Connection unexpectedly closed"),
        ({"goes_at": "rcpt"}, "Connection unexpectedly closed"),
    ],
)
def test_a_mail_server_that_refuses_hangs_or_goes_away_does_not_acknowledge(
    workspace: Path, answers: dict[str, Any], said: str
) -> None:
    line = entered(workspace, 1)
    with mail_server(**answers) as server:
        receipt = asked(workspace, by_mail(server.port, within="2 s"), line)
    assert not receipt.acknowledged
    assert receipt.said in (said, "timed out", f"{said}.")
    assert last_told(workspace) == ""


def test_nobody_there_is_said_and_stops_only_a_live_run_that_demands_it(workspace: Path) -> None:
    line = entered(workspace, 1)
    with mail_server() as server:
        port = server.port
    for demanded, live in ((False, True), (True, False)):
        receipt = asked(workspace, by_mail(port, demanded=demanded), line, live=live)
        assert (receipt.acknowledged, receipt.said) == (False, "Connection refused")
    with pytest.raises(Refused) as refused:
        asked(workspace, by_mail(port, demanded=True), line, live=True)
    assert str(refused.value) == (
        "The ledger's receiver (mail to audit@corp.example) did not acknowledge line 2: Connection refused. The site demands that of a live "
        "run; see that its receiver answers, and begin again. Nothing was touched."
    )
    assert not send_on(workspace, by_mail(port), MachineClock.of_this_boot()).acknowledged


@pytest.mark.parametrize("both", [{}, {"ssh": {}, "mail": {}}])
def test_a_receiver_is_one_of_the_two(both: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LedgerReceiver.model_validate(both)


def test_it_stands_in_a_plan_only_where_the_site_names_it() -> None:
    mail = {"address": "10.30.0.25", "from": "ot@plant.example", "to": "audit@corp.example"}
    plain = given().plan()
    named = given(lambda d: put(d.site, "ledger_receiver", {"mail": mail, "demanded": True})).plan()
    assert "ledger_receiver" not in json.loads(plain.model_dump_json())
    assert named.ledger_receiver is not None
    assert named.ledger_receiver.demand_told == "mail to audit@corp.example, demanded for a live run"
    assert named.drill_digest == plain.drill_digest
    assert named.plan_digest != plain.plan_digest
    assert type(named).model_validate_json(named.model_dump_json(by_alias=True)) == named
    assert asker(Path(), None, MachineClock.of_this_boot(), live=True) is None
