"""The ledger's receiver off this host: it gets each line, and its acknowledgement is on record before anything is armed.

It is asked in a process apart, which may be left behind: whatever a host or a mail server does, nothing waits longer than the site
says. A restore asks nobody.
"""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.errors import InputError, Refused
from islandmode.core.ledger import Ledger, checkpoint_of
from islandmode.core.ledger_receiver import LedgerReceiver, MailReceiver
from islandmode.core.text import cleaned
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.store.ledger import ledger_of, sending, write_acknowledged
from islandmode.system.apart import ANSWER_BYTES, once, words_in
from islandmode.system.append_there import NotAcknowledged, append_there
from islandmode.system.clock import Clock, iso_utc
from islandmode.system.disk import answer_within
from islandmode.system.mailing import hand_over
from islandmode.system.openssh import Hop, OpenSsh
from islandmode.system.secrets import Secrets

MORE_S = 1.0
"""How much longer than its receiver may take the process apart is waited for."""
SAID_MAX = 1000


@dataclass(frozen=True)
class Receipt:
    """Whether a receiver acknowledged, and what it said, or why it did not."""

    acknowledged: bool
    said: str


async def acknowledge(
    workspace: Path, receiver: LedgerReceiver, entered: LedgerEntered, clock: Clock, *, live: bool
) -> LedgerAcknowledged:
    """Have a line acknowledged, bounded; raises `Refused` where the site demands it of a live run and it was not."""
    receipt = await _asked(workspace, receiver, entered.size, iso_utc(clock.utc_us()))
    record = LedgerAcknowledged(
        receiver=receiver.told, line=entered.size, acknowledged=receipt.acknowledged, said=receipt.said
    )
    if live and receiver.demanded and not receipt.acknowledged:
        raise Refused(
            f"{not_acknowledged(record.data())} The site demands that of a live run; see that its receiver answers, and begin again. "
            "Nothing was touched.",
            "preflight",
        )
    return record


def not_acknowledged(data: object) -> str:
    """Say that a line was not acknowledged, by its record."""
    said = data if isinstance(data, dict) else {}
    why = str(said.get("said")).rstrip(".")
    return f"The ledger's receiver ({said.get('receiver')}) did not acknowledge line {said.get('line')}: {why}."


async def _asked(workspace: Path, receiver: LedgerReceiver, size: int, utc: str) -> Receipt:
    try:
        child = once(_work(workspace, receiver, size, utc))
    except (OSError, InputError) as error:
        return Receipt(acknowledged=False, said=str(error))
    try:
        answer = await answer_within(child, receiver.within + MORE_S)
    except OSError:
        answer = None
    return _receipt(answer, receiver.within)


def send_on(workspace: Path, receiver: LedgerReceiver, clock: Clock) -> Receipt:
    """Give the receiver what the ledger has by now, bounded: for lines after a run's end. Never raises."""
    try:
        size = len(ledger_of(workspace).lines)
        child = once(_work(workspace, receiver, size, iso_utc(clock.utc_us())))
    except (OSError, InputError) as error:
        return Receipt(acknowledged=False, said=str(error))
    select.select([child.line], [], [], receiver.within + MORE_S)
    answer = None
    with suppress(OSError):
        answer = child.line.recv(ANSWER_BYTES)
    child.let_go()
    return _receipt(answer, receiver.within)


def _receipt(answer: bytes | None, within_s: float) -> Receipt:
    """Read what came of it, if it came."""
    try:
        said = json.loads(words_in(answer or b""))
        return Receipt(bool(said["acknowledged"]), str(said["said"]))
    except (ValueError, KeyError, TypeError):
        return Receipt(acknowledged=False, said=f"it did not answer within {within_s:g} s")


def _work(workspace: Path, receiver: LedgerReceiver, size: int, utc: str) -> Callable[[], bytes]:
    """Prepare what the process apart does; raises `InputError` for a secret that cannot be had."""
    key = ""
    if receiver.ssh is not None:
        secrets = Secrets(workspace)
        secrets.fetch((receiver.ssh.key,))
        key = secrets.resolve(receiver.ssh.key)

    def work() -> bytes:
        # The whole exchange has one end, whatever the other side does; who asked reads the silence.
        # With it ends whatever it has started: an ssh whose other side hangs would stay.
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, receiver.within)
        try:
            with sending(workspace):
                said = _delivered(workspace, receiver, size, utc, key)
        except (NotAcknowledged, InputError, OSError) as error:
            return _words(acknowledged=False, said=str(error))
        with suppress(OSError):
            write_acknowledged(workspace, receiver.told, size, utc)
        return _words(acknowledged=True, said=said)

    return work


def _words(*, acknowledged: bool, said: str) -> bytes:
    return json.dumps({"acknowledged": acknowledged, "said": cleaned(said)[:SAID_MAX]}).encode("ascii")


def _delivered(workspace: Path, receiver: LedgerReceiver, size: int, utc: str, key: str) -> str:
    ledger = ledger_of(workspace)
    if ledger.why or len(ledger.kept) < size:
        raise NotAcknowledged("the ledger was altered since the line was written")
    via = receiver.via
    if isinstance(via, MailReceiver):
        message = _message(via, ledger, size, utc)
        return hand_over((str(via.address), via.port), via.sender, via.to, message, receiver.within)
    way = OpenSsh(Hop(str(via.address), via.port, via.user, key), workspace / KNOWN_HOSTS)
    try:
        return append_there(way, via.folder, ledger.name, ledger.kept[:size])
    finally:
        way.close()


def _message(mail: MailReceiver, ledger: Ledger, size: int, utc: str) -> bytes:
    """Write the mail with a checkpoint: in words, and in the form that can be signed."""
    at, line = checkpoint_of(ledger, size), ledger.lines[size - 1]
    if at is None:
        raise NotAcknowledged("the ledger has no line")
    about = f"{line.kind} {line.text('run')}"
    told = [
        f"From: <{mail.sender}>",
        f"To: {', '.join(f'<{address}>' for address in mail.to)}",
        f"Subject: [islandmode] ledger {at.ledger}, line {size}: {about}",
        f"Message-ID: <{at.ledger}.{size}.{at.sha256[:16]}@islandmode>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"Line {size} of an islandmode ledger, written at {utc[:19]}Z: {about}",
        f"drill {line.text('drill')}, mode {line.text('mode')}, result {line.text('result')}",
        "",
        "Keep this. It says what the ledger was, and is checked with: islandmode ledger --checkpoint FILE",
        "",
        at.told(),
        "",
        *at.note().splitlines(),
        "",
    ]
    return "\r\n".join(told).encode("ascii", "backslashreplace")


def asker(
    workspace: Path, receiver: LedgerReceiver | None, clock: Clock, *, live: bool
) -> Callable[[LedgerEntered], Awaitable[LedgerAcknowledged]] | None:
    """Give what has a run's line acknowledged; None where the site names no receiver."""
    return None if receiver is None else partial(acknowledge, workspace, receiver, clock=clock, live=live)
