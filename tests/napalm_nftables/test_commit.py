"""A candidate's life: checked, compared, committed, confirmed, rolled back, and taken back by the device alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from napalm.base.exceptions import CommitError, MergeConfigException, ReplaceConfigException

from napalm_nftables import NftablesDriver
from tests.napalm_nftables.drivers import ROOT, logged_in, make_driver
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

OWN = """table inet own {
	chain forward {
		type filter hook forward priority -10; policy accept;
		iifname "eth1" counter drop
	}
}
"""


@pytest.fixture
def driver(node: FirewallNode) -> Iterator[NftablesDriver]:
    with logged_in(node) as driver:
        yield driver


def ruleset(node: FirewallNode) -> str:
    """With handles, which change when a table is loaded again."""
    return node.run("nft -a -s list ruleset")


def committed(driver: NftablesDriver, config: str = OWN, revert_in: int | None = None) -> None:
    driver.load_merge_candidate(config=config)
    driver.commit_config(message="drill 'of' $today", revert_in=revert_in)


def wait_until_gone(node: FirewallNode, table: str = "own") -> None:
    until = time.monotonic() + PATIENCE_S
    while f"table inet {table}" in ruleset(node):
        assert time.monotonic() < until, "the device did not take the commit back"
        time.sleep(0.05)


def test_compare_is_a_true_diff_and_touches_nothing(node: FirewallNode, driver: NftablesDriver) -> None:
    before = ruleset(node)
    driver.load_merge_candidate(config=OWN)
    added = [line for line in driver.compare_config().splitlines() if line.startswith("+") and line[1:2] != "+"]
    assert [line[1:].strip() for line in added] == [
        "table inet own {",
        "chain forward {",
        "type filter hook forward priority filter - 10; policy accept;",
        'iifname "eth1" counter packets 0 bytes 0 drop'.replace(" packets 0 bytes 0", ""),
        "}",
        "}",
    ]
    assert not [line for line in driver.compare_config().splitlines() if line[0] == "-" and line[:3] != "---"]
    assert ruleset(node) == before
    driver.discard_config()
    assert driver.compare_config() == ""


def test_replace_is_compared_against_the_whole_ruleset(driver: NftablesDriver) -> None:
    running = driver.get_config(retrieve="running")["running"]
    driver.load_replace_candidate(config=running)
    assert driver.compare_config() == ""
    driver.load_replace_candidate(config=OWN)
    assert "-table inet site {" in driver.compare_config()


def test_rules_that_name_interfaces_by_index_can_be_compared(driver: NftablesDriver) -> None:
    driver.load_merge_candidate(config=OWN.replace("iifname", "iif"))
    assert '+\t\tiif "eth1" counter drop' in driver.compare_config()


@pytest.mark.parametrize("bad", ["", "   ", "table inet own { nonsense }", "add rule inet absent forward drop"])
def test_a_bad_merge_is_refused_in_the_words_of_nft(node: FirewallNode, driver: NftablesDriver, bad: str) -> None:
    before = ruleset(node)
    with pytest.raises(MergeConfigException):
        driver.load_merge_candidate(config=bad)
    with pytest.raises(ReplaceConfigException):
        driver.load_replace_candidate(config=bad)
    with pytest.raises(CommitError):
        driver.commit_config()
    assert ruleset(node) == before


def test_a_merge_may_not_touch_somebody_elses_table(driver: NftablesDriver) -> None:
    with pytest.raises(MergeConfigException, match="inet site"):
        driver.load_merge_candidate(config="add rule inet site forward drop")
    with pytest.raises(MergeConfigException, match="inet site"):
        driver.load_merge_candidate(config=f"flush ruleset\n{OWN}")


def test_a_merge_fails_where_its_table_has_appeared_meanwhile(node: FirewallNode, driver: NftablesDriver) -> None:
    driver.load_merge_candidate(config=OWN)
    node.run("nft add table inet own")
    with pytest.raises(MergeConfigException, match="inet own"):
        driver.commit_config()


def test_rollback_removes_our_table_and_nothing_else(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver)
    node.run("nft add rule inet site forward counter comment colleague; nft add element inet site seen { 10.9.9.9 }")
    with_colleague = ruleset(node)
    driver.rollback()
    after = ruleset(node)
    assert "table inet own" not in after
    assert "10.9.9.9" in after
    own = with_colleague.index("table inet own")
    assert after == with_colleague[:own]
    with pytest.raises(CommitError, match="No commit"):
        driver.rollback()


def test_rollback_after_a_colleague_removed_the_table_is_no_error(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver)
    node.run("nft delete table inet own")
    driver.rollback()
    assert "table inet own" not in ruleset(node)


def test_rollback_of_a_replace_reloads_with_counters(node: FirewallNode, driver: NftablesDriver) -> None:
    node.run("nft add table inet count; nft add counter inet count c { packets 7 bytes 700 }")
    before = node.run("nft -s list ruleset")
    driver.load_replace_candidate(config=OWN)
    driver.commit_config()
    assert "table inet site" not in ruleset(node)
    driver.rollback()
    assert node.run("nft -s list ruleset") == before
    assert "packets 7 bytes 700" in node.run("nft list ruleset")


def test_a_pending_commit_blocks_another_and_confirmation_ends_it(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver, revert_in=3)
    assert driver.has_pending_commit()
    driver.load_merge_candidate(config=OWN.replace("own", "second"))
    with pytest.raises(CommitError, match="already waiting"):
        driver.commit_config()
    driver.confirm_commit()
    assert not driver.has_pending_commit()
    with pytest.raises(CommitError, match="No commit is waiting"):
        driver.confirm_commit()
    assert "sleep 3" not in node.run("ps axo args")
    time.sleep(3.2)
    assert "table inet own" in ruleset(node)


def test_the_device_takes_a_commit_back_in_time(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver, revert_in=1)
    wait_until_gone(node)
    assert not driver.has_pending_commit()
    with pytest.raises(CommitError):
        driver.confirm_commit()


def test_rollback_of_a_pending_commit_stops_its_timer(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver, revert_in=60)
    driver.rollback()
    assert not driver.has_pending_commit()
    assert "table inet own" not in ruleset(node)
    assert "sleep 60" not in node.run("ps axo args")


def test_a_commit_the_device_refuses_leaves_no_timer(node: FirewallNode, driver: NftablesDriver) -> None:
    driver.load_merge_candidate(config=OWN)
    # It appears between the last check and the commit: only the candidate's own `create` can notice.
    node.run("printf '#!/bin/sh\\n[ \"$1\" = -f ] && [ \"$2\" = - ] && /usr/sbin/nft add table inet own\\n"
             "exec /usr/sbin/nft \"$@\"\\n' > /usr/local/sbin/nft-odd; chmod 755 /usr/local/sbin/nft-odd")  # fmt: skip
    with logged_in(node, driver.firewall.become, nft="/usr/local/sbin/nft-odd") as odd:
        odd._candidate = ("merge", OWN)
        with pytest.raises((CommitError, MergeConfigException)):
            odd.commit_config(revert_in=60)
    assert not driver.has_pending_commit()
    assert "sleep 60" not in node.run("ps axo args")


def test_as_root_without_sudo_it_is_all_the_same(node: FirewallNode) -> None:
    with logged_in(node, ROOT) as driver:
        before = ruleset(node)
        committed(driver, revert_in=30)
        assert driver.has_pending_commit()
        driver.confirm_commit()
        assert "table inet own" in ruleset(node)
        driver.rollback()
        assert ruleset(node) == before
        committed(driver, revert_in=1)
        wait_until_gone(node)


def test_another_client_sees_and_confirms_a_pending_commit(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver, revert_in=30)
    driver.close()
    with logged_in(node, driver.firewall.become) as other:
        assert other.has_pending_commit()
        other.confirm_commit()
        assert not other.has_pending_commit()


def test_confirm_rollback_and_timer_race_and_exactly_one_wins(node: FirewallNode) -> None:
    with logged_in(node, ROOT) as one, logged_in(node, ROOT) as two:
        for wait_s in (0.9, 1.0):
            committed(one, revert_in=1)
            time.sleep(wait_s)
            outcomes = []
            for act in (one.confirm_commit, two.rollback):
                try:
                    act()
                    outcomes.append(True)
                except CommitError:
                    outcomes.append(False)
            stands = "table inet own" in ruleset(node)
            assert not two.has_pending_commit()
            # A confirmed commit may still be rolled back as the last one; a commit taken back may not be confirmed.
            assert not (outcomes[0] and not outcomes[1] and not stands)
            assert not stands or outcomes[0]
            node.run("nft delete table inet own 2>/dev/null; true")


CLIENT = """
import sys
from napalm.base import get_network_driver
driver = get_network_driver("nftables")("127.0.0.1", "drill", sys.argv[3], 15,
    {"port": int(sys.argv[1]), "alt_key_file": sys.argv[2]})
