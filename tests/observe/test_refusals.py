"""What came back, and from whom, where a firewall or a target refuses: real kernels, real packets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_S

NETWORK = Path(__file__).with_name("refusing_network.sh")
ASK = """
import asyncio, json, sys
from islandmode.observe import looks

async def all_of(probes):
    for name in [name for name in probes if name.startswith("a ping that passes")]:
        # A link that was just made takes a moment, longer for IPv6.
        while (await looks.sample(looks.IcmpLook(probes[name]), 1.0))["seen"] != "good":
            await asyncio.sleep(0.05)
    return {name: await looks.sample(looks.LOOKS[probe["kind"]](probe), 1.0) for name, probe in probes.items()}

if sys.argv[2] == "uvloop":
    import uvloop
    print(json.dumps(uvloop.run(all_of(json.loads(sys.argv[1])))))
else:
    print(json.dumps(asyncio.run(all_of(json.loads(sys.argv[1])))))
"""
V4, V6 = "10.8.0.2", "fd10:8::2"
FIREWALL = {V4: "10.9.0.1", V6: "fd10:9::1"}
ROWS: dict[str, tuple[int | None, str, str, bool]] = {
    # port (None is a ping), what is heard, why, and whether the firewall is named as the sender
    "a closed port of the target": (10, "refused", "connection refused", False),
    "a reset by the firewall": (11, "refused", "connection refused", False),
    "port unreachable": (12, "unreachable", "connection refused, says {}", True),
    "prohibited": (13, "unreachable", "{prohibited}, says {}", True),
    "host unreachable": (14, "unreachable", "no route to host, says {}", True),
    "dropped": (15, "nothing", "no answer in time", False),
    "a ping that passes": (None, "answer", "", False),
    "a ping that is prohibited": (3, "unreachable", "{prohibited}, says {}", True),
}


def probes() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, (port, *_) in ROWS.items():
        for target in (V4, V6):
            if "ping" in name:
                whom = target if port is None else target[:-1] + "3"
                found[f"{name} {target}"] = {"kind": "icmp", "target": whom}
            else:
                found[f"{name} {target}"] = {"kind": "tcp", "target": target, "port": port}
    found["no way at all"] = {"kind": "tcp", "target": "203.0.113.1", "port": 9}
    return found


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def samples(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    argv = ["unshare", "-rnm", "sh", str(NETWORK), sys.executable, "-c", ASK, json.dumps(probes()), request.param]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("target", [V4, V6])
@pytest.mark.parametrize("name", ROWS)
def test_a_sample_says_what_came_back_and_from_whom(name: str, target: str, samples: dict[str, dict[str, Any]]) -> None:
    _, heard, why, named = ROWS[name]
    sender = FIREWALL[target] if named else ""
    prohibited = "no route to host" if target == V4 else "permission denied"
    sample = samples[f"{name} {target}"]
    assert (sample["heard"], sample["why"], sample["sender"]) == (
        heard,
        why.format(sender, prohibited=prohibited),
        sender,
    )
    assert sample["seen"] == ("good" if heard == "answer" else "bad")


def test_a_router_that_knows_no_way_is_named(samples: dict[str, dict[str, Any]]) -> None:
    sample = samples["no way at all"]
    assert (sample["heard"], sample["why"]) == ("unreachable", "network is unreachable, says 10.9.0.1")
