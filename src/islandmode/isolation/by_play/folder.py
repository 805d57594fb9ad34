"""What a run of a playbook finds: a folder in memory, an inventory of one device, settings that no file of the user changes.

All of it is pure but `made_folder`. Nothing in the folder is secret. What the play must not decide, such as how the device's host key is checked, is an extra variable: Ansible lets
nothing override those.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from islandmode.core.recipe.plays import PlayRun
from islandmode.isolation.platform import Access
from islandmode.system.process import EMPTY_ENVIRONMENT

MEMORY = Path("/dev/shm")  # noqa: S108 - memory, where the folder has a name of its own and is private
PREFIX = "islandmode-play-"
MARK = "ISLANDMODE_PLAY"
"""The variable by which every process of one play is known."""
HOSTS = "known_hosts"


def made_folder(access: Access, playbook: str, text: str) -> Path:
    """Make the folder and what is in it; raises OSError."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    script = folder / "project" / playbook
    try:
        script.parent.mkdir(parents=True)
        script.write_text(text, encoding="utf-8")
        (folder / "env").mkdir()
        # The runner looks this often whether a play is late.
        (folder / "env" / "settings").write_text('{"pexpect_timeout": 1}', encoding="ascii")
        (folder / "ansible.cfg").write_text("[defaults]\n", encoding="ascii")
        (folder / HOSTS).write_bytes(access.known_hosts.read_bytes())
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def environment(folder: Path, mark: str) -> dict[str, str]:
    """Give the whole environment of a play: nothing of the shell's, and no file of the user's, has a say in it."""
    return EMPTY_ENVIRONMENT | {
        "PATH": f"{Path(sys.executable).parent}:{EMPTY_ENVIRONMENT['PATH']}",
        "HOME": str(folder),
        MARK: mark,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "ways"),
        # ansible-runner switches this off where nobody says otherwise.
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_RETRIES": "0",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
    }


def inventory(device: str) -> dict[str, Any]:
    """Name the one device; how to log in to it is said where no play can change it."""
    return {"all": {"hosts": {device: {"ansible_python_interpreter": "/usr/bin/python3"}}}}


def variables(access: Access, folder: Path, run: PlayRun) -> dict[str, Any]:
    """Give what a play is given, and how Ansible logs in; none of it is secret."""
    path = {} if access.key is None or _is_key(access.key) else {"ansible_ssh_private_key_file": access.key}
    return {
        "conduits": [dict(given) for given in run.conduits],
        "ansible_connection": "ssh",
        "ansible_host": access.host,
        "ansible_port": access.port,
        "ansible_user": access.user,
        "ansible_host_key_checking": True,
        "ansible_ssh_host_key_checking": True,
        "ansible_ssh_args": " ".join(f"-o {key}={value}" for key, value in _ssh(access, folder).items()),
        "ansible_ssh_common_args": "-F none",
        "ansible_ssh_extra_args": "",
    } | path


def _ssh(access: Access, folder: Path) -> Mapping[str, str]:
    return {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(folder / HOSTS),
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PubkeyAuthentication": "no" if access.key is None else "yes",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "2",
        "ServerAliveCountMax": "3",
        "ControlMaster": "auto",
        "ControlPersist": "30s",
    }


def key_text(access: Access) -> str | None:
    """Give the private key where it is not the path of a file."""
    return access.key if access.key is not None and _is_key(access.key) else None


def _is_key(key: str) -> bool:
    return key.startswith("-----BEGIN ")
