"""What a person sees while a drill runs: stage, clock, a lamp per probe, and the dead-man as the device says it.

It is drawn by a thread of its own from the newest `Progress`, because a terminal can stop taking text at any time
(somebody presses Ctrl-S, a link hangs, the window is closed), and a drill must never wait for a terminal.
"""

from __future__ import annotations

import queue
import sys
import threading
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.core.plant_state import IDLE_SHOWS
from islandmode.run.progress import Lamp, Progress
from islandmode.ui.name_table import NameTable

LAMPS: dict[Lamp, tuple[str, str]] = {
    "good": ("●", "green"),
    "bad": ("✖", "red"),
    "unknown": ("?", "yellow"),
    "away": ("◌", "blue"),
    "waiting": ("…", "dim"),
}
# In the hold a severed probe must be dead: then alive is what a person must see at once.
ISOLATED_LAMPS: dict[Lamp, tuple[str, str]] = {**LAMPS, "good": ("STILL-ALIVE:", "bold red"), "bad": ("○", "green")}
LEGEND = "● alive   ○ dead, as it must be   ✖ dead   ? unknown   ◌ away: samples on its own, collected after restore"
REFRESH_S = 0.25


class LiveView:
    """Shows a run on a terminal; on anything else it prints a line for each change."""

    def __init__(self, plan: Plan, stream: TextIO | None = None) -> None:
        """Start the drawing thread; `stream` is standard error unless given, so that results can be piped."""
        self._plan = plan
        self._stream = stream or sys.stderr
        self._newest: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        self._start_us: int | None = None
        self._thread = threading.Thread(target=self._draw, name="live-view", daemon=True)
        self._thread.start()

    def show(self, progress: Progress) -> None:
        """Take the newest moment; never waits."""
        self._newest.put(progress)

    def close(self, wait_s: float = 1.0) -> None:
        """Draw what is left and stop; gives up on a terminal that takes no text."""
        self._newest.put(None)
        self._thread.join(wait_s)

    def _draw(self) -> None:
        try:
            # Rich's word for it: beyond a pipe, as out of a container, there may be a terminal that says so.
            if Console(file=self._stream).is_terminal:
                self._draw_live()
            else:
                self._print_lines()
        except (OSError, ValueError):
            # The terminal is gone. The drill goes on, or is restored by its SIGHUP; nobody is left to read this.
            return

    def _take(self) -> tuple[Progress | None, bool]:
        """Wait for a moment, then skip to the newest one; the flag says that the run is over."""
        newest: Progress | None = None
        item = self._newest.get()
        while item is not None:
            newest = item
            try:
                item = self._newest.get_nowait()
            except queue.Empty:
                return newest, False
        return newest, True

    def _draw_live(self) -> None:
        console = Console(file=self._stream)
        with Live(console=console, auto_refresh=False, transient=False) as live:
            over = False
            while not over:
                progress, over = self._take()
                if progress is not None:
                    live.update(self._picture(progress), refresh=True)
                if not over:
                    threading.Event().wait(REFRESH_S)

    def _print_lines(self) -> None:
        said: tuple[Phase, str] | None = None
        asked: tuple[str, ...] = ()
        over = False
        while not over:
            progress, over = self._take()
            if progress is None:
                continue
            if self._start_us is None:
                self._start_us = progress.now_us
            if said != (progress.phase, progress.sentence):
                said = (progress.phase, progress.sentence)
                print(f"{self._clock_text(progress)}  {progress.sentence}", file=self._stream, flush=True)
            for told in (each for each in progress.asked if each not in asked):
                print(f"{self._clock_text(progress)}  ASKED  {told}", file=self._stream, flush=True)
            asked = progress.asked

    def _clock_text(self, progress: Progress) -> str:
        if self._start_us is None:
            self._start_us = progress.now_us
        seconds = (progress.now_us - self._start_us) / 1_000_000
        return f"{int(seconds // 60):02d}:{seconds % 60:04.1f}"

    def _picture(self, progress: Progress) -> RenderableType:
        stage = f"  stage {progress.stage}" if progress.stage else ""
        head = Text(f"{self._clock_text(progress)}  {progress.phase.value.upper()}{stage}", style="bold")
        parts: list[RenderableType] = [head, Text(progress.sentence)]
        parts += [Text(f"ASKED  {told}", style="bold yellow") for told in progress.asked]
        parts.append(self._lamp_table(progress))
        for point, timer in progress.timers.items():
            if self._plan.points[point].capabilities.timer == "none":
                parts.append(Text(f"{point}: no timer; nothing restores it by itself"))
                continue
            age_s = (progress.now_us - timer.read_us) / 1_000_000
            left = "no timer" if timer.armed_s is None else f"{timer.armed_s:.0f} s left"
            parts.append(Text(f"dead-man on {point}: {left}, as the device said {age_s:.0f} s ago"))
        if self._plan.drill.is_idle:
            parts.append(Text(f"plant state idle: {IDLE_SHOWS}, at best", style="dim"))
        parts.append(Text(LEGEND, style="dim"))
        return Group(*parts)

    def _lamp_table(self, progress: Progress) -> NameTable:
        rows: list[tuple[Text, Text]] = []
        dead = self._must_be_dead(progress)
        for name, vantage in self._plan.vantages.items():
            line = Text()
            for probe, planned in self._plan.probes.items():
                if planned.probe.vantage == name:
                    lamps = ISOLATED_LAMPS if probe in dead else LAMPS
                    sign, colour = lamps[progress.lamps.get(probe, "waiting")]
                    # One word: a lamp at the end of one line and its name on the next would mislead.
                    line.append(f"{sign}{planned.called(probe)}", style=colour).append("  ")
            away = " (kit)" if vantage.kit else " (away)" if vantage.far else ""
            rows.append((Text(f"{name}{away}", style="bold"), line))
        return NameTable(("vantage", "probes"), rows, has_head=False)

    def _must_be_dead(self, progress: Progress) -> tuple[str, ...]:
        """Name the probes that must be dead now: those of the stage that is being held."""
        if progress.phase is not Phase.HOLDING:
            return ()
        return next((stage.dead for stage in self._plan.stages if stage.name == progress.stage), ())


def silent(_progress: Progress) -> None:
    """Show nothing: for machine output."""
