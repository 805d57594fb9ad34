"""One `nft -i` held open: one line changes, a following line asks, silence is unknown."""

from __future__ import annotations

import json
import time

import pytest

from napalm_nftables.channel import _split, open_channel
from napalm_nftables.errors import LinkLost
from tests.napalm_nftables.drivers import ROOT, SUDO, logged_in, make_driver
from tests.napalm_nftables.firewall_node import FirewallNode
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab


def tables(text: str) -> list[str]:
    return [entry["table"]["name"] for entry in json.loads(text)["nftables"] if "table" in entry]


@pytest.mark.parametrize("become", [SUDO, ROOT])
def test_a_written_line_is_read_back_on_a_following_one(node: FirewallNode, become: str) -> None:
    with logged_in(node, become) as driver:
        channel = open_channel(driver.firewall)
        channel.write("create table inet one; create table inet two")
        answer = channel.ask("list tables", deadline_s=5)
        assert answer is not None
        assert tables(answer.text) == ["site", "one", "two"]
        assert answer.errors == ()
        channel.write("add table inet one; delete table inet one; add table inet two; delete table inet two")
        answer = channel.ask("list tables", deadline_s=5)
        assert answer is not None
        assert tables(answer.text) == ["site"]
        channel.close()


def test_errors_are_those_since_the_last_question(node: FirewallNode) -> None:
    with logged_in(node) as driver:
        channel = open_channel(driver.firewall)
        channel.write("create table inet site")
        channel.write("add element inet absent hold { 1 }")
        answer = channel.ask("list tables", deadline_s=5)
        assert answer is not None
        assert ["File exists" in answer.errors[0], "No such file" in answer.errors[1]] == [True, True]
        assert tables(answer.text) == ["site"]
        answer = channel.ask("list table inet absent", deadline_s=5)
        assert answer is not None
        assert answer.text == ""
        assert "No such file" in answer.errors[0]
        answer = channel.ask("list table inet absent", "list tables", "list table inet gone", deadline_s=5)
        assert answer is not None
        assert [answer.texts[0], tables(answer.texts[1]), answer.texts[2]] == ["", ["site"], ""]
        answer = channel.ask("list tables", deadline_s=5)
        assert answer is not None
        assert answer.errors == ()
        with pytest.raises(ValueError, match="one line"):
            channel.write("list tables\nflush ruleset")


def test_a_line_is_one_transaction(node: FirewallNode) -> None:
    with logged_in(node) as driver:
        channel = open_channel(driver.firewall)
        channel.write("create table inet one; create table inet site")
        answer = channel.ask("list tables", deadline_s=5)
        assert answer is not None
        assert tables(answer.text) == ["site"]


def test_a_long_line_is_taken_whole(node: FirewallNode) -> None:
    with logged_in(node) as driver:
        channel = open_channel(driver.firewall)
        names = [f"t{number}" for number in range(400)]
        channel.write("; ".join(f"create table inet {name}" for name in names))
        answer = channel.ask("list tables", deadline_s=10)
        assert answer is not None
        assert tables(answer.text) == ["site", *names]


def test_silence_is_unknown_and_ends_the_channel(node: FirewallNode) -> None:
    relay = node.relay()
    driver = make_driver(node, relay)
    driver.open()
    channel = open_channel(driver.firewall)
    relay.freeze()
    assert channel.ask("list tables", deadline_s=0.3) is None
    assert not channel.alive


def test_a_lost_connection_is_said(node: FirewallNode) -> None:
    relay = node.relay()
    driver = make_driver(node, relay)
    driver.open()
    channel = open_channel(driver.firewall)
    relay.end()
    with pytest.raises(LinkLost):
        channel.ask("list tables", deadline_s=5)
    assert not channel.alive


def test_without_nft_the_channel_ends_and_says_why(node: FirewallNode) -> None:
    with logged_in(node, ROOT, nft="/usr/sbin/nft-absent") as driver:
        channel = open_channel(driver.firewall)
        with pytest.raises(LinkLost, match="nft-absent"):
            channel.ask("list tables", deadline_s=5)


def test_without_the_rights_every_question_is_refused(node: FirewallNode) -> None:
    driver = make_driver(node, node.relay())
    driver.firewall.nft = "/usr/sbin/nft"
    driver.open()
    answer = open_channel(driver.firewall).ask("list tables", deadline_s=5)
    assert answer is not None
    assert answer.text == ""
    assert answer.errors
    driver.close()


def test_nft_ends_with_the_channel_and_leaves_no_history(node: FirewallNode) -> None:
    node.run("rm -f ~root/.nft.history /home/drill/.nft.history")
    with logged_in(node) as driver:
        channel = open_channel(driver.firewall)
        channel.ask("list tables", deadline_s=5)
        channel.close()
        until = time.monotonic() + PATIENCE_S
        while "nft -j -i" in node.run("ps axo args | grep -v grep"):
            assert time.monotonic() < until, "nft outlived its channel"
            time.sleep(0.02)
    assert node.run("ls -a /root /home/drill | grep nft.history; true") == ""


MARK = "list table inet mark_1"
REFUSED = f"Error: No such file or directory\n{MARK}\n                ^^^^^^\n"
ABSENT = "Error: No such file or directory\nlist table inet x\n                ^\n"
LISTING = '{"nftables": []}\n'


@pytest.mark.parametrize(
    ("received", "texts", "errors"),
    [
        (LISTING + REFUSED, ('{"nftables": []}', ""), 0),
        (LISTING + ABSENT + REFUSED, ('{"nftables": []}', ""), 1),
        (REFUSED + LISTING + ABSENT, ('{"nftables": []}', ""), 1),
        (REFUSED.replace("\nlist", f"\n{LISTING}list") + ABSENT, ('{"nftables": []}', ""), 1),
    ],
)
def test_answers_are_told_apart_even_when_streams_are_mixed(received: str, texts: tuple[str, str], errors: int) -> None:
    lines = ("list tables", "list table inet x") if errors else ("list tables",)
    answer = _split(received, lines, MARK)
    assert answer is not None
    assert answer.texts == texts[: len(lines)]
    assert len(answer.errors) == errors


@pytest.mark.parametrize("cut", range(1, len(LISTING + REFUSED)))
def test_an_answer_that_is_not_complete_is_no_answer(cut: int) -> None:
    assert _split((LISTING + REFUSED)[:-cut], ("list tables",), MARK) is None
