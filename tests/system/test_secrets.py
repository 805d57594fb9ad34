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
from islandmode.system.secrets import Redactor, Secret, Secrets

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


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        Secrets(tmp_path).resolve("env:ISLANDMODE_NOT_SET")
    assert str(refused.value) == (
        "The secret env:ISLANDMODE_NOT_SET is not set; export ISLANDMODE_NOT_SET before you start this."
    )


@pytest.mark.parametrize("reference", [CANARY, f"vault:{CANARY}", "env:", ""])
def test_what_is_no_reference_is_not_repeated(reference: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        Secrets(tmp_path).resolve(reference)
    assert str(refused.value) == "A secret is named by a reference: env:NAME, file:PATH or lab:NAME."


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


TEXT = st.text(st.characters(codec="utf-8"), min_size=4, max_size=30)


@given(secret=TEXT, before=TEXT, after=TEXT)
def test_no_form_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(Secret(secret))
    forms = [secret, json.dumps(secret), repr(secret), base64.b64encode(secret.encode()).decode()]
    for form in forms:
        assert form.strip("\"'") not in redactor.redact(f"{before}\0{form}\0{after}").replace("[secret]", "\0")
