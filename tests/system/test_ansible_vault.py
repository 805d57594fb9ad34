"""A password in an Ansible vault, as docs/ansible.md has it: a program prints it by `ansible-vault view`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.system.secrets import Secrets
from tests.patience import PATIENCE_S

PROGRAM = """\
#!/bin/sh
{vault} view --vault-password-file {folder}/vault-password {folder}/passwords.yml | sed -n 's/^conduit-firewall: //p'
"""


@pytest.mark.more
def test_a_program_gives_a_password_of_an_ansible_vault(tmp_path: Path) -> None:
    vault = Path(sys.executable).parent / "ansible-vault"
    (tmp_path / "vault-password").write_text("the vault's own\n")
    (tmp_path / "passwords.yml").write_text("other: not-this\nconduit-firewall: canary-44b1\n")
    words = [
        str(vault),
        "encrypt",
        "--vault-password-file",
        str(tmp_path / "vault-password"),
        str(tmp_path / "passwords.yml"),
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE_S)
    assert "canary" not in (tmp_path / "passwords.yml").read_text()
    program = tmp_path / "firewall-password"
    program.write_text(PROGRAM.format(vault=vault, folder=tmp_path))
    program.chmod(0o700)
    found = Secrets(tmp_path, within_s=PATIENCE_S).resolve(f"command:{program}")
    assert found[:] == "canary-44b1"
