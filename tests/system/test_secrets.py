from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.errors import InputError, Refused
from islandmode.system.redaction import Redactor, Secret
from islandmode.system.secrets import Secrets

CANARY = "hunter2-canary"


def private(path: Path, data: bytes = CANARY.encode() + b"\n", mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISLANDMODE_TEST_SECRET", CANARY)
    assert Secrets(tmp_path).resolve("env:ISLANDMODE_TEST_SECRET") == CANARY


def test_a_secret_comes_from_a_private_file_of_the_workspace(tmp_path: Path) -> None:
    private(tmp_path / "fw")
    assert Secrets(tmp_path).resolve("file:fw") == CANARY
    assert Secrets(Path("/")).resolve(f"file:{tmp_path / 'fw'}") == CANARY


def test_a_secret_comes_from_the_lab_in_a_rehearsal_only(tmp_path: Path) -> None:
    assert Secrets(tmp_path, lab={"fw": CANARY}.__getitem__).resolve("lab:fw") == CANARY
    with pytest.raises(Refused) as refused:
        Secrets(tmp_path).resolve("lab:fw")
    assert str(refused.value) == (
        "The secret lab:fw exists only in a rehearsal; give the plant's device a secret of its own."
    )


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path, "The secret file:fw cannot be read (No such file or directory)."),
    "group": (
        lambda path: private(path, mode=0o640),
        "The secret file:fw can be read by others; make it private: chmod 600 {path}",
    ),
    "others": (
        lambda path: private(path, mode=0o604),
        "The secret file:fw can be read by others; make it private: chmod 600 {path}",
    ),
    "several lines": (
        lambda path: private(path, f"admin\n{CANARY}\n".encode()),
        'The secret file:fw has several lines; a password is one line, and a key begins with "-----BEGIN ".',
    ),
    "empty": (lambda path: private(path, b"\n"), "The secret file:fw is empty; give it a value."),
    "binary": (lambda path: private(path, b"\xff\xfe"), "The secret file:fw is not UTF-8 text."),
    "huge": (
        lambda path: private(path, b"x" * 70_000),
        "The secret file:fw has 70000 bytes; at most 65536 are read.",
    ),
    "folder": (lambda path: path.mkdir(), "The secret file:fw cannot be read (Is a directory)."),
    "pipe": (os.mkfifo, "The secret file:fw is not a file."),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_secret_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    make, expected = FILES[name]
    make(tmp_path / "fw")
    with pytest.raises(InputError) as refused:
        Secrets(tmp_path).resolve("file:fw")
    assert str(refused.value) == expected.format(path=tmp_path / "fw")


def test_a_secret_comes_from_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its group's right is how an access list for the unit's account shows."""
    private(tmp_path / "fw", mode=0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert Secrets(Path("/nowhere")).resolve("systemd:fw") == CANARY


CREDENTIALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (
        lambda path: path,
        "The secret systemd:fw is not among the credentials of this process; add LoadCredential=fw:PATH to its unit and start it again.",
    ),
    "others": (
        lambda path: private(path, mode=0o444),
        "The secret systemd:fw can be read by every account; only systemd may put it there, and it does that in private.",
    ),
    "empty": (lambda path: private(path, b""), "The secret systemd:fw is empty; give it a value."),
    "several lines": (
        lambda path: private(path, f"admin\n{CANARY}\n".encode()),
        'The secret systemd:fw has several lines; a password is one line, and a key begins with "-----BEGIN ".',
    ),
    "binary": (lambda path: private(path, b"\xff\xfe"), "The secret systemd:fw is not UTF-8 text."),
    "huge": (
        lambda path: private(path, b"x" * 70_000),
        "The secret systemd:fw has 70000 bytes; at most 65536 are read.",
    ),
    "pipe": (os.mkfifo, "The secret systemd:fw is not a file."),
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_bad_credential_is_one_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, expected = CREDENTIALS[name]
    make(tmp_path / "fw")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(InputError) as refused:
        Secrets(tmp_path).resolve("systemd:fw")
    assert str(refused.value) == expected


@pytest.mark.parametrize("folder", [None, ""])
def test_without_systemd_it_is_said_how_to_start_with_it(
    folder: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    if folder is not None:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", folder)
    # Not the folder in which this stands.
    monkeypatch.chdir(tmp_path)
    private(tmp_path / "fw")
    with pytest.raises(InputError) as refused:
        Secrets(tmp_path).resolve("systemd:fw")
    assert str(refused.value) == (
        "The secret systemd:fw is not here: systemd gave this process no credentials (CREDENTIALS_DIRECTORY is not set); start it as "
        "a unit with LoadCredential=fw:PATH, or by hand with systemd-run --pty --property=LoadCredential=fw:PATH."
    )


@pytest.mark.parametrize(
    "reference", [f"systemd:../{CANARY}", f"command:{CANARY}", f"file:{CANARY}\0", f"env:{CANARY}"]
)
def test_a_reference_of_the_wrong_form_is_not_repeated(reference: str, tmp_path: Path) -> None:
    """A record of an earlier version may hold one; in a site's file it is refused with its place."""
    with pytest.raises(InputError, match=r"^A reference to a secret must be .*\.$") as refused:
        Secrets(tmp_path).resolve(reference)
    assert CANARY not in str(refused.value)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        Secrets(tmp_path).resolve("env:ISLANDMODE_NOT_SET")
    assert str(refused.value) == (
        "The secret env:ISLANDMODE_NOT_SET is not set; export ISLANDMODE_NOT_SET before you start this."
    )


