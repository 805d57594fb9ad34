"""A kit, started by hand as a real process: what it tells the person, what it keeps, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.episodes import Seen
from islandmode.core.kept_clocks import read_clocks
from islandmode.core.probe import ModbusProbe
from islandmode.core.spool import KeptSpool, expected
from islandmode.observe.far_program import far_program
from islandmode.observe.own_clocks import CLOCKS
from islandmode.system.segments import segments_in
from tests.observe.plant import Plant
from tests.observe.test_process_vantage import target
from tests.patience import LONG_PATIENCE_S, PATIENCE_S, wait_until
from tests.spools import listed

RUN, OFFICE = "kit-0123456789abcdef", "office"


def utc(after_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + after_s))


class Carried:
    """The folder that a person carries."""

    def __init__(self, folder: Path, plant: Plant) -> None:
        self.folder = folder
        self.probes = {"plc": target(ModbusProbe, plant.relay.port), "gone": target(ModbusProbe, 1)}
        (folder / "worker.pyz").write_bytes(far_program())
        self.write()

    def write(self, **more: Any) -> None:
        """Write its schedule, as operate/kits.py does."""
        told = {"v": 1, "run": RUN, "vantage": OFFICE, "drill": "quarterly", "begin": utc(-5), "end": utc(3600)}
        asked = {name: probe.model_dump(mode="json", by_alias=True) for name, probe in self.probes.items()}
        text = json.dumps({**told, "sample_every_s": 0.1, "probes": asked, **more})
        (self.folder / "schedule.json").write_text(text, encoding="utf-8")

    @property
    def argv(self) -> list[str]:
        return [sys.executable, "-I", str(self.folder / "worker.pyz"), "kit"]

    def refused(self) -> str:
        """Start it where it does not start."""
        done = subprocess.run(self.argv, capture_output=True, text=True, timeout=LONG_PATIENCE_S, check=False, cwd="/")
        assert (done.returncode, done.stdout) == (1, ""), done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[str]]:
        with (self.folder.parent / "said").open("w", encoding="utf-8") as said:
            running = subprocess.Popen(self.argv, stdout=said, stderr=subprocess.STDOUT, text=True, cwd="/")
            try:
                yield running
            finally:
                running.kill()
                running.wait(PATIENCE_S)

    @property
    def said(self) -> str:
        return (self.folder.parent / "said").read_text(encoding="utf-8")

    def spool(self) -> KeptSpool:
        folder = self.folder / "spool"
        return KeptSpool(lambda: segments_in(folder), expected(RUN, OFFICE, self.probes))


@pytest.fixture
def kit(tmp_path: Path, plant: Plant) -> Carried:
    folder = tmp_path / "kit"
    folder.mkdir()
    return Carried(folder, plant)


def test_it_watches_until_it_is_ended_and_keeps_what_it_saw(kit: Carried) -> None:
    with kit.started() as running:
        wait_until(lambda: "plc: good" in kit.said and "gone: bad" in kit.said, "both probes were told")
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 0
    first, second, *_ = kit.said.splitlines()
    assert first.startswith("Watching 2 probes of drill quarterly from office until ")
    assert second.startswith("This machine's clock is ")
    assert kit.said.endswith(f"ended. Bring the whole folder back: {kit.folder}\n")
    # Each is told when it changes, and not with every sample.
    assert (kit.said.count("plc: "), kit.said.count("gone: ")) == (1, 1)
    reading = kit.spool().read()
    assert (reading.whole, reading.ended, reading.why) == (True, "asked", "")
    seen = {(sample.probe, sample.seen) for sample in listed(kit.spool())}
    assert seen == {("plc", Seen.GOOD), ("gone", Seen.BAD)}
    clocks = read_clocks((kit.folder / "spool" / CLOCKS).read_bytes(), b"", reading.last)
    assert len(clocks) >= 2
    assert clocks[-1].at_us >= max(sample.answered_us for sample in listed(kit.spool()))
    # What it saw is not written over.
    assert "it was started before, and what it saw then is in " in kit.refused()


def test_it_ends_by_itself_at_the_end_of_its_schedule(kit: Carried) -> None:
    # Long enough for a busy machine to start it.
    kit.write(end=utc(10))
    with kit.started() as running:
        assert running.wait(LONG_PATIENCE_S) == 0
    assert kit.spool().read().ended == "schedule"


def test_a_person_who_does_not_wait_for_its_begin_ends_it(kit: Carried) -> None:
    kit.write(begin=utc(1000))
    with kit.started() as running:
        wait_until(lambda: "Waiting until " in kit.said, "it waits")
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 1
    assert kit.said.endswith("ended before it began; nothing was sampled\n")
    # It can be started again.
    assert list((kit.folder / "spool").iterdir()) == []


ODD: tuple[dict[str, Any], ...] = (
    {"v": 2},
    {"end": "tomorrow"},
    {"begin": None},
    {"probes": {"plc": {"kind": "telepathy"}}},
    {"probes": {"plc": {"kind": "modbus"}}},
    {"probes": [1]},
    {"sample_every_s": "often"},
)


@pytest.mark.parametrize("odd", ODD)
def test_a_schedule_that_is_odd_is_refused_before_anybody_leaves(kit: Carried, odd: dict[str, Any]) -> None:
    kit.write(**odd)
    assert kit.refused().startswith("refused: ")


def test_it_says_why_it_does_not_start(kit: Carried) -> None:
    kit.write(end=utc(-1))
    assert "refused: its schedule ended at " in kit.refused()
    (kit.folder / "schedule.json").write_text("{", encoding="utf-8")
    assert "is not a schedule of a kit; have another kit written" in kit.refused()
    (kit.folder / "schedule.json").unlink()
    assert "start it in the folder that was given to you" in kit.refused()


def test_no_login_can_start_it(kit: Carried) -> None:
    done = subprocess.run(
        [*kit.argv[:-1], "serve"],
        env={"SSH_ORIGINAL_COMMAND": "kit"},
        capture_output=True,
        text=True,
        timeout=LONG_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("refused: ")
    assert not (kit.folder / "spool").exists()
