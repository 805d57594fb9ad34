"""What a test makes a device do wrong. Every knob is off at first, and may be turned while sessions are open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Crash:
    """Comes with the line after some others; `executes` says whether that line is still carried out. Its answer never comes."""

    lines: int
    executes: bool = True
    restarts: bool = False
    matching: re.Pattern[str] = field(default_factory=lambda: re.compile(""))

    def strikes(self, line: str) -> bool:
        """Count a line, and tell whether this is the one."""
        self.lines -= bool(self.matching.search(line))
        return self.lines == 0 and bool(self.matching.search(line))


@dataclass
class Faults:
    """The knobs of a device."""

    crash: Crash | None = None
    rejected: dict[str, str] = field(default_factory=dict)
    """A pattern of lines that are not carried out, and what the device says instead."""
    hides_timer: bool = False
    """Whatever says when an isolation ends is left out of every answer."""
    prompt_delay_s: float = 0.0
    prompts_held: bool = False
    """Answers come and no prompt after them, until this is false again: a slow prompt without a second that is waited in vain."""
    answers_held: bool = False
    """Neither answers nor prompts come; what was asked is carried out."""
    end_lag_s: float = 0.0
    """How long after the end of a window the device still acts as if it went on; `inf` for a device that never looks."""
    change_lag_s: float = 0.0
    """How long after a window was written the device still acts by the one before."""
    text_before_login: str = ""
    """Sent before anybody has given a password."""
    text_at_login: str = ""
    text_among: str = ""
    """Comes before every prompt, unasked, as log messages do."""
    text_behind: str = ""
    """Comes once, behind the next prompt: the prompt is then no longer the last that is shown."""
    strikes: Callable[[int, bool], None] | None = None
    """Hears of each configuring line, by its number since the device came to be, before it is carried out and after that (true)."""
    sessions_most: int | None = None
    """Who logs in beside so many others is turned away."""

    def crash_after(self, lines: int, *, executes: bool = True, restarts: bool = False, matching: str = "") -> None:
        """Lose the connection (or restart the device) instead of answering the line with this number, counted from now."""
        self.crash = Crash(lines, executes, restarts, re.compile(matching))

    def crashes_at(self, line: str) -> Crash | None:
        """Give the crash that comes with a line."""
        crash = self.crash
        if crash is None or not crash.strikes(line):
            return None
        self.crash = None
        return crash

    def rejection(self, line: str) -> str | None:
        """Give what is said instead of carrying a line out."""
        return next((answer for pattern, answer in self.rejected.items() if re.search(pattern, line)), None)
