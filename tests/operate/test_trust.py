"""A host key is looked at without a login, confirmed by its fingerprint, and written beside what is there; a changed key never is."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.operate.site_devices import find_device
from islandmode.operate.trust import KeyLook, look_at_key, refuse_changed, trust
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.ui.program import command
from napalm_nftables.host_keys import hashed, load
from tests.emulators.plant import firewall
from tests.emulators.server import SshServer
from tests.more import one_in
from tests.patience import PATIENCE_S

NAME = "conduit-firewall"
INVENTORY = Path(__file__).parents[2] / "inventory"


def make_workspace(folder: Path) -> Path:
    shutil.copytree(INVENTORY, folder / "inventory")
    return folder


@pytest.fixture
def server() -> Iterator[SshServer]:
    with SshServer(firewall()) as found:
        yield found


@pytest.fixture
def workspace(tmp_path: Path, server: SshServer) -> Path:
    """A workspace whose firewall is the server."""
    folder = make_workspace(tmp_path)
    site = folder / "inventory" / "riverside.yaml"
    text = site.read_text(encoding="utf-8")
    text = text.replace("address: 172.31.255.1", f"address: {server.host}\n      port: {server.port}")
    site.write_text(text.replace("lab:conduit-firewall", "file:password"), encoding="utf-8")
    return folder


def look(workspace: Path) -> KeyLook:
    return look_at_key(workspace, find_device(workspace, NAME, None))


def test_a_new_key_is_written_as_a_login_reads_it_and_nobody_logged_in(workspace: Path, server: SshServer) -> None:
    found = look(workspace)
    assert found.state == "new"
    trust(found, found.shown.fingerprint)
    path = workspace / KNOWN_HOSTS
    assert path.read_text(encoding="ascii") == server.known_host
    assert path.stat().st_mode & 0o777 == 0o644
    assert look(workspace).state == "known"
    assert server.device.names_given == []


def test_other_lines_the_mode_and_a_missing_line_feed_are_kept(workspace: Path) -> None:
    path = workspace / KNOWN_HOSTS
    before = "# of the plant\n10.0.0.9 ssh-foo AAAA"
    path.write_text(before, encoding="ascii")
    path.chmod(0o600)
    found = look(workspace)
    trust(found, found.shown.fingerprint)
    lines = path.read_text(encoding="ascii").splitlines()
    assert lines[:2] == before.splitlines()
    assert len(lines) == 3
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir() if "known_hosts" in file.name] == ["known_hosts"]


def test_a_file_that_names_no_device_goes_on_to_name_none(workspace: Path, server: SshServer) -> None:
    key = server.known_host.split(" ", 1)[1]
    path = workspace / KNOWN_HOSTS
    path.write_text(f"{hashed('10.0.0.9')} {key}", encoding="ascii")
    found = look(workspace)
    trust(found, found.shown.fingerprint)
    assert server.host not in path.read_text(encoding="ascii")
    assert look(workspace).state == "known"


def test_what_a_link_leads_to_is_written(workspace: Path, tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere"
    kept.touch()
    (workspace / KNOWN_HOSTS).symlink_to(kept)
    found = look(workspace)
    trust(found, found.shown.fingerprint)
    assert (workspace / KNOWN_HOSTS).is_symlink()
    assert kept.read_text(encoding="ascii")


def test_a_key_that_was_not_confirmed_is_not_written(workspace: Path) -> None:
    with pytest.raises(Refused, match=r"SHA256:other was expected.*Nothing was written"):
        trust(look(workspace), "SHA256:other")
    assert not (workspace / KNOWN_HOSTS).exists()


def test_a_changed_key_is_refused_with_what_to_do(workspace: Path, server: SshServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
    path = workspace / KNOWN_HOSTS
    before = f"[{server.host}]:{server.port} {other}"
    path.write_text(before, encoding="ascii")
    found = look(workspace)
    with pytest.raises(Refused, match="HOST KEY CHANGED") as refused:
        trust(found, found.shown.fingerprint)
    assert f"ssh-keygen -f {path} -R '[{server.host}]:{server.port}'" in str(refused.value)
    assert path.read_text(encoding="ascii") == before


def test_a_revoked_key_is_refused_although_the_file_has_it(workspace: Path, server: SshServer) -> None:
    path = workspace / KNOWN_HOSTS
    path.write_text(f"{server.known_host}@revoked * {server.known_host.split(' ', 1)[1]}", encoding="ascii")
    found = look(workspace)
    assert found.known == ()
    with pytest.raises(Refused, match="HOST KEY REVOKED"):
        refuse_changed(found)


def test_a_second_kind_of_key_does_not_hide_the_known_one(workspace: Path, server: SshServer) -> None:
    other = asyncssh.generate_private_key("ssh-rsa").export_public_key("openssh").decode()
    path = workspace / KNOWN_HOSTS
    path.write_text(f"[{server.host}]:{server.port} {other}{server.known_host}", encoding="ascii")
    assert look(workspace).state == "known"


def test_another_process_that_writes_the_file_is_not_disturbed(workspace: Path) -> None:
    found = look(workspace)
    holder = "import fcntl,os,sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); print('held', flush=True); input()"
    argv = [sys.executable, "-c", holder, str(workspace / "inventory")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Refused, match="Another process is writing"):
            trust(found, found.shown.fingerprint)
        other.communicate("\n", timeout=PATIENCE_S)
    assert not (workspace / KNOWN_HOSTS).exists()
    trust(found, found.shown.fingerprint)


def test_a_device_that_shows_no_key_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    folder = make_workspace(tmp_path)
    site = folder / "inventory" / "riverside.yaml"
    text = site.read_text(encoding="utf-8")
    text = text.replace("address: 172.31.255.1", f"address: 127.0.0.1\n      port: {port}")
    site.write_text(text.replace("lab:conduit-firewall", "file:password"), encoding="utf-8")
    with pytest.raises(Refused, match=rf"conduit-firewall at 127.0.0.1 port {port}: .* cannot be reached"):
        look(folder)


def test_a_device_of_a_lab_is_not_contacted(tmp_path: Path) -> None:
    folder = make_workspace(tmp_path)
    with pytest.raises(
        InputError, match=r"inventory/riverside.yaml:\d+:\d+: conduit-firewall is a device of a rehearsal lab"
    ):
        look(folder)


def test_without_a_terminal_the_fingerprint_must_be_given(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused, match="Nobody is at a terminal"):
        command(["devices", "trust", NAME, "--workspace", str(workspace)])
    shown = capsys.readouterr().out
    assert "No login was attempted." in shown
    fingerprint = shown.partition("SHA256:")[2].split(".")[0]
    words = ["devices", "trust", NAME, "--workspace", str(workspace), "--fingerprint", f"SHA256:{fingerprint}"]
    assert command(words) == 0
    assert "devices check conduit-firewall" in capsys.readouterr().out
    assert command(words[:-2]) == 0
    assert "has this key already" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "code"), one_in(2, [("yes\n", 0), ("\n", 4), ("y\n", 4), ("\x04", 4)]))
def test_a_person_at_a_terminal_is_asked(workspace: Path, answer: str, code: int) -> None:
    theirs, ours = pty.openpty()
    argv = [sys.executable, "-m", "islandmode", "devices", "trust", NAME, "--workspace", str(workspace)]
    with subprocess.Popen(argv, stdin=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
        os.close(ours)
        os.write(theirs, answer.encode())
        said, _ = asked.communicate(timeout=PATIENCE_S)
        os.close(theirs)
    assert asked.returncode == code
    assert "Compare it with what the device itself says" in said
    assert (workspace / KNOWN_HOSTS).exists() is (code == 0)


def test_a_line_that_holds_no_key_costs_no_other_device_its_login(workspace: Path, server: SshServer) -> None:
    path = workspace / KNOWN_HOSTS
    path.write_text(
        f"10.0.0.9 ssh-ed25519 A\n|1|x|y {server.known_host.split(' ', 1)[1]}{server.known_host}", encoding="ascii"
    )
    assert load(path).unread == (1, 2)
    assert look(workspace).state == "known"
