"""Secrets that a program prints: with real programs, each of which does one thing wrong."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.system.process import EMPTY_ENVIRONMENT
from islandmode.system.redaction import Redactor
from islandmode.system.secrets import Secrets
from tests.patience import PATIENCE_S

CANARY = "hunter2-canary"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{'A' * 64}\n-----END OPENSSH PRIVATE KEY-----"


def program(folder: Path, script: str, mode: int = 0o700, first: str = "#!/bin/sh\n") -> Path:
    path = folder / "fw secret"
    path.write_text(first + script, encoding="utf-8")
    path.chmod(mode)
    return path


def resolve(path: Path, *words: str, within_s: float = PATIENCE_S) -> str:
    reference = " ".join((f"command:'{path}'", *words))
    return Secrets(Path("/nowhere"), redactor=Redactor(), within_s=within_s).resolve(reference)[:]


@pytest.mark.parametrize(
    ("script", "secret"),
    [
        ("printf hunter2-canary", CANARY),
        ("echo hunter2-canary", CANARY),
        ("printf 'hunter2-canary\\r\\n'", CANARY),
        ("echo ' two words '", " two words "),
        ('printf "%s." "$@"', "a b.$HOME.*."),
        (f"cat <<'END'\n{KEY}\nEND\n", KEY),
        ("echo hunter2-canary; echo a warning >&2", CANARY),
    ],
)
def test_what_a_program_prints_is_the_secret(script: str, secret: str, tmp_path: Path) -> None:
    assert resolve(program(tmp_path, script), "'a b'", "$HOME", "*") == secret


def test_what_a_program_leaves_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    """As an agent that it starts, which holds its output open."""
    script = f"sleep 600 & echo $! > '{tmp_path / 'pid'}'; echo {CANARY}"
    try:
        assert resolve(program(tmp_path, script)) == CANARY
    finally:
        os.kill(int((tmp_path / "pid").read_text(encoding="ascii")), signal.SIGKILL)


BAD: dict[str, tuple[str, str]] = {
    "fails": ("echo hunter2-canary; echo hunter2-canary >&2; exit 3", "ended with exit code 3; run it as this account to see why"),
    "is killed": ("echo hunter2-canary; kill -KILL $$", "was ended by signal 9; run it as this account to see why"),
    "prints nothing": ("exit 0", "printed nothing; it must print the secret on its standard output"),
    "prints an empty line": ("echo", "printed nothing; it must print the secret on its standard output"),
    "says it on standard error": (
        "echo hunter2-canary >&2",
        "printed nothing; it must print the secret on its standard output",
    ),
    "prints too much": (
        "yes hunter2-canary",
        "printed more than 65536 bytes; it must print the secret and nothing else",
    ),
    "prints no text": ("printf 'hunter2-canary\\377'", "printed what is not UTF-8 text"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_program_is_one_sentence_without_what_it_printed(name: str, tmp_path: Path) -> None:
    script, expected = BAD[name]
    path = program(tmp_path, script)
    with pytest.raises(InputError) as refused:
        resolve(path, f"--token={CANARY}")
    assert str(refused.value) == f"The program {path}, which prints a secret, {expected}."
    # Nor does it stand in what a file with an internal error would hold.
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_several_lines_are_no_password(tmp_path: Path) -> None:
    path = program(tmp_path, "echo 'Your licence ends soon.'; echo hunter2-canary")
    with pytest.raises(InputError) as refused:
        resolve(path)
    assert str(refused.value) == (
        f'The secret command:{path} has several lines; a password is one line, and a key begins with "-----BEGIN ".'
    )


class LateClock:
    """A clock that stands still, in each thread at least once, until a file holds two words, and then is half a second later."""

    boot_id = "boot"

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = threading.local()

    def monotonic_us(self) -> int:
        first = not hasattr(self._read, "before")
        self._read.before = True
        there = self._file.exists() and len(self._file.read_text(encoding="ascii").split()) == 2
        return 500_000 if there and not first else 0

    def utc_us(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@pytest.mark.parametrize("closes", ["", "exec >&-; "])
def test_a_program_that_hangs_is_ended_with_what_it_started(closes: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    path = program(tmp_path, f"sleep 600 & echo {CANARY}; echo $$ $! > '{pids}'; {closes}wait")
    secrets = Secrets(tmp_path, redactor=Redactor(), clock=LateClock(pids), within_s=0.05)
    with pytest.raises(InputError) as refused:
        secrets.resolve(f"command:'{path}'")
    assert str(refused.value) == (
        f"The program {path}, which prints a secret, did not end within 0.05 s; it can ask nobody, and must print the secret by itself."
    )
    own, started = (int(word) for word in pids.read_text(encoding="ascii").split())
    with pytest.raises(ProcessLookupError):
        os.kill(own, 0)
    assert ends(started)


def ends(pid: int) -> bool:
    """Wait until a process that is no child of this one has ended."""
    try:
        number = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([number], [], [], PATIENCE_S)[0])
    finally:
        os.close(number)


START: dict[str, tuple[Callable[[Path], Path], str]] = {
    "is not there": (
        lambda folder: folder / "none",
        "cannot be started (No such file or directory); name a program that this account may execute",
    ),
    "is not executable": (
        lambda folder: program(folder, "echo x", mode=0o600),
        "cannot be started (Permission denied); name a program that this account may execute",
    ),
    "is a folder": (
        lambda folder: folder,
        "cannot be started (Permission denied); name a program that this account may execute",
    ),
    "is no program": (
        lambda folder: program(folder, "echo x", first=""),
        "cannot be started (Exec format error); name a program that this account may execute",
    ),
    "needs a program that is not there": (
        lambda folder: program(folder, "echo x", first="#!/nowhere/sh\n"),
        "cannot be started (No such file or directory); name a program that this account may execute",
    ),
    "anybody can change": (
        lambda folder: program(folder, "echo x", mode=0o777),
        "can be changed by every account; protect it: chmod o-w {path}",
    ),
}


@pytest.mark.parametrize("name", START)
def test_what_cannot_be_started_is_one_sentence(name: str, tmp_path: Path) -> None:
    make, expected = START[name]
    path = make(tmp_path)
    with pytest.raises(InputError) as refused:
        resolve(path, f"--token={CANARY}")
    assert str(refused.value) == f"The program {path}, which prints a secret, {expected.format(path=path)}."


def test_a_program_knows_neither_this_shell_nor_its_terminal_nor_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it gets is the same in conductor, guardian and proof, so what works in one of them works in all."""
    monkeypatch.setenv("FIREWALL_PASSWORD", CANARY)
    script = (
        "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.read(0, 9).decode(), os.getsid(0) == os.getpid(),"
        " sorted(os.listdir('/proc/self/fd'))]))"
    )
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        said = json.loads(resolve(program(tmp_path, script, first=f"#!{sys.executable}\n")))
    finally:
        os.close(inherited)
    environment, folder, read, leads, files = said
    assert environment.keys() - {"HOME", "LC_CTYPE"} == EMPTY_ENVIRONMENT.keys()
    assert (folder, read, leads) == ("/", "", True)
    # Input, output, errors, and the folder that is being listed.
    assert len(files) == 4


def test_programs_run_at_once_and_each_runs_once(tmp_path: Path) -> None:
    """Each of these three waits for the other two: one after the other, none would ever end."""
    folder = tmp_path / "here"
    folder.mkdir()
    path = program(
        tmp_path, f"echo > '{folder}'/$1.$$; while [ $(ls '{folder}' | wc -l) -lt 3 ]; do sleep 0.05; done; echo of-$1"
    )
    references = [f"command:'{path}' {name}" for name in ("a", "b", "c")]
    secrets = Secrets(tmp_path, redactor=Redactor(), within_s=PATIENCE_S)
    secrets.fetch((*references, references[0], None, "file:none", "command:relative"))
    assert [secrets.resolve(each)[:] for each in references] == ["of-a", "of-b", "of-c"]
    assert secrets.resolve(references[0])[:] == "of-a"
    assert len(list(folder.iterdir())) == 3


def test_what_a_program_printed_is_taken_out_of_text(tmp_path: Path) -> None:
    redactor = Redactor()
    Secrets(tmp_path, redactor=redactor, within_s=PATIENCE_S).resolve(
        f"command:'{program(tmp_path, f'echo {CANARY}')}'"
    )
    assert redactor.redact(f"login with {CANARY}") == "login with [secret]"
