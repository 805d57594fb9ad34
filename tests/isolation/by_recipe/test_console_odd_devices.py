"""What devices do that no emulator here does: a fake wire plays it, by a clock that moves only while nothing comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.isolation.by_recipe.console import Console
from islandmode.isolation.by_recipe.prompt import Prompt
from islandmode.isolation.by_recipe.trouble import NoAnswer
from islandmode.isolation.platform import Access
from islandmode.system.clock import MachineClock
from tests.core.recipe_plant import recipe
from tests.isolation.by_recipe.consoles import IOS

TIME = "10:15:20.123 CET Thu Nov 26 2026"


class FakeClock(MachineClock):
    """Moves while something is waited for, and else stands."""

    now_us = 0

    def monotonic_us(self) -> int:
        return self.now_us


@dataclass
class FakeWire:
    """Says what a script has for each line that is typed; silence costs its whole time. `all_at_once` tells of more that waits."""

    clock: FakeClock
    script: Mapping[str, Sequence[str]]
    all_at_once: bool = True
    alive: bool = True
    typed: list[str] = field(default_factory=list)
    coming: deque[str] = field(default_factory=deque)
    _timeout_s: float = 0.0

    def settimeout(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    def recv_ready(self) -> bool:
        return self.all_at_once and bool(self.coming) and self.coming[0] != ""

    def recv(self, _: int) -> bytes:
        if not self.coming or self.coming[0] == "":
            # An empty piece of a script is a pause.
            if self.coming:
                self.coming.popleft()
            object.__setattr__(self.clock, "now_us", self.clock.now_us + round(self._timeout_s * 2_000_000))
            raise TimeoutError
        return self.coming.popleft().encode()

    def sendall(self, data: bytes) -> None:
        text = data.decode().removesuffix("\n")
        self.typed.append(text)
        self.coming.extend(self.script.get(text, ()))


def console_over(
    script: Mapping[str, Sequence[str]], *, prompt: str | None = "edge#", at_once: bool = True
) -> tuple[Console, FakeWire]:
    clock = FakeClock("boot")
    console = Console(Access("127.0.0.1", 22, "drill", "sudo", Path("none")), recipe(IOS), clock)
    wire = FakeWire(clock, script, at_once)
    faked: Any = wire
    console._channel, console._link = faked, faked
    if prompt is not None:
        console._prompts.append(Prompt(prompt))
    return console, wire


ANSWERS = {
    "plain": [f"show clock\r\n{TIME}\r\nedge#"],
    "wrapped": [f"show clo\r\nck\r\n{TIME}\r\nedge#"],
    "wrapped with a blank": [f"show clo \rck\r\n{TIME}\r\nedge#"],
    "bare line feeds": [f"show clock\n\r{TIME}\n\redge#"],
    "coloured": [f"\x1b[1mshow clock\x1b[0m\r\n\x1b[32m{TIME}\x1b[0m\r\n\x1b[1medge\x1b[0m#\x1b[K "],
    "a prompt before": [f"\r\nedge#\r\nedge#show clock\r\n{TIME}\r\nedge#"],
    "a prompt before, and a pause": ["\r\nedge#", "", f"show clock\r\n{TIME}\r\nedge#"],
    "drawn again": [f"show cl\r\n*Nov 26: %SYS-5-CONFIG_I: x\r\nedge#show clock\r\n{TIME}\r\nedge#"],
    "an old message with the line": [
        "\r\n*Nov 26: %PARSER-5-CFGLOG_LOGGEDCMD: logged command:show clock \r\nedge#",
        "",
        f"show clock\r\n{TIME}\r\nedge#",
    ],
    "covered": [f"show clock\r\n{TIME}\r\nedge#*Nov 26: %SYS-5-CONFIG_I: x\r\n"],
    "covered and shown again": [f"show clock\r\n{TIME}\r\nedge#\r\n*Nov 26: %SYS-5-CONFIG_I: x\r\nedge#"],
    "pauses": ["show", "", " clock\r", "", f"\n{TIME[:9]}", "", "", f"{TIME[9:]}\r\ned", "", "ge#"],
    "a page": [f"show clock\r\n{TIME}\r\n --More-- "],
    "another name": [f"show clock\r\n{TIME}\r\nnew-edge#"],
    "bytes that are no text": [f"show clock\r\n\x00{TIME}\x07\r\nedge#"],
}
FURTHER = {"": ["\r\nedge#"], " ": ["\b" * 10 + " " * 10 + "\b" * 10 + "edge#"]}
RENAMED = {"": ["\r\nnew-edge#"]}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "piece by piece"])
def test_the_answer_is_the_same_however_it_is_shown(name: str, at_once: bool) -> None:  # noqa: FBT001 - parametrized
    further = RENAMED if name == "another name" else FURTHER
    console, _ = console_over({"show clock": ANSWERS[name], **further}, at_once=at_once)
    assert console.say("show clock") == TIME
    assert console.say("show clock") == TIME


@given(
    st.lists(st.integers(0, 120), max_size=12),
    st.booleans(),
    st.sampled_from(["wrapped", "coloured", "drawn again", "bare line feeds"]),
)
def test_nor_however_it_is_cut_into_pieces(cuts: list[int], at_once: bool, name: str) -> None:  # noqa: FBT001 - drawn
    whole = "".join(ANSWERS[name])
    places = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    pieces = [whole[at:to] for at, to in pairwise(places)]
    console, _ = console_over({"show clock": pieces, **FURTHER}, at_once=at_once)
    assert console.say("show clock") == TIME


class ToldTranscript:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def sent(self, line: str) -> None:
        self.told.append(("sent", line))

    def heard(self, text: str) -> None:
        self.told.append(("heard", text))


def test_what_came_of_an_answer_that_never_ended_is_kept() -> None:
    console, _ = console_over({"show clock": [f"show clock\r\n{TIME}\r\n"]})
    console._transcript = transcript = ToldTranscript()
    with pytest.raises(NoAnswer):
        console.say("show clock")
    assert transcript.told == [("sent", "show clock"), ("heard", f"{TIME}\n")]


LONG = "ip access-list extended OT-IN-of-the-plant permit ip any host 10.9.0.1"


def test_a_line_that_runs_out_of_room_is_known_by_its_end() -> None:
    back = LONG[:50] + "\b" * 50 + f"$he-plant permit ip any host 10.9.0.1{' ' * 20}\r\n% Invalid\r\nedge(config)#"
    console, _ = console_over({LONG: [back]})
    assert console.say(LONG) == "% Invalid"


@pytest.mark.parametrize(
    "asks",
    [
        "Proceed with reload? [confirm]",
        "Password:",
        "Really? (y/n)",
        "100% done; go on (yes/no)?",
        "New name for edge (y)",
    ],
)
def test_a_question_that_nobody_foresaw_gets_no_return(asks: str) -> None:
    console, wire = console_over({"reload": [f"reload\r\n{asks}"], "": ["\r\nedge#"]})
    with pytest.raises(NoAnswer):
        console.say("reload")
    assert wire.typed == ["reload"]
    assert console.is_lost


def test_no_return_is_typed_where_a_question_may_still_come() -> None:
    console, wire = console_over({"reload": ["reload\r\nedge#\r\n*Nov 26: %SYS-5-RELOAD: x\r\n"], "": ["\r\nedge#"]})
    with pytest.raises(NoAnswer):
        console.say("reload", [(r"\[confirm\]", "y")])
    assert wire.typed == ["reload"]


def test_a_question_is_answered_once_only() -> None:
    console, wire = console_over({"copy": ["copy\r\nName [a]?"], "b": ["b\r\nName [a]?"]})
    with pytest.raises(NoAnswer):
        console.say("copy", [(r"Name \[a\]\?", "b")])
    assert wire.typed == ["copy", "b"]


@pytest.mark.parametrize(
    ("greets", "learnt"),
    [
        (["edge#"], "edge#"),
        (["Plant router #", "", " of line 3\r\nedge#"], "edge#"),
        (["Plant>\r\n", "", "", "edge#"], "edge#"),
        (["", "", "", "edge#"], "edge#"),
        (["edge", "", "#"], "edge#"),
        (["edge#\r\n*Nov 26: %SYS-5-CONFIG_I: x\r\n"], "edge#"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "piece by piece"])
def test_the_prompt_is_what_is_shown_again(greets: list[str], learnt: str, at_once: bool) -> None:  # noqa: FBT001 - parametrized
    console, wire = console_over({"show clock": ANSWERS["plain"], **FURTHER}, prompt=None, at_once=at_once)
    console._until_us = 60_000_000
    wire.coming.extend(greets)
    console._find_prompt()
    assert console._prompts[-1].line == learnt
    assert not wire.coming, "no prompt is left that could be taken for the end of an answer"
    assert console.say("show clock") == TIME
    assert {*wire.typed} == {"", "show clock"}


def test_a_prompt_that_is_another_each_time_is_none() -> None:
    console, wire = console_over({"": ["\r\n10:15:21 edge#", ""]}, prompt=None)
    console._until_us = 60_000_000
    wire.coming.extend(f"\r\n10:15:{second} edge#" for second in range(20, 40))
    wire.all_at_once = False
    with pytest.raises(NoAnswer, match="another prompt each time"):
        console._find_prompt()
