"""The live view: a lamp says whether a thing is as it must be, and a terminal that is gone or stuck stops nothing."""

from __future__ import annotations

import io
import os
import pty
import threading
from contextlib import suppress

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.run.progress import Progress, TimerReading
from islandmode.ui.live import LiveView
from tests.core.given import given
from tests.patience import PATIENCE_S


def moment(phase: Phase, stage: str | None = None, **lamps: str) -> Progress:
    """Make one moment of a run."""
    shown = {name.replace("_", "-"): lamp for name, lamp in lamps.items()}
    timers = {"conduit-firewall": TimerReading(173.0, 9_000_000)}
    return Progress(phase, stage, 10_000_000, shown, timers, f"This is {phase.value}.")  # type: ignore[arg-type]


def drawn_on_a_terminal(*moments: Progress, plan: Plan | None = None) -> str:
    """Draw on a real pseudo-terminal and give what it received."""
    ours, theirs = pty.openpty()
    received: list[bytes] = []

    def drain() -> None:
        try:
            while data := os.read(ours, 65536):
                received.append(data)
        except OSError:
            return

    reader = threading.Thread(target=drain)
    reader.start()
    with os.fdopen(theirs, "w") as terminal:
        view = LiveView(plan or given().plan(), terminal)
        for one in moments:
            view.show(one)
        view.close()
    reader.join(PATIENCE_S)
    os.close(ours)
    return b"".join(received).decode()


def test_a_severed_probe_that_is_dead_in_its_hold_is_as_it_must_be() -> None:
    text = drawn_on_a_terminal(moment(Phase.HOLDING, "vendors", line3_to_vendor="bad", plc_filler="bad"))
    assert "○line3-to-vendor" in text
    assert "✖plc-filler" in text


def test_a_severed_probe_that_lives_on_in_its_hold_stands_out() -> None:
    text = drawn_on_a_terminal(moment(Phase.HOLDING, "vendors", line3_to_vendor="good"))
    assert "STILL-ALIVE:line3-to-vendor" in text


def test_far_vantages_are_away_and_the_timer_is_what_the_device_said() -> None:
    text = drawn_on_a_terminal(moment(Phase.HOLDING, "vendors", vendor_to_hmi="away"))
    assert "vendor (away)" in text
    assert "173 s left, as the device said 1 s ago" in text


def test_what_is_no_terminal_gets_a_line_per_change() -> None:
    out = io.StringIO()
    view = LiveView(given().plan(), out)
    for one in (moment(Phase.BASELINE), moment(Phase.BASELINE), moment(Phase.HOLDING, "vendors")):
        view.show(one)
    view.close()
    assert out.getvalue().splitlines()[-1].endswith("This is holding.")


def test_a_terminal_that_is_gone_does_not_stop_the_run() -> None:
    ours, theirs = pty.openpty()
    terminal = os.fdopen(theirs, "w")
    view = LiveView(given().plan(), terminal)
    os.close(ours)
    for _ in range(3):
        view.show(moment(Phase.HOLDING, "vendors"))
    view.close()
    view.show(moment(Phase.RESTORED))
    with suppress(OSError):
        terminal.close()
