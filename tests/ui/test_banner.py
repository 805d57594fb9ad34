"""What an earlier run left isolated is said by every later command, whatever that command is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.chain import GENESIS
from islandmode.core.errors import InputError
from islandmode.core.record import Record
from islandmode.operate.watch import beside
from islandmode.store.journal import encode
from tests.system.hanging_disk import unanswered_mount
from tests.ui.test_runs_commands import ARMED, SEEN, ask, leave_run

GUARDIAN = encode(
    Record(0, "riverside", "2026-01-a", "guardian", "boot", 1, 1, "guardian.ready", {"points": ["conduit-firewall"]}),
    GENESIS,
)
BANNER = "STRANDED: 2026-01-a ended and restoration of conduit-firewall was not seen; no guardian is running."


@pytest.mark.parametrize("command", [("runs",), ("show",), ("lab", "status"), ("status",)])
def test_every_command_says_what_was_not_seen_back(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_run(tmp_path, "2026-01-a", ARMED)
    ask(*command, workspace=tmp_path)
    said = capsys.readouterr()
    assert said.err.count(BANNER) == 1
    assert BANNER not in said.out


def test_a_command_that_fails_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave_run(tmp_path, "2026-01-a", ARMED)
    with pytest.raises(InputError):
        ask("validate", "no-such-drill", workspace=tmp_path)
    assert BANNER in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut off", "flipped", "newer", "emptied", "no plan"])
def test_a_damaged_record_is_never_quiet(damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever became of the record of a run that isolated: it owes a restore until one was seen."""
    root = leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN] if damage in ("flipped", "newer") else ARMED)
    journal = root / "journals" / "conductor.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(
        {
            "cut off": whole[:-10],
            "flipped": whole.replace(b'"vendors"', b'"vendorz"'),
            "newer": whole.replace(b'"v":1', b'"v":9'),
            "emptied": b"",
            "no plan": whole,
        }[damage]
    )
    (journal.with_name("guardian.jsonl")).write_bytes(GUARDIAN)
    if damage == "no plan":
        (root / "plan.json").unlink()
    ask("runs", workspace=tmp_path)
    said = capsys.readouterr().err
    assert "STRANDED: 2026-01-a" in said
    assert "Traceback" not in said


def test_a_run_that_ended_before_its_first_record_owes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_run(tmp_path, "2026-01-a", [])
    ask("runs", workspace=tmp_path)
    assert "STRANDED" not in capsys.readouterr().err


def test_a_banner_that_a_hanging_disk_keeps_back_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave_run(tmp_path, "2026-01-a", ARMED)
    with unanswered_mount(tmp_path / "runs"), pytest.raises(InputError):
        ask("validate", "no-such-drill", workspace=tmp_path)
    said = capsys.readouterr().err
    assert "it is not known whether an earlier run left something isolated: that took longer than 3 s." in said


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (InputError("The plan is spoilt."), "The plan is spoilt"),
        (OSError(5, "Input/output error"), "[Errno 5] Input/output error"),
        (KeyError("kind"), "internal error (KeyError)"),
    ],
)
def test_what_is_done_beside_says_why_it_was_not_done(
    error: BaseException, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert beside(lambda: fail(error), 5.0) == why
    assert beside(lambda: None, 5.0) == ""
    assert capfd.readouterr().err == ""
