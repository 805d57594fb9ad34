"""How long a login on a firewall takes until nft answers, beside OpenSSH's own: python bench/login.py [rounds].

The firewall is the one of the driver's tests, a real sshd and nft in namespaces, so this needs root. The rounds are
interleaved; OpenSSH, which logs in and lists tables once, is the floor of the same round.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from napalm_nftables.channel import open_channel
from tests.napalm_nftables.drivers import ROOT, make_driver
from tests.napalm_nftables.firewall_node import FirewallNode, Relay, firewall_node

ROUNDS = 15


def ours_s(node: FirewallNode, relay: Relay) -> float:
    """Log in with a key, start nft and ask it once, as a restore's own session does."""
    driver = make_driver(node, relay, ROOT)
    began = time.monotonic()
    driver.open()
    assert open_channel(driver).ask("list tables", deadline_s=10) is not None
    took = time.monotonic() - began
    driver.close()
    return took


def openssh_s(node: FirewallNode, relay: Relay) -> float:
    """Let OpenSSH do the same."""
    known = f"-oUserKnownHostsFile={node.known_hosts(relay)}"
    argv = ["ssh", "-F", "none", known, "-oBatchMode=yes", "-i", str(node.folder / "key"), "-p", str(relay.port)]
    began = time.monotonic()
    subprocess.run([*argv, "root@127.0.0.1", "nft list tables"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main(rounds: int) -> None:
    """Measure, and print medians and the ratio."""
    if os.geteuid() != 0:
        print("A login is not measured: the firewall's namespaces need root.")
        return
    with tempfile.TemporaryDirectory() as folder, firewall_node(Path(folder)) as node:
        relay = node.relay()
        taken = [(ours_s(node, relay), openssh_s(node, relay)) for _ in range(rounds + 1)][1:]
    ours, floor = (median(each) for each in zip(*taken, strict=True))
    print(f"login until nft answers: {1000 * ours:.0f} ms, OpenSSH {1000 * floor:.0f} ms, ratio {ours / floor:.2f}")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    main(given.parse_args().rounds)
