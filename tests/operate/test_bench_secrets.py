"""Secrets planted round a bench stand in nothing that it leaves: record, signature, transcript, what it says, and the sentence of a refusal."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.system.redaction import HIDDEN
from islandmode.ui.bench import bench_command
from tests.emulators.benching import Bencher
from tests.emulators.device import Account
from tests.emulators.ios import IosDevice
from tests.emulators.kirkby import ENTRIES, LOGIN
from tests.emulators.plant import USER
from tests.lab.test_planted_secrets import assert_in_none
from tests.more import first_of
from tests.operate.test_bench import RANGE, at_first_timer, device, ready

SECRETS = {
    "login password": "login-Hs62-canary",
    "enable secret": "enable-Bw94-canary",
    "shell variable": "shell-Vq81-canary",
    "password of a colleague": "colleague-Fr38-canary",
    "secret of a configuration": "secret-Tz90-canary",
    "community": "comm-Rx13-canary",
    "the same, changed": "changed-Pw55-canary",
}
WITH_ENABLE = f'login: {{user: {USER}, password: "file:keys/password", become: enable, enable: "file:keys/enable"}}'


def planted(bencher: Bencher) -> IosDevice:
    """Plant all of them; the community changes while the first timer runs."""
    router, keys = device(bencher), bencher.kirkby.root / "keys"
    assert isinstance(router, IosDevice)
    bencher.kirkby.describe(ENTRIES[RANGE].replace(LOGIN, WITH_ENABLE))
    for name, secret in (("password", "login password"), ("enable", "enable secret")):
        (keys / name).write_text(SECRETS[secret], encoding="ascii")
        (keys / name).chmod(0o600)
    router.accounts[USER] = Account(SECRETS["login password"])
    router.enable_secret = SECRETS["enable secret"]
    router.running.others += [
        f"username colleague password 0 {SECRETS['password of a colleague']}",
        f"enable secret 9 {SECRETS['secret of a configuration']}",
        f"snmp-server community {SECRETS['community']} RO",
    ]
    router.save()

    def change() -> None:
        router.running.others[-1] = f"snmp-server community {SECRETS['the same, changed']} RO"

    at_first_timer(bencher, change)
    return router


def left(bencher: Bencher) -> dict[str, bytes]:
    """Give every byte of the workspace, but for the files in which the secrets are kept."""
    root = bencher.kirkby.root
    keys = root / "keys"
    own = {keys / "password", keys / "enable", bencher.key}
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and path not in own}


@pytest.mark.parametrize("as_json", first_of([False, True]), ids=["said", "for a machine"])
def test_planted_secrets_stand_in_nothing_that_a_bench_leaves(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    as_json: bool,  # noqa: FBT001 - a row
) -> None:
    monkeypatch.setenv("PLANTED_IN_THE_SHELL", SECRETS["shell variable"])
    with ready(tmp_path, RANGE) as bencher, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        planted(bencher)
        key = bencher.key.read_text(encoding="ascii").splitlines()[1]
        name = bencher.kirkby.name
        code = bench_command(tmp_path, name, None, bencher.key, 1, bencher.clock, as_json=as_json)
    secrets = {**SECRETS, "key": key}
    assert code == 3, err.getvalue()
    assert_in_none(secrets, left(bencher) | {"output": out.getvalue().encode(), "errors": err.getvalue().encode()})
    (transcript,) = (tmp_path / "inventory" / "benched").rglob("*.txt")
    # The lines were heard, and are there without their secrets; that the community was changed was seen all the same.
    text = transcript.read_text(encoding="utf-8")
    assert f"snmp-server community {HIDDEN}" in text
    (record,) = (tmp_path / "inventory" / "benched").rglob("record.json")
    changed = json.loads(record.read_text(encoding="utf-8"))["changed"]
    assert any("snmp-server community" in line for line in changed)


def test_a_refused_bench_says_no_secret_either(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as bencher:
        router = planted(bencher)
        router.enable_secret = "another"
        with pytest.raises(Refused) as refused:
            bencher.benches(1)
        assert_in_none(SECRETS, left(bencher) | {"refusal": str(refused.value).encode()})
