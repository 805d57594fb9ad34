"""A secret in a file that the real ansible-vault encrypted; what is wrong with one is a sentence without anything of it."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.system.ansible_vault import VaultTrouble, value_of
from islandmode.system.redaction import Redactor
from islandmode.system.secrets import Secrets
from tests.patience import PATIENCE_S

OPENS, CANARY = "the-vaults-own-77c2", "canary-44b1"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
TEXT = f"""---
other: not-this
# conduit-firewall: a-comment
conduit-firewall: {CANARY}
number: 0123
a.key: |
{"".join(f"  {line}" + chr(10) for line in KEY.splitlines())}
nested:
  inner: {CANARY}
"""
REFERENCE = "vault:passwords.yml#conduit-firewall with file:vault-password"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Encrypt the text once, by ansible-vault itself."""
    folder = tmp_path_factory.mktemp("vault")
    (folder / "password").write_text(OPENS + "\n")
    (folder / "passwords.yml").write_text(TEXT)
    words = [
        str(Path(sys.executable).parent / "ansible-vault"),
        "encrypt",
        "--vault-password-file",
        "password",
        "passwords.yml",
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE_S, cwd=folder)
    return (folder / "passwords.yml").read_text()


@pytest.fixture
def workspace(tmp_path: Path, sealed: str) -> Path:
    (tmp_path / "passwords.yml").write_text(sealed)
    (tmp_path / "vault-password").write_text(OPENS + "\n")
    (tmp_path / "vault-password").chmod(0o600)
    return tmp_path


def resolve(workspace: Path, reference: str = REFERENCE, redactor: Redactor | None = None) -> str:
    return str(Secrets(workspace, redactor=redactor or Redactor(), within_s=PATIENCE_S).resolve(reference)[:])


def test_a_vault_gives_a_secret_and_nothing_of_it_is_shown_afterwards(
    workspace: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    redactor = Redactor()
    with caplog.at_level(logging.DEBUG):
        assert resolve(workspace, redactor=redactor) == CANARY
    said = redactor.redact(f"{CANARY} and {OPENS}")
    out = capfd.readouterr()
    for secret in (CANARY, OPENS):
        assert secret not in said + caplog.text + out.out + out.err
        assert [path.name for path in workspace.rglob("*") if path.is_file() and secret in path.read_text()] == (
            ["vault-password"] if secret == OPENS else []
        )
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                assert secret.encode() not in process.read_bytes()
            except OSError:
                continue


def test_a_key_in_a_vault_may_have_several_lines(workspace: Path) -> None:
    assert resolve(workspace, REFERENCE.replace("conduit-firewall", "a.key")) == KEY


def test_a_password_of_digits_stays_as_it_is_written(workspace: Path) -> None:
    assert resolve(workspace, REFERENCE.replace("conduit-firewall", "number")) == "0123"


@pytest.mark.parametrize("how", ["env:VAULT_PASSWORD", "command:/bin/cat {folder}/vault-password"])
def test_the_vaults_password_is_a_reference_itself(workspace: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_PASSWORD", OPENS)
    assert resolve(workspace, REFERENCE.replace("file:vault-password", how.format(folder=workspace))) == CANARY


def _other_password(workspace: Path) -> None:
    (workspace / "vault-password").write_text("another-password\n")


def _plain(workspace: Path) -> None:
    (workspace / "passwords.yml").write_text(TEXT)


def _cut_short(workspace: Path) -> None:
    path = workspace / "passwords.yml"
    path.write_text("\n".join(path.read_text().splitlines()[:-2]))


def _damaged(workspace: Path) -> None:
    path = workspace / "passwords.yml"
    path.write_text(path.read_text().splitlines()[0] + "\nzz\n")


WRONG = {
    "another password": (
        _other_password,
        "{path} does not open with that vault password: it is another, or the file is damaged.",
    ),
    "not encrypted": (_plain, "{path} is not encrypted by ansible-vault; encrypt it: ansible-vault encrypt {path}."),
    "cut short": (_cut_short, "{path} does not open with that vault password: it is another, or the file is damaged."),
    "damaged": (_damaged, "{path} is damaged: what follows its first line is not what ansible-vault writes."),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_vault_that_gives_nothing_is_one_sentence_without_a_secret(workspace: Path, name: str) -> None:
    spoil, expected = WRONG[name]
    spoil(workspace)
    with pytest.raises(InputError) as refused:
        resolve(workspace)
    wanted = "The secret vault:passwords.yml#conduit-firewall cannot be had: " + expected
    assert str(refused.value) == wanted.format(path=workspace / "passwords.yml")
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("key", ["absent", "inner"])
def test_a_key_that_is_not_there_is_named(workspace: Path, key: str) -> None:
    with pytest.raises(InputError, match=rf"passwords\.yml has no key {key} at its outermost level\."):
        resolve(workspace, REFERENCE.replace("conduit-firewall", key))


def test_what_the_vaults_password_lacks_is_told_by_its_own_reference(workspace: Path) -> None:
    (workspace / "vault-password").chmod(0o644)
    with pytest.raises(InputError, match="The secret file:vault-password can be read by others; make it private"):
        resolve(workspace)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("k: plain text # a comment", "plain text"),
        ("k: a#b", "a#b"),
        ("k: 'it''s # so'  # a comment", "it's # so"),
        (r'k: "a \"b\" \u00e9"', 'a "b" é'),
        ('"k": -dash', "-dash"),
        ("k: |-\n  one\n   two\n\n  three\nnext: x", "one\n two\n\nthree"),
    ],
)
def test_texts_are_read_as_yaml_reads_them(written: str, value: str) -> None:
    assert value_of(written, "k") == value


@pytest.mark.parametrize(
    "written",
    ["k: [secret]", "k: {a: secret}", "k: !tag secret", "k: *secret", "k: >\n  secret", "k:", r'k: "\xsecret"'],
)
def test_what_is_no_text_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(VaultTrouble) as trouble:
        value_of(written, "k")
    assert "secret" not in str(trouble.value)
