"""A console's transcript: all that was said, masked, and never in anybody's way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from islandmode.isolation.by_recipe import transcript as transcript_file
from islandmode.isolation.by_recipe.console import ConsoleError, NoAnswer
from islandmode.isolation.by_recipe.transcript import LEFT_OUT, MaskedTranscript, Said
from tests.emulators.plant import PASSWORD, router
from tests.emulators.server import SshServer
from tests.isolation.by_recipe.consoles import CLOCK, IOS, chained, console_on, console_to
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
    wait_until(lambda: said[-1].text == "show version" and said[-1].way == "sent", "all is handed on", every_s=0.01)
    lines = [one.text for one in said if one.way == "sent"]
    assert lines == [
        "",
        "enable",
        "terminal length 0",
        "terminal width 511",
        "show clock",
        "show logging",
        "show version",
    ]
    at = next(number for number, one in enumerate(said) if one.text == "show clock")
    assert said[at + 1].text == "10:15:20.123 CET Thu Nov 26 2026\nedge#"
    assert any("snmp-server community [secret]" in one.text for one in said)
    stamps = [one.monotonic_us for one in said]
    assert stamps == sorted(stamps)
    assert began_us <= stamps[0]
    everything = " ".join((*(one.text for one in said), *chained(caught.value), console.greeting))
    assert [canary for canary in CANARIES if canary in everything] == []


def test_what_came_before_a_connection_was_lost_is_kept(tmp_path: Path) -> None:
    said: list[Said] = []
    device = router()
    with SshServer(device) as server:
        console = console_to(server, IOS, tmp_path, MaskedTranscript(CLOCK, said.append))
        console.open()
        device.faults.prompts_held = True

        def say() -> None:
            with pytest.raises(ConsoleError):
                console.say("show clock")

        thread = threading.Thread(target=say)
        thread.start()
        wait_until(lambda: device.received()[-1] == "show clock", "the device has the line")
        thread.join(0.5)
        server.hang_up()
        thread.join(PATIENCE_S)
        console.close()
    wait_until(lambda: said[-1].way == "heard" and "10:15:20" in said[-1].text, "the answer is in the transcript")


def test_a_sink_that_hangs_is_nobody_s_wait(tmp_path: Path) -> None:
    may_go_on, said = threading.Event(), list[Said]()

    def sink(one: Said) -> None:
        may_go_on.wait(PATIENCE_S)
        said.append(one)

    with console_on(router(), IOS, tmp_path, MaskedTranscript(CLOCK, sink)) as console:
        assert "10:15:20" in console.say("show clock")
        assert said == []
    may_go_on.set()
    wait_until(lambda: bool(said) and said[-1].text == "exit", "all is handed on then")


def test_a_sink_that_fails_is_told_and_asked_no_more(tmp_path: Path) -> None:
    asked: list[Said] = []

    def sink(one: Said) -> None:
        asked.append(one)
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
    assert [one.text for one in said] == ["line 0000", "line 0001", LEFT_OUT]


def test_a_long_answer_is_cut_between_lines_so_that_no_half_of_a_secret_is_left() -> None:
    said: list[Said] = []
    told = MaskedTranscript(CLOCK, said.append)
    line = f"set {PASSWORD} {PASSWORD}\n"
    transcript_file.incoming.redacted(PASSWORD)
    told.heard("x" * (64 * 1024 - 30) + "\n" + line * 100)
    told.heard(line.strip() * 10_000)
    wait_until(lambda: len(said) == 2, "both are there")
    assert "characters more)" in said[0].text
    assert "between" not in said[0].text + said[1].text
    assert said[1].text.startswith("(and ")