@pytest.mark.parametrize("reference", [CANARY, f"pass:{CANARY}", "env:", ""])
def test_what_is_no_reference_is_not_repeated(reference: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        Secrets(tmp_path).resolve(reference)
    assert str(refused.value) == (
        "A secret is named by a reference: env:NAME, file:PATH, systemd:NAME, command:PROGRAM, vault:PATH#KEY with REFERENCE, or lab:NAME."
    )


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(CANARY)
    error = ValueError("login failed", {"password": secret})
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", "%s %r" % (secret, secret), str(error)]  # noqa: UP031
    assert [text for text in shown if CANARY in text] == []
    assert secret == CANARY
    assert secret.encode() == CANARY.encode()


def test_everything_resolved_is_taken_out_of_text(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, lab={"a": "abc", "b": "abcdef"}.__getitem__)
    assert secrets.redact("abcdef") == "abcdef"
    secrets.resolve("lab:a")
    secrets.resolve("lab:b")
    assert secrets.redact("login abcdef, then abc!") == "login [secret], then [secret]!"


def test_a_placeholder_is_not_searched_for_secrets(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.learn("secret")
    redactor.learn("x")
    assert redactor.redact("x secret") == "[secret] [secret]"


def test_each_line_of_a_key_is_taken_out(tmp_path: Path) -> None:
    key = f"-----BEGIN KEY-----\n{'A' * 64}\n{'B' * 64}\n-----END KEY-----\n"
    redactor = Redactor()
    redactor.learn(key)
    assert redactor.redact(f"trace: {'B' * 64}") == "trace: [secret]"
    assert redactor.redact("-----BEGIN KEY-----") == "-----BEGIN KEY-----"


@pytest.mark.parametrize("before", ["", "a:", "user:", "islandmode:"])
def test_a_secret_is_found_in_base64_behind_an_accounts_name(before: str) -> None:
    """As in the header of a login by HTTP; at most a character at either end is decided by its neighbour too."""
    redactor = Redactor()
    redactor.learn(CANARY)
    said = redactor.redact(base64.b64encode(f"{before}{CANARY}".encode()).decode())
    assert "[secret]" in said
    assert len(said.replace("[secret]", "")) <= len(base64.b64encode(before.encode())) + 4


def test_a_secret_is_found_as_python_shows_bytes() -> None:
    redactor = Redactor()
    redactor.learn("pässwörd-canary")
    assert redactor.redact(str("pässwörd-canary".encode())) == "b'[secret]'"


TEXT = st.text(st.characters(codec="utf-8"), min_size=4, max_size=30)


@given(secret=TEXT, before=TEXT, after=TEXT)
def test_no_form_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(Secret(secret))
    forms = [secret, json.dumps(secret), repr(secret), base64.b64encode(secret.encode()).decode()]
    for form in forms:
        assert form.strip("\"'") not in redactor.redact(f"{before}\0{form}\0{after}").replace("[secret]", "\0")
