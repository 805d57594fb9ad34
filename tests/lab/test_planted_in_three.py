"""Secrets planted round a drill on three platforms stand in no byte that it leaves, and its check sums are over its transcripts too.

A password and an enable secret, the key of a login, a shell's variable, and what stands in the configurations of two emulated devices:
passwords, a secret and a community, one of which a colleague changes in the hold.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.store.transcripts import TRANSCRIPTS
from islandmode.system.redaction import HIDDEN
from tests.emulators.device import Account
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.plant import USER
from tests.lab.drills import newest_run, wait_for
from tests.lab.rogue.bypass import in_node
from tests.lab.test_planted_secrets import assert_in_none, cat, environments
from tests.lab.three_platforms import FIREWALL, GATE, ROUTER, PlantOfThree, plant_of_three
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

LOGIN = 'login: {user: drill, password: "file:device-password"}'
BY_KEY = 'login: {user: drill, key: "file:gate.key"}'
WITH_ENABLE = 'login: {user: drill, password: "file:router-login", become: enable, enable: "file:router-enable"}'
SECRETS = {
    "login password": "login-Hs62-canary",
    "enable secret": "enable-Bw94-canary",
    "shell variable": "shell-Vq81-canary",
    "password of an administrator": "admin-Kd27-canary",
    "password of a colleague": "colleague-Fr38-canary",
    "secret of a configuration": "secret-Tz90-canary",
    "community": "comm-Rx13-canary",
    "the same, changed": "changed-Pw55-canary",
}


def other_logins(site: str) -> str:
    """Log in to the FortiGate by a key, and to the router with a password of its own and an enable secret."""
    assert site.count(LOGIN) == 2
    return site.replace(LOGIN, BY_KEY, 1).replace(LOGIN, WITH_ENABLE)


@dataclass(frozen=True)
class Planted:
    """The plant, and every secret by what it is."""

    plant: PlantOfThree
    secrets: Mapping[str, str]


@pytest.fixture
def planted(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    """Plant all of them."""
    monkeypatch.setenv("PLANTED_IN_THE_SHELL", SECRETS["shell variable"])
    with plant_of_three(tmp_path, lab, edit=other_logins) as plant:
        key = plant.workspace / "gate.key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
        for name in ("login", "enable"):
            path = plant.workspace / f"router-{name}"
            path.write_text(SECRETS["login password" if name == "login" else "enable secret"], encoding="ascii")
            path.chmod(0o600)
        gate, router = plant.devices[GATE], plant.devices[ROUTER]
        assert isinstance(gate, FortiDevice)
        assert isinstance(router, IosDevice)
        gate.public_keys[USER] = key.with_suffix(".key.pub").read_text(encoding="ascii").strip()
        admin = (
            'edit "administrator"',
            'set accprofile "super_admin"',
            f'set password "{SECRETS["password of an administrator"]}"',
        )
        profile = ("config system accprofile", 'edit "super_admin"', "set fwgrp read-write", "next", "end")
        gate.enter([*profile, "config system admin", *admin, "next", "end"])
        router.accounts[USER] = Account(SECRETS["login password"])
        router.enable_secret = SECRETS["enable secret"]
        router.running.others += [
            f"username colleague password 0 {SECRETS['password of a colleague']}",
            f"enable secret 9 {SECRETS['secret of a configuration']}",
            f"snmp-server community {SECRETS['community']} RO",
        ]
        router.save()
        lines = key.read_text(encoding="ascii").splitlines()
        firewall = lab.secret(FIREWALL)
        yield Planted(plant, {**SECRETS, "key": lines[1], "password of the firewall": firewall})


def change_community(plant: PlantOfThree) -> None:
    """Change a line of the router's configuration, as a colleague would."""
    router = plant.devices[ROUTER]
    assert isinstance(router, IosDevice)
    with router.lock:
        router.running.others[-1] = f"snmp-server community {SECRETS['the same, changed']} RO"


def checked(run: Path) -> subprocess.CompletedProcess[str]:
    """Check the sums as an auditor would."""
    argv = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    return subprocess.run(argv, cwd=run, check=False, capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.mark.more
def test_planted_secrets_stand_in_no_byte_of_a_drill_on_three_platforms_and_its_sums_hold(planted: Planted) -> None:
    plant, secrets = planted.plant, planted.secrets
    running = plant.drill()
    wait_for(running, plant.workspace, "hold.started")
    run = newest_run(plant.workspace)
    assert run is not None
    workers = environments(run.name.encode(), running.pid)
    change_community(plant)
    ended = plant.end(running)
    assert ended.code == 0, ended.output

    # The vendor's worker, the near worker and the guardian have the run's name in their command lines.
    assert len(workers) >= 3
    assert_in_none(secrets, workers)
    assert_in_none(secrets, {"output": ended.output.encode()})
    assert_in_none(secrets, {str(path): path.read_bytes() for path in run.parent.rglob("*") if path.is_file()})
    spool = in_node(plant.lab, "vendor", *cat(f"/run/islandmode/{run.name}")).encode()
    assert b'"seen"' in spool
    assert_in_none(secrets, {"spool": spool})
    assert "snmp-server community [secret " in ended.finding("edited-meanwhile")["sentence"]

    see_sums(run)


def see_sums(run: Path) -> None:
    """See that the sums are over the transcripts of both devices, hold, and do not hold for a byte that was changed."""
    sums = (run / "SHA256SUMS").read_text(encoding="utf-8")
    heard = {GATE: f'set password "{HIDDEN}"', ROUTER: f"snmp-server community {HIDDEN}"}
    kept = {run / TRANSCRIPTS / f"{name}-conductor.txt": line for name, line in heard.items()}
    for path, line in kept.items():
        assert f"  {path.relative_to(run)}\n" in sums
        # The line was heard, and is there without its secret.
        assert line in path.read_text(encoding="utf-8")
    assert checked(run).returncode == 0
    for path in kept:
        whole = path.read_bytes()
        at = len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        spoilt = checked(run)
        assert (spoilt.returncode, spoilt.stdout) == (1, f"{path.relative_to(run)}: FAILED\n")
        path.write_bytes(whole)
    assert checked(run).returncode == 0
