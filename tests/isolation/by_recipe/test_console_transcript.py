"""A console's transcript: all that was said, masked, and never in anybody's way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from islandmode.isolation.by_recipe.transcript import LEFT_OUT, MaskedTranscript, Said
from islandmode.isolation.by_recipe.trouble import NoAnswer
from islandmode.system.redaction import KNOWN
from tests.emulators.plant import PASSWORD, router
from tests.isolation.by_recipe.consoles import CLOCK, IOS, chained, console_on
from tests.patience import PATIENCE_S, wait_until

CANARIES = ("canary-enable", "canary-motd", "canary-community", PASSWORD)


def test_every_line_and_answer_is_kept_with_its_time_and_no_secret(tmp_path: Path) -> None:
    said: list[Said] = []
    device = router(enable_secret="canary-enable")
    device.faults.text_at_login = "The password is canary-motd\n"
    device.faults.rejected["show logging"] = (
        f"snmp-server community canary-community RO\nlogged in with {PASSWORD}, enabled with canary-enable\n"
    )
    told = MaskedTranscript(CLOCK, said.append)
    began_us = CLOCK.monotonic_us()
    with console_on(device, IOS, tmp_path, told, become="enable", enable="canary-enable") as console:
        console.say("show clock")
        console.say("show logging")
        device.faults.crash_after(1)
        with pytest.raises(NoAnswer) as caught:
            console.say("show version")
    wait_until(lambda: any((entry.way, entry.text) == ("sent", "show version") for entry in said), "all is handed on")
    lines = [entry.text for entry in said if entry.way == "sent"]
    assert lines == [
        "",
        "enable",
        "terminal length 0",
        "terminal width 511",
        "show clock",
        "show logging",
        "show version",
    ]
    at = next(number for number, entry in enumerate(said) if entry.text == "show clock")
    assert said[at + 1].text == "10:15:20.123 CET Thu Nov 26 2026\nedge#"
    assert any("snmp-server community [secret]" in entry.text for entry in said)
    stamps = [entry.monotonic_us for entry in said]
    assert stamps == sorted(stamps)
    assert began_us <= stamps[0]
    everything = " ".join((*(entry.text for entry in said), *chained(caught.value), console.greeting))
    assert [canary for canary in CANARIES if canary in everything] == []


def test_a_sink_that_hangs_is_nobody_s_wait(tmp_path: Path) -> None:
    may_go_on, said = threading.Event(), list[Said]()

    def sink(entry: Said) -> None:
        may_go_on.wait(PATIENCE_S)
        said.append(entry)

    with console_on(router(), IOS, tmp_path, MaskedTranscript(CLOCK, sink)) as console:
        assert "10:15:20" in console.say("show clock")
        assert said == []
    may_go_on.set()
    wait_until(lambda: bool(said) and said[-1].text == "exit", "all is handed on then")


def test_a_sink_that_fails_is_told_and_asked_no_more(tmp_path: Path) -> None:
    asked: list[Said] = []

    def sink(entry: Said) -> None:
        asked.append(entry)
        raise OSError(28, "No space left on device")

    told = MaskedTranscript(CLOCK, sink)
    with console_on(router(), IOS, tmp_path, told) as console:
        wait_until(lambda: "No space left" in told.trouble, "the trouble is told")
        assert "10:15:20" in console.say("show clock")
    assert len(asked) == 1


def test_it_ends_where_it_is_full_and_says_so() -> None:
    said: list[Said] = []
    told = MaskedTranscript(CLOCK, said.append, letters_most=25)
    for number in range(10):
        told.sent(f"line {number:04}")
    wait_until(lambda: len(said) == 3, "it is full")
    assert [entry.text for entry in said] == ["line 0000", "line 0001", LEFT_OUT]


def test_a_long_answer_is_cut_between_lines_so_that_no_half_of_a_secret_is_left() -> None:
    said: list[Said] = []
    told = MaskedTranscript(CLOCK, said.append)
    line = f"set {PASSWORD} {PASSWORD}\n"
    KNOWN.learn(PASSWORD)
    told.heard("x" * (64 * 1024 - 30) + "\n" + line * 100)
    told.heard(line.strip() * 10_000)
    wait_until(lambda: len(said) == 2, "both are there")
    assert "characters more)" in said[0].text
    assert "between" not in said[0].text + said[1].text
    assert said[1].text.startswith("(and ")
