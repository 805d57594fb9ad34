"""What a login takes from a known-hosts file: one bad line costs no other device its login, and a revoked key is not known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from napalm_nftables.errors import DeviceSilent, HostKeyUnknown
from napalm_nftables.host_keys import HostKey, hashed, known_as, load, shown_key
from napalm_nftables.link import DeviceLink
from napalm_nftables.transport import Login
from tests.emulators.plant import PASSWORD, USER, firewall
from tests.emulators.server import SshServer
from tests.patience import PATIENCE_S

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
KNOWN = HostKey(*KEY.split())
LINES = {
    "as it is": (f"h {KEY}", True, ()),
    "one name of several": (f"g,h {KEY}", True, ()),
    "another's name": (f"g {KEY}", False, ()),
    "hashed": (f"{hashed('h')} {KEY}", True, ()),
    "another's, hashed": (f"{hashed('g')} {KEY}", False, ()),
    "with a remark, and tabs": (f"h\t{KEY}\tthe firewall", True, ()),
    "behind a line without a key": (f"h ssh-ed25519 A\nh {KEY}", True, (1,)),
    "behind a line that ends early": (f"h\nh {KEY}", True, (1,)),
    "behind a malformed name": (f"|1|x|y {KEY}\nh {KEY}", True, (1,)),
    "behind a kind that is not known here": (f"h sk-other AAAA\nh {KEY}", True, ()),
    "behind a certificate authority": (f"@cert-authority *.plant {KEY}\nh {KEY}", True, ()),
    "of a certificate authority": (f"@cert-authority h {KEY}", False, ()),
    "revoked": (f"h {KEY}\n@revoked * {KEY}", False, ()),
    "in a remark": (f"# h {KEY}", False, ()),
}


@pytest.mark.parametrize(("text", "is_known", "unread"), LINES.values(), ids=LINES)
def test_lines_are_read_as_openssh_means_them(
    tmp_path: Path,
    text: str,
    is_known: bool,  # noqa: FBT001 - a row of the table
    unread: tuple[int, ...],
) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(f"{text}\n".encode() + b"# \xff\n")
    found = load(path)
    assert (found.of("h", 22), found.unread) == ((KNOWN,) if is_known else (), unread)


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert load(tmp_path / "absent").of("h", 22) == ()


def test_a_port_of_its_own_is_part_of_the_name(tmp_path: Path) -> None:
    assert (known_as("10.0.0.1", 22), known_as("fd10::1", 2222)) == ("10.0.0.1", "[fd10::1]:2222")
    (tmp_path / "known_hosts").write_text(f"[h]:2222 {KEY}\n", encoding="ascii")
    found = load(tmp_path / "known_hosts")
    assert (found.of("h", 2222), found.of("h", 22)) == ((KNOWN,), ())


@pytest.fixture
def server() -> Iterator[SshServer]:
    with SshServer(firewall()) as found:
        yield found


def link(server: SshServer, known_hosts: Path) -> DeviceLink:
    return DeviceLink(Login(server.host, server.port, USER, PATIENCE_S, PASSWORD, known_hosts=known_hosts))


@pytest.mark.parametrize("before", ["h ssh-ed25519 A\n", f"|1|x|y {KEY}\n", f"@cert-authority * {KEY}\n", "h\n"])
def test_a_login_outlasts_lines_that_it_cannot_read(server: SshServer, tmp_path: Path, before: str) -> None:
    (tmp_path / "known_hosts").write_text(before + server.known_host, encoding="ascii")
    opened = link(server, tmp_path / "known_hosts")
    opened.open()
    assert opened.alive
    opened.close()


def test_a_revoked_key_is_not_logged_in_to(server: SshServer, tmp_path: Path) -> None:
    text = f"{server.known_host}@revoked * {server.known_host.partition(' ')[2]}"
    (tmp_path / "known_hosts").write_text(text, encoding="ascii")
    with pytest.raises(HostKeyUnknown, match="no login was attempted"):
        link(server, tmp_path / "known_hosts").open()
    assert server.device.names_given == []


def test_the_key_that_is_shown_is_the_key_of_the_device_and_no_user_is_named(server: SshServer) -> None:
    shown = shown_key(server.host, server.port, PATIENCE_S)
    assert f"{shown.kind} {shown.base64}" in server.known_host
    assert server.device.names_given == []


def test_what_is_no_ssh_server_shows_no_key(tmp_path: Path) -> None:
    with SshServer(firewall()) as server:
        port = server.port
    with pytest.raises(DeviceSilent, match="cannot be reached"):
        shown_key("127.0.0.1", port, PATIENCE_S)
