"""`devices trust` and `devices check` on the real firewall, from the operations host's network, as on a plant."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.guarded import is_isolated
from tests.lab.leave_isolated import RUN
from tests.lab.rogue.bypass import in_node
from tests.lab.test_plant_ground import on_operations_host, plant

__all__ = ["plant"]
pytestmark = pytest.mark.lab

DEVICE, WHERE = "conduit-firewall", "conduit-firewall at 172.31.255.1"
SUDOERS = "/etc/sudoers.d/islandmode"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def devices(lab: Lab, plant: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return on_operations_host(lab, "islandmode", "devices", *words, "--workspace", str(plant))


def check(lab: Lab, plant: Path) -> tuple[int, dict[str, Any]]:
    """Check the firewall; whatever is found, its rules and its host keys are as before."""
    rules, known = in_node(lab, "fw", "nft", "-a", "-s", "list", "ruleset"), _known_hosts(plant).read_bytes()
    done = devices(lab, plant, "check", DEVICE, "--json")
    assert in_node(lab, "fw", "nft", "-a", "-s", "list", "ruleset") == rules
    assert _known_hosts(plant).read_bytes() == known
    return done.returncode, json.loads(done.stdout)


def codes(told: dict[str, Any], *, refuses: bool) -> set[str]:
    return {finding["code"] for finding in told["findings"] if finding["refuses"] is refuses}


def _known_hosts(plant: Path) -> Path:
    return plant / "inventory" / "known_hosts"


@contextmanager
def sudoers(lab: Lab, text: str) -> Iterator[None]:
    """Have other rules of sudo on the firewall for the length of a block."""
    before = in_node(lab, "fw", "cat", SUDOERS)
    try:
        in_node(lab, "fw", "sh", "-c", 'printf "%s" "$1" >"$2"', "sh", text, SUDOERS)
        yield
    finally:
        in_node(lab, "fw", "sh", "-c", 'printf "%s" "$1" >"$2"', "sh", before, SUDOERS)


def test_a_key_is_trusted_once_and_the_device_is_ready(lab: Lab, plant: Path) -> None:
    known = _known_hosts(plant)
    fingerprint = in_node(lab, "fw", "ssh-keygen", "-lf", "/etc/ssh/lab_host_key").split()[1]
    known.unlink()
    unasked = devices(lab, plant, "trust", DEVICE)
    assert (unasked.returncode, known.exists()) == (4, False)
    assert f"{WHERE} shows ssh-ed25519 {fingerprint}. No login was attempted." in unasked.stdout
    wrong = devices(lab, plant, "trust", DEVICE, "--fingerprint", "SHA256:" + "A" * 43)
    assert (wrong.returncode, known.exists()) == (4, False)
    trusted = devices(lab, plant, "trust", DEVICE, "--fingerprint", fingerprint)
    assert trusted.returncode == 0, trusted.stderr
    assert known.read_text(encoding="ascii").startswith("172.31.255.1 ssh-ed25519 ")

    code, told = check(lab, plant)
    assert (code, told["ready"], codes(told, refuses=True)) == (0, True, set())
    assert told["rights"]["broader"] == []
    assert "nftables" in told["version"]


def test_a_device_that_is_ready_is_told_so(lab: Lab, plant: Path) -> None:
    done = devices(lab, plant, "check", DEVICE)
    assert done.returncode == 0, done.stderr
    assert "As far as the device says, its account may do no more than isolation needs." in done.stdout
    assert done.stdout.endswith("Ready for a drill. Nothing was changed.\n")


@pytest.mark.more
def test_a_changed_key_is_refused_and_never_written(lab: Lab, plant: Path) -> None:
    known = _known_hosts(plant)
    known.write_text(f"172.31.255.1 {OTHER_KEY}\n", encoding="ascii")
    fingerprint = in_node(lab, "fw", "ssh-keygen", "-lf", "/etc/ssh/lab_host_key").split()[1]
    refused = devices(lab, plant, "trust", DEVICE, "--fingerprint", fingerprint)
    assert refused.returncode == 4
    assert "HOST KEY CHANGED: conduit-firewall at 172.31.255.1 shows ssh-ed25519" in refused.stderr
    assert known.read_text(encoding="ascii") == f"172.31.255.1 {OTHER_KEY}\n"
    code, told = check(lab, plant)
    assert (code, codes(told, refuses=True)) == (4, {"point-login"})
    assert "shows another host key" in told["findings"][0]["sentence"]
    # What the refusal says to type makes room for the new key.
    words = refused.stderr.partition("with `")[2].partition("`")[0]
    subprocess.run(["sh", "-c", words], check=True, capture_output=True)
    assert devices(lab, plant, "trust", DEVICE, "--fingerprint", fingerprint).returncode == 0
    assert check(lab, plant)[0] == 0


def test_a_wrong_password_is_tried_once(lab: Lab, plant: Path) -> None:
    (plant / "firewall-password").write_text("not-this-password", encoding="ascii")
    code, told = check(lab, plant)
    assert (code, codes(told, refuses=True)) == (4, {"point-login"})
    assert "one attempt was made" in told["findings"][0]["sentence"]
    assert "not-this-password" not in json.dumps(told)


def test_a_missing_password_is_bad_input_with_its_place(lab: Lab, plant: Path) -> None:
    (plant / "firewall-password").unlink()
    done = devices(lab, plant, "check", DEVICE)
    assert done.returncode == 2
    assert "inventory/riverside.yaml:" in done.stderr


def test_an_account_without_the_right_to_run_nft(lab: Lab, plant: Path) -> None:
    with sudoers(lab, ""):
        code, told = check(lab, plant)
    assert (code, codes(told, refuses=True)) == (4, {"point-unusable"})
    assert "NOPASSWD: /usr/sbin/nft" in told["findings"][0]["sentence"]


@pytest.mark.more
def test_an_account_that_may_do_more_than_it_needs_is_named_and_ready(lab: Lab, plant: Path) -> None:
    with sudoers(lab, "islandmode ALL=(ALL) NOPASSWD: ALL\n"):
        code, told = check(lab, plant)
        said = devices(lab, plant, "check", DEVICE)
    assert (code, told["rights"]["broader"]) == (0, ["(ALL) ALL"])
    assert "point-rights-broad" in codes(told, refuses=False)
    assert "\n  islandmode ALL=(root) NOPASSWD: /usr/sbin/nft\n" in said.stdout


def test_an_object_of_a_dead_run_is_found_and_left_alone(lab: Lab, plant: Path) -> None:
    left = on_operations_host(lab, "tests.lab.on_plant_ground", str(plant))
    assert left.returncode == 0, left.stderr
    code, told = check(lab, plant)
    assert (code, codes(told, refuses=True)) == (4, {"point-already-isolated"})
    assert RUN in told["findings"][0]["sentence"]
    assert is_isolated(lab)
    assert on_operations_host(lab, "islandmode", "restore", RUN, "--workspace", str(plant)).returncode == 0
    assert check(lab, plant)[0] == 0


@pytest.mark.more
def test_an_object_of_another_site_is_named(lab: Lab, plant: Path) -> None:
    in_node(lab, "fw", "nft", "add table inet islandmode_elsewhere")
    try:
        code, told = check(lab, plant)
    finally:
        in_node(lab, "fw", "nft", "delete table inet islandmode_elsewhere")
    assert (code, "point-other-objects" in codes(told, refuses=False)) == (0, True)


def test_a_device_that_is_not_there_is_refused_without_a_login(lab: Lab, plant: Path) -> None:
    site = plant / "inventory" / "riverside.yaml"
    site.write_text(site.read_text(encoding="utf-8").replace("172.31.255.1\n", "172.31.255.100\n"), encoding="utf-8")
    done = devices(lab, plant, "trust", DEVICE)
    assert done.returncode == 4
    assert "cannot be reached" in done.stderr
