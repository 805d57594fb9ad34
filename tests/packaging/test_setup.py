"""Set-up on a machine that lacks everything: what it installs, and that nothing is left running or listening.

The machine is this one seen through a mount namespace in which the programs are missing and `apt-get` is a fake that
does what Debian's does around services: it asks policy-rc.d before it starts one.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging.installed import PROJECT
from tests.patience import PATIENCE_S

SCRIPT = PROJECT / "scripts" / "install-system-packages"
FRESH = """
set -eu
mount -t tmpfs none /usr/sbin
if [ -d /usr/lib/frr ]; then mount -t tmpfs none /usr/lib/frr; fi
cp "$1"/sbin/* /usr/sbin/ 2>/dev/null || true
shift
exec "$@"
"""
APT = """#!/bin/sh
echo "apt-get $*" >>"$LOG"
case "$*" in *install*)
    if [ ! -x /usr/sbin/policy-rc.d ] || /usr/sbin/policy-rc.d ssh start; then echo "started ssh" >>"$LOG"; fi
esac
"""
TOOLS = ("bash", "sh", "id", "tee", "chmod", "rm", "env", "true", "cat")
BROUGHT = ("nftables", "frr", "openssh-server", "sudo", "conntrack", "keepalived", "conntrackd", "iproute2", "uidmap")
PROGRAMS = {"sshd", "zebra", "staticd", "mgmtd", "watchfrr", "bgpd", "vtysh"}


@dataclass(frozen=True)
class Machine:
    """A machine with a shell, Python, and nothing else that the lab needs."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("bin", "sbin"):
            (self.folder / name).mkdir()
        for tool in TOOLS:
            (self.folder / "bin" / tool).symlink_to(shutil.which(tool) or tool)
        self.add("bin/apt-get", APT)
        self.add("bin/systemctl", '#!/bin/sh\necho "systemctl $*" >>"$LOG"\n')

    def add(self, name: str, text: str) -> None:
        path = self.folder / name
        # Never through a link: what it leads to is a program of this machine.
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def set_up(self) -> subprocess.CompletedProcess[str]:
        """Run the script in the fresh machine, then say what is in /usr/sbin."""
        run = f'{shutil.which("bash")} {SCRIPT} {sys.executable}; code=$?; {shutil.which("ls")} /usr/sbin; exit "$code"'
        argv = ["unshare", "--mount", "sh", "-c", FRESH, "sh", str(self.folder), "env", f"PATH={self.folder / 'bin'}"]
        environment = {**os.environ, "LOG": str(self.folder / "log")}
        return subprocess.run(
            [*argv, "sh", "-c", run], check=False, capture_output=True, text=True, env=environment, timeout=PATIENCE_S
        )

    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def listeners_program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("listeners", PROJECT / "scripts" / "listeners.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.lab
def test_missing_packages_are_installed_and_nothing_is_started(machine: Machine) -> None:
    ended = machine.set_up()
    assert ended.returncode == 0, ended.stderr
    update, install, *after = machine.log()
    assert update == "apt-get -qq update"
    assert set(BROUGHT) <= set(install.split())
    assert [line for line in after if line.startswith("started")] == []
    services = ("ssh", "frr", "keepalived", "conntrackd")
    assert {f"systemctl --quiet disable {service}.service" for service in services} <= set(after)
    assert ended.stdout == "", "policy-rc.d was left behind"


@pytest.mark.lab
def test_a_policy_that_was_there_stays(machine: Machine) -> None:
    machine.add("sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
    ended = machine.set_up()
    assert (ended.returncode, ended.stdout) == (0, "policy-rc.d\n"), ended.stderr
    assert [line for line in machine.log() if line.startswith("started")] == []


@pytest.mark.lab
def test_a_policy_that_was_there_and_allows_starting_is_not_trusted(machine: Machine) -> None:
    machine.add("sbin/policy-rc.d", "#!/bin/sh\nexit 0\n")
    ended = machine.set_up()
    assert ended.returncode == 1
    assert "/usr/sbin/policy-rc.d lets services start" in ended.stderr
    assert machine.log() == []


@pytest.mark.lab
def test_without_root_or_sudo_one_sentence_names_what_is_missing(machine: Machine) -> None:
    machine.add("bin/id", "#!/bin/sh\necho 1000\n")
    ended = machine.set_up()
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert all(package in sentence for package in BROUGHT)
    assert machine.log() == []


def test_nothing_is_done_where_nothing_is_missing() -> None:
    ended = subprocess.run(
        ["bash", SCRIPT, sys.executable], check=False, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_listener_is_seen_with_its_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = Path("/proc/self/comm").read_text(encoding="utf-8").strip()
        assert f"{program} tcp 0100007F:{port:04X}" in listeners_program().listeners()


def test_setup_added_no_listener_on_this_machine() -> None:
    """Whatever sshd or router listens on the host now was there before `make setup` installed anything."""
    record = PROJECT / ".setup" / "listeners-before"
    assert record.exists(), "run the tests with make test, whose set-up keeps the list from before"
    before = set(record.read_text(encoding="utf-8").splitlines())
    now = {line for line in listeners_program().listeners() if line.split()[0] in PROGRAMS}
    assert now - before == set()