driver.open()
driver.load_merge_candidate(config=sys.stdin.read())
driver.commit_config(revert_in=2)
print("committed", flush=True)
sys.stdin.close()
import time
time.sleep(60)
"""


def test_revert_in_works_with_the_client_killed_and_the_link_down(node: FirewallNode) -> None:
    relay = node.relay()
    known_hosts = node.known_hosts(relay)
    arguments = [sys.executable, "-c", CLIENT, str(relay.port), str(known_hosts), PASSWORD]
    client = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(OWN)
    client.stdin.close()
    assert client.stdout.readline() == "committed\n"
    client.kill()
    client.wait()
    client.stdout.close()
    node.run("ip link set lo down")
    try:
        assert "table inet own" in ruleset(node)
        wait_until_gone(node)
    finally:
        node.run("ip link set lo up")


def test_a_reboot_forgets_what_was_pending(node: FirewallNode) -> None:
    with logged_in(node) as driver:
        committed(driver, revert_in=60)
        node.run("sed -i s/^[^\\ ]*/another-boot/ /home/drill/.napalm_nftables/pending.*")
        assert not driver.has_pending_commit()


def test_saved_configuration_is_never_written(node: FirewallNode, driver: NftablesDriver) -> None:
    before = node.run("sha256sum /etc/nftables.conf")
    committed(driver)
    driver.rollback()
    driver.load_replace_candidate(config=OWN)
    driver.commit_config()
    driver.rollback()
    assert node.run("sha256sum /etc/nftables.conf") == before


def test_only_a_known_way_to_become_root_is_taken(node: FirewallNode) -> None:
    with pytest.raises(ValueError, match='"sudo" or "root"'):
        make_driver(node, node.relay(), become="doas")


TAKEN_AWAY = "add table inet own\ndelete table inet own\n"
"""Right whether the table stands or not."""


@pytest.mark.parametrize("waits", [True, False])
def test_a_merge_removes_what_a_commit_of_the_driver_added(
    node: FirewallNode, driver: NftablesDriver, *, waits: bool
) -> None:
    before = ruleset(node)
    committed(driver, revert_in=61 if waits else None)
    driver.load_merge_candidate(config=TAKEN_AWAY)
    changed = [
        line for line in driver.compare_config().splitlines() if line[:3] not in {"---", "+++"} and line[0] in "+-"
    ]
    assert {line[0] for line in changed} == {"-"}
    assert "-table inet own {" in changed
    driver.commit_config()
    assert ruleset(node) == before
    assert not driver.has_pending_commit()
    assert "sleep 61" not in node.run("ps axo args")


def test_a_merge_that_finds_nothing_to_remove_changes_nothing(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver, revert_in=1)
    wait_until_gone(node)
    before = ruleset(node)
    driver.load_merge_candidate(config=TAKEN_AWAY)
    assert driver.compare_config() == ""
    driver.commit_config()
    assert ruleset(node) == before


def test_while_a_commit_waits_no_other_is_taken_than_one_that_removes_all_of_it(
    node: FirewallNode, driver: NftablesDriver
) -> None:
    committed(driver, OWN + OWN.replace("own", "second"), revert_in=60)
    for candidate, revert_in in ((TAKEN_AWAY, None), (TAKEN_AWAY + TAKEN_AWAY.replace("own", "second"), 60)):
        driver.load_merge_candidate(config=candidate)
        with pytest.raises(CommitError, match="already waiting"):
            driver.commit_config(revert_in=revert_in)
        assert driver.has_pending_commit()
    driver.load_merge_candidate(config=TAKEN_AWAY + TAKEN_AWAY.replace("own", "second"))
    driver.commit_config()
    assert not driver.has_pending_commit()
    assert "table inet site" in ruleset(node)


@pytest.mark.parametrize("table", ["site", "colleague"])
def test_a_merge_removes_no_table_that_the_driver_did_not_add(
    node: FirewallNode, driver: NftablesDriver, table: str
) -> None:
    node.run("nft add table inet colleague")
    before = ruleset(node)
    with pytest.raises(MergeConfigException, match=f"inet {table}"):
        driver.load_merge_candidate(config=f"delete table inet {table}")
    assert ruleset(node) == before
    node.run("nft delete table inet colleague")


def test_what_a_merge_removed_can_be_brought_back_with_its_counters(node: FirewallNode, driver: NftablesDriver) -> None:
    committed(driver, OWN.replace("counter drop", "counter packets 7 bytes 700 drop"))
    driver.load_merge_candidate(config=TAKEN_AWAY)
    driver.commit_config(revert_in=1)
    assert "table inet own" not in ruleset(node)
    until = time.monotonic() + PATIENCE_S
    while "packets 7 bytes 700" not in node.run("nft list ruleset"):
        assert time.monotonic() < until, "the device did not take the removal back"
        time.sleep(0.05)


def test_a_candidate_that_comes_after_its_life_lands_nowhere(node: FirewallNode) -> None:
    before = ruleset(node)
    with logged_in(node, candidate_life=0.05) as driver:
        driver.load_merge_candidate(config=OWN)
        with pytest.raises(CommitError, match="after its time"):
            driver.commit_config(revert_in=59)
        assert not driver.has_pending_commit()
    assert ruleset(node) == before
    assert "sleep 59" not in node.run("ps axo args")
    with logged_in(node, candidate_life=PATIENCE_S) as driver:
        committed(driver, revert_in=60)
        driver.rollback()


def test_the_device_keeps_until_when_a_commit_waits_and_who_confirmed_it(
    node: FirewallNode, driver: NftablesDriver
) -> None:
    state = "/home/drill/.napalm_nftables"
    committed(driver, revert_in=60)
    up_s = float(node.run("cat /proc/uptime").split()[0])
    ends_s = float(node.run(f"cat {state}/pending.*").split()[2])
    assert up_s < ends_s <= up_s + 60
    driver.confirm_commit()
    assert node.run(f"cat {state}/confirmed").split()[2:] == ["drill", "127.0.0.1"]
    driver.rollback()
