"""Secrets in the text of devices: found by the words before them, in every dialect that we know of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.masking import masked

SECRET = "Gh7-kq2Zp"
LINES = (
    # nftables, Linux
    'tcp dport 22 accept comment "password={}" # handle 5',
    '\tcomment "the snmp community {}"',
    "# password {}",
    "PrivateKey = {}",
    "PresharedKey={}",
    "wpa_passphrase={}",
    "root:$6$salt${}:19000:0",
    "proxy = https://user:{}@proxy.example/x",
    '{"password": "{}", "user": "ines"}',
    # Cisco IOS, ASA, FRR
    "snmp-server community {} RO 10",
    "snmp-server host 10.1.1.1 traps version 2c {}",
    "snmp-server user ines ops v3 auth sha {} priv aes 128 other",
    "snmp-server user ines ops v3 auth sha other priv aes 128 {}",
    "enable secret 5 $1$salt${}",
    "enable secret {}",
    "username ines privilege 15 password 7 {}",
    "radius-server host 10.1.1.1 key 7 {}",
    "tacacs-server key {}",
    "crypto isakmp key {} address 10.1.1.1",
    " neighbor 10.1.1.1 password {}",
    " ip ospf message-digest-key 1 md5 {}",
    " ip ospf authentication-key {}",
    " standby 1 authentication {}",
    " key-string {}",
    # Junos, FortiOS, PAN-OS, RouterOS
    'encrypted-password "{}"; ## SECRET-DATA',
    'pre-shared-key ascii-text "{}"; ## SECRET-DATA',
    "    set psksecret ENC {}",
    '    set passwd "{}"',
    "<password>{}</password><user>ines</user>",
    "<phash>{}</phash>",
    "/ppp secret add name=ines password={} profile=ops",
    "/snmp community set name={}",
)


def mark(secret: str) -> str:
    return f"[{len(secret)}]"


@pytest.mark.parametrize("line", LINES)
def test_no_secret_is_left_in_a_line(line: str) -> None:
    text = f"first\n{line.replace('{}', SECRET)}\nlast"
    kept = masked(text, mark).split("\n")
    assert SECRET not in kept[1]
    assert (kept[0], len(kept), kept[2]) == ("first", 3, "last")
    assert kept[1][:5] == line[:5]


@pytest.mark.parametrize(
    "text",
    [
        "tcp dport 22 accept # handle 4",
        "jump password_chain",
        "key chain ospf",
        'set zone password ""',
        "sudo: a password is required",
        "ct state established,related accept",
        "2: eth1@if3: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP",
        "10.40.0.0/24 dev eth4 proto kernel scope link src 10.40.0.1",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text, mark) == text


def test_what_a_device_puts_at_the_end_of_a_line_is_told_by_its_platform() -> None:
    def unnumbered(line: str) -> str:
        return line.partition(" @")[0]

    assert masked("secret is x @17\npassword { @4", mark, unnumbered=unnumbered) == "secret [4] @17\npassword { @4"
    # Nothing is known here of what any platform puts there: too much is hidden rather than too little.
    assert masked("table inet password { # handle 4", mark) == "table inet password [12]"


def test_a_platform_that_changes_a_line_elsewhere_hides_no_less() -> None:
    assert masked(f"7 password {SECRET}", mark, unnumbered=lambda line: line[2:]) == f"7 password [{len(SECRET)}]"


def test_a_private_key_goes_line_by_line() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBBB\n-----END OPENSSH PRIVATE KEY-----\n# end"
    hidden = "-----BEGIN OPENSSH PRIVATE KEY-----\n[4]\n[5]\n-----END OPENSSH PRIVATE KEY-----\n# end"
    assert masked(key, mark) == hidden
    assert masked("-----BEGIN CERTIFICATE-----\nAAAA", mark) == "-----BEGIN CERTIFICATE-----\nAAAA"


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1:22 refused user ines with this password; one attempt was made.",
        "10.0.0.1 shows another host key than the known-hosts file has: expected SHA256:a, got SHA256:b",
        "The private key for 10.0.0.1:22 cannot be read (OSError).",
    ],
)
def test_a_sentence_of_ours_stays_whole(text: str) -> None:
    assert masked(text, mark, sentence=True) == text


def test_what_a_sentence_quotes_is_hidden_all_the_same() -> None:
    assert SECRET not in masked(f"Error: syntax error | password={SECRET}", mark, sentence=True)
    assert SECRET not in masked(f"line 3: secret: {SECRET}", mark, sentence=True)


@given(
    st.text(st.characters(categories=None), max_size=200)
    | st.text(st.sampled_from("password \"'=:<>{}\n$1\\-"), max_size=80)
)
def test_any_text_keeps_its_lines(text: str) -> None:
    assert masked(text, lambda _: "*").count("\n") == text.count("\n")


def test_a_changed_secret_shows_and_an_unchanged_one_does_not() -> None:
    one, same, other = (masked(f"password {value}", lambda value: f"[{hash(value)}]") for value in ("a", "a", "b"))
    assert one == same
    assert one != other
