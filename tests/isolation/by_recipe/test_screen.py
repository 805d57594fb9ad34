"""What is seen of a device's output, and which of it is a prompt or the line that was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.isolation.by_recipe.prompt import Prompt, is_plain, looks_like_prompt
from islandmode.isolation.by_recipe.screen import Screen, echo_of, is_page_mark, shown


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("plain  ", "plain"),
        ("plain\r", "plain"),
        ("\x1b[31mred\x1b[0m and \x1b]0;title\x07not", "red and not"),
        ("--More-- \r         \redit 2", "edit 2"),
        (" --More-- " + "\b" * 10 + " " * 10 + "\b" * 10 + "hostname edge", "hostname edge"),
        ("show clokc\b\bck", "show clock"),
        ("edge#\redge#show", "edge#show"),
        ("abcdef\x1b[3D\x1b[K", "abc"),
        ("abc\x1b[2K\rnew", "new"),
        ("be\x07ll\x00", "bell"),
        ("a\tb", "a\tb"),
        ("\b\b\bstart", "start"),
    ],
)
def test_a_line_is_what_a_terminal_shows(raw: str, seen: str) -> None:
    assert shown(raw) == seen


@given(st.text(alphabet="ab \t\r\b\x1b[K2D\x07", max_size=60))
def test_no_control_character_is_left_whatever_comes(raw: str) -> None:
    assert not {*shown(raw)} & {*"\r\b\x1b\x07"}


@given(st.text(alphabet="ab#\r\n\b ", max_size=80), st.integers(0, 80))
def test_pieces_show_what_the_whole_shows(text: str, at: int) -> None:
    whole, parts = Screen(), Screen()
    whole.add(text)
    parts.add(text[:at])
    parts.add(text[at:])
    assert (parts.lines, parts.tail) == (whole.lines, whole.tail)


@pytest.mark.parametrize("line", ["--More--", " --More-- ", "-- More --", "<--- More --->", "--More (45%)--"])
def test_marks_of_pages(line: str) -> None:
    assert is_page_mark(line)
    screen = Screen()
    screen.add(f"{line}text\r\n")
    assert screen.lines == ["text"]


@pytest.mark.parametrize("line", ["set output more", "banner --More-- x", "--More-- x", "edge#", ""])
def test_what_is_no_mark_of_a_page(line: str) -> None:
    assert not is_page_mark(line)


LINE = "ip access-list extended OT-IN permit ip any host 10.9.0.1"


@pytest.mark.parametrize(
    "back",
    [
        LINE,
        f"{LINE}  ",
        f"{LINE[:30]}\n{LINE[30:]}",
        f"{LINE[:30]} \n {LINE[30:]}",
        "$permit ip any host 10.9.0.1",
    ],
)
def test_a_line_that_is_shown_back_is_known(back: str) -> None:
    assert echo_of(LINE).search(f"edge#{back}\nanswer") is not None


@pytest.mark.parametrize("back", [f"{LINE}0", LINE[:-1], "permit ip any host 10.9.0.1"])
def test_another_line_is_not(back: str) -> None:
    assert echo_of(LINE).search(f"edge#{back}\nanswer") is None


@pytest.mark.parametrize(
    ("learnt", "known", "unknown"),
    [
        (
            "edge#",
            ["edge#", "edge>", "edge(config)#", "edge(config-ext-nacl)#"],
            ["edge2#", "edge", "xedge#", "edge(config)# x"],
        ),
        (
            "edge #",
            ["edge #", "edge $", "edge (onetime) #", "edge (islandmode_office-line) #"],
            ["edge (x) y #", "# edge #"],
        ),
        ("edge (root) #", ["edge (root) #", "edge (policy) #", "edge #"], ["other (root) #"]),
        (
            "other-name-than-before#",
            ["other-name-than-befo(config)#"],
            ["other-name-than-befo#", "other-name(config)#"],
        ),
        ("[admin@edge] >", ["[admin@edge] >", "[admin@edge] /ip firewall>"], ["[admin@edge]", "admin@edge >"]),
        ("a.b*c#", ["a.b*c#"], ["aXbbc#"]),
    ],
)
def test_a_prompt_is_known_in_its_forms_and_no_other(learnt: str, known: list[str], unknown: list[str]) -> None:
    prompt = Prompt(learnt)
    assert [line for line in known if not prompt.is_shown(line)] == []
    assert [line for line in unknown if prompt.is_shown(line)] == []


def test_questions_look_like_no_prompt() -> None:
    for line in (
        "Password:",
        "Proceed with reload? [confirm]",
        "Destination filename [x]?",
        "(Press 'a' to accept):",
        "(y/n)",
        "",
    ):
        assert not looks_like_prompt(line)
        assert not is_plain(line)
    assert is_plain("new-name(config)#")
    for line in ("set comment x #", "50%", "1234#"):
        assert not is_plain(line)
