"""A line and its answer: what the answer is, and what becomes of a line whose answer does not come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.recipe.reading import refused_by
from islandmode.core.recipe.steps import RunValues, step_lines
from islandmode.isolation.by_recipe.console import Console
from islandmode.isolation.by_recipe.trouble import ConsoleError, NoAnswer, NothingSent
from islandmode.isolation.session import DeviceSession
from tests.core.recipe_plant import ENDS, RUN, recipe, sent
from tests.emulators.device import Device
from tests.emulators.plant import BOTH, firewall, router
from tests.emulators.server import SshServer
from tests.isolation.by_recipe.consoles import CLOCK, FORTI, IOS, both_families, console_on, console_to
from tests.patience import PATIENCE_S, wait_until


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


RUNNING = RunValues(RUN, 300.0, ENDS)
MESSAGE = "\n*Nov 26 10:15:20.123: %SYS-5-CONFIG_I: Configured from console by vty0\n"
LOGGED = "\n*Nov 26 10:15:20.123: %PARSER-5-CFGLOG_LOGGEDCMD: User:drill  logged command:{ask}\n"


@both_families
def test_all_lines_of_a_recipe_go_through_and_only_they_configure(
    name: str, make: Callable[[], Device], ask: str, tmp_path: Path
) -> None:
    device, found = make(), recipe(name)
    lines = [line for step in ("arm", "isolate", "restore") for line in sent(step_lines(found, step, BOTH, RUNNING))]
    device.expect_arm(sent(step_lines(found, "arm", BOTH, RUNNING)))
    before = device.configuration()
    with console_on(device, name, tmp_path) as console:
        for line in lines:
            assert refused_by(found, console.say(line)) is None
        assert "10:15:20" in console.say(ask)
    came = device.received()
    first = came.index(lines[0])
    assert came[first : first + len(lines)] == lines
    assert device.configuration() == before


def test_pages_are_turned(tmp_path: Path) -> None:
    whole, paged = firewall(), firewall(pages=True)
    answers = []
    for device in (whole, paged):
        with console_on(device, FORTI, tmp_path) as console:
            answers.append(console.say("show firewall policy"))
            assert "current time" in console.say("execute time")
    assert answers[0] == answers[1]
    assert len(answers[0].splitlines()) > 48
    assert not paged.was_touched
    with console_on(router(), IOS, tmp_path) as console:
        unpaged = console.say("show running-config")
        console.say("terminal length 12")
        assert console.say("show running-config") == unpaged
        assert unpaged.endswith("\nend")


def test_a_rejected_line_is_answered_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with console_on(router(), IOS, tmp_path) as console:
        console.say("configure terminal")
        assert "% Invalid input detected" in console.say("tyme-range nothing")
        assert console.say("end") == ""
        assert console.say("show clock") == "10:15:20.123 CET Thu Nov 26 2026"
    with console_on(firewall(), FORTI, tmp_path) as console:
        console.say("config firewall schedule onetime")
        assert "command parse error" in console.say("set start 10:00 2026/11/26") or "Unknown action" in console.say(
            "sat"
        )
        assert console.say("end") == ""


@both_families
@pytest.mark.parametrize("template", [MESSAGE, LOGGED])
def test_messages_in_the_middle_are_no_prompts_and_no_echoes(
    name: str, make: Callable[[], Device], ask: str, template: str, tmp_path: Path
) -> None:
    device, message = make(), template.format(ask=ask)
    with console_on(device, name, tmp_path) as console:
        clean = console.say(ask)
        device.faults.text_among = message
        assert console.say(ask).startswith(clean)
        device.faults.text_among = ""
        device.faults.text_behind = message
        assert console.say(ask) == clean
        assert console.say(ask) == clean


def test_the_longest_line_is_known_again(tmp_path: Path) -> None:
    with console_on(router(), IOS, tmp_path) as console:
        line = f"show clock {'x' * 239}"
        assert "Invalid input" in console.say(line)
        assert "10:15:20" in console.say("show clock")


def test_a_prompt_that_changes_within_a_session(tmp_path: Path) -> None:
    device = router()
    with console_on(device, IOS, tmp_path) as console:
        device.enter(["hostname other-name-than-before"])
        assert console.say("show clock") == "10:15:20.123 CET Thu Nov 26 2026"
        console.say("configure terminal")
        assert console.say("hostname edge") == ""
        assert console.say("end") == ""
        assert "10:15:20" in console.say("show clock")


def test_a_prompt_that_comes_late(tmp_path: Path) -> None:
    device = router()
    with console_on(device, IOS, tmp_path) as console:
        device.faults.prompts_held = True
        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append(console.say("show clock")))
        thread.start()
        wait_until(lambda: device.received()[-1] == "show clock", "the device has the line")
        assert answers == []
        device.faults.prompts_held = False
        thread.join(PATIENCE_S)
        assert answers == ["10:15:20.123 CET Thu Nov 26 2026"]


@both_families
@pytest.mark.parametrize("held", ["answers_held", "prompts_held"])
def test_an_abort_ends_the_wait_and_nothing_more_leaves(
    name: str, make: Callable[[], Device], ask: str, held: str, tmp_path: Path
) -> None:
    device = make()
    with SshServer(device) as server:
        console = console_to(server, name, tmp_path)
        console.open()
        setattr(device.faults, held, True)
        raised: list[Exception] = []

        def say() -> None:
            try:
                console.say(ask)
            except ConsoleError as error:
                raised.append(error)

        thread = threading.Thread(target=say)
        thread.start()
        wait_until(lambda: device.received()[-1] == ask, "the device has the line")
        console.abort()
        thread.join(PATIENCE_S)
        assert [type(error) for error in raised] == [NoAnswer]
        with pytest.raises(NothingSent):
            console.say(ask)
        console.close()
        wait_until(lambda: server.connections == 0, "the connection is reset")
        setattr(device.faults, held, False)
        assert device.received()[-1] == ask


@both_families
@pytest.mark.parametrize("executes", [True, False])
def test_a_connection_that_is_lost_with_a_line_leaves_it_unknown(
    name: str,
    make: Callable[[], Device],
    ask: str,
    executes: bool,  # noqa: FBT001 - parametrized
    tmp_path: Path,
) -> None:
    device = make()
    with SshServer(device) as server:
        console = console_to(server, name, tmp_path)
        console.open()
        device.faults.crash_after(1, executes=executes)
        with pytest.raises(NoAnswer, match="connection"):
            console.say(ask)
        assert console.is_lost
        with pytest.raises(NothingSent, match="was not sent"):
            console.say(ask)
        console.close()
    assert device.received().count(ask) == 1


def test_a_connection_that_is_lost_between_lines_is_noticed(tmp_path: Path) -> None:
    device = router()
    with SshServer(device) as server:
        console = console_to(server, IOS, tmp_path)
        assert not console.is_lost
        console.open()
        assert not console.is_lost
        server.hang_up()
        wait_until(lambda: console.is_lost, "the end of the connection is noticed")
        with pytest.raises(NothingSent, match="was not sent"):
            console.say("show clock")
        console.close()


@pytest.mark.parametrize(
    "line", ["show clock\nreload", "show\x03", "show\tclock", "show\x1b[A", "sh\u202eow", "", "  "]
)
def test_a_line_with_a_control_character_or_without_words_never_leaves(line: str, tmp_path: Path) -> None:
    device = router()
    with console_on(device, IOS, tmp_path) as console:
        before = device.received()
        with pytest.raises(NothingSent):
            console.say(line)
        with pytest.raises(NothingSent):
            console.say("show clock", [(r"\[confirm\]", f"y\n{line}")])
        assert device.received() == before
        assert "10:15:20" in console.say("show clock")


def test_questions_are_answered_as_told_and_each_once(tmp_path: Path) -> None:
    device = router()
    with console_on(device, IOS, tmp_path) as console:
        said = console.say(
            "copy running-config startup-config",
            [(r"\[confirm\]", "y"), (r"destination filename \[[a-z-]+\]\?", "kept")],
        )
        assert "[OK]" in said
        assert device.received()[-2:] == ["copy running-config startup-config", "kept"]


@pytest.mark.anyio
async def test_a_question_that_nobody_foresaw_is_unknown_and_answered_by_nothing(tmp_path: Path) -> None:
    device = router()
    with SshServer(device) as server:
        console = console_to(server, IOS, tmp_path)
        session = DeviceSession("edge", console, CLOCK, (ConsoleError,))
        opened = await session.call(lambda driver: driver.say("show clock"), PATIENCE_S)
        assert (opened.outcome, opened.value) == (Outcome.DONE, "10:15:20.123 CET Thu Nov 26 2026")
        asked = await session.call(lambda driver: driver.say("reload", [("overwrite", "y")]), 3.0)
        assert asked.outcome is Outcome.UNKNOWN
        assert device.received()[-1] == "reload"
        wait_until(lambda: server.connections == 0, "the session's deadline resets the connection")


@pytest.mark.anyio
async def test_a_session_tells_what_was_not_done_from_what_is_unknown(tmp_path: Path) -> None:
    device = router()
    with SshServer(device) as server:
        wrong = DeviceSession("edge", console_to(server, IOS, tmp_path, password="guessed"), CLOCK, (ConsoleError,))
        refused = await wrong.call(lambda driver: driver.say("show clock"), PATIENCE_S)
        assert (refused.outcome, "refused user drill" in refused.why) == (Outcome.NOT_DONE, True)
        session: DeviceSession[Console] = DeviceSession(
            "edge", console_to(server, IOS, tmp_path), CLOCK, (ConsoleError,)
        )
        assert (await session.call(lambda driver: driver.say("show clock"), PATIENCE_S)).done
        not_sent = await session.call(lambda driver: driver.say("show clock\nreload"), PATIENCE_S)
        assert not_sent.outcome is Outcome.NOT_DONE
        device.faults.crash_after(1)
        lost = await session.call(lambda driver: driver.say("show version"), PATIENCE_S)
        assert lost.outcome is Outcome.UNKNOWN
        assert session.dead


def test_a_console_has_one_reader(tmp_path: Path) -> None:
    device = router()
    with console_on(device, IOS, tmp_path) as console:
        device.faults.answers_held = True
        thread = threading.Thread(target=lambda: console.say("show clock"))
        thread.start()
        wait_until(lambda: device.received()[-1] == "show clock", "the device has the line")
        with pytest.raises(NothingSent, match="another line"):
            console.say("show version")
        device.faults.answers_held = False
        thread.join(PATIENCE_S)
    assert "show version" not in device.received()


@both_families
def test_nothing_is_sent_to_leave_a_configuration(
    name: str, make: Callable[[], Device], ask: str, tmp_path: Path
) -> None:
    """`end` would keep what is edited on a firewall: a console that is closed there only hangs up."""
    device, found = make(), recipe(name)
    lines = sent(step_lines(found, "isolate", BOTH, RUNNING))
    with SshServer(device) as server:
        console = console_to(server, name, tmp_path)
        console.open()
        for line in lines[:2]:
            console.say(line)
        console.close()
        wait_until(lambda: server.connections == 0, "the connection is ended")
    assert device.received()[-1] == lines[1]


@pytest.mark.anyio
async def test_a_session_whose_connection_ended_is_dead_and_nothing_was_done(tmp_path: Path) -> None:
    device = router()
    with SshServer(device) as server:
        console = console_to(server, IOS, tmp_path)
        session = DeviceSession("edge", console, CLOCK, (ConsoleError,))
        assert (await session.call(lambda driver: driver.say("show clock"), PATIENCE_S)).done
        server.hang_up()
        wait_until(lambda: console.is_lost, "the end of the connection is noticed")
        found = await session.call(lambda driver: driver.say("show version"), PATIENCE_S)
        assert (found.outcome, session.dead) == (Outcome.NOT_DONE, True)
        assert "show version" not in device.received()
