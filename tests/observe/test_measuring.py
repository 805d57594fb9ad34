"""A host's clocks are measured by the program that samples there next, or that collects: none is started for that alone."""

from __future__ import annotations

from pathlib import Path

import anyio

from islandmode.core.outcome import Reading
from islandmode.core.probe import TcpProbe
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.vantage import Offset
from tests.observe.plant import Plant
from tests.observe.test_process_vantage import CLOCK, FAR, is_gone, pid_of, schedule, target, vantage
from tests.patience import PATIENCE_S


async def measured(one: ProcessVantage) -> Reading[Offset]:
    """Measure its clocks, and let go what waits there for more."""
    reading = await one.offset(PATIENCE_S)
    await one.stop()
    return reading


def test_clocks_are_measured_by_round_trips(tmp_path: Path) -> None:
    reading = anyio.run(measured, vantage(tmp_path / "spool"))
    assert reading.value is not None
    assert reading.value.boot_id == CLOCK.boot_id
    assert abs(reading.value.monotonic_us) <= reading.value.uncertainty_us
    assert 0 < reading.value.uncertainty_us < 1_000_000


def test_another_monotonic_clock_is_seen(tmp_path: Path) -> None:
    prefix = ("unshare", "-r", "--fork", "--kill-child", "--time", "--monotonic", "5000")
    reading = anyio.run(measured, vantage(tmp_path / "spool", prefix=prefix))
    assert reading.value is not None
    assert abs(reading.value.monotonic_us + 5_000_000_000) <= reading.value.uncertainty_us
    assert abs(reading.value.utc_us) < 1_000_000


LOGGED = 'echo "$*" >>"$0"; exec "$@"'


@FAR
def test_no_program_is_started_only_to_measure_a_clock(plant: Plant, tmp_path: Path, *, far: bool) -> None:
    log = tmp_path / "started"

    async def drill() -> None:
        one = vantage(tmp_path / "spool", far=far, prefix=("sh", "-c", LOGGED, str(log)))
        before = await one.offset(PATIENCE_S)
        assert before.value is not None, before.why
        assert not (tmp_path / "spool").exists()
        started = await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}), PATIENCE_S)
        assert started.done, started.why
        pid = pid_of(tmp_path / "spool")
        for _ in range(2):
            after = await one.offset(PATIENCE_S)
            assert after.value is not None, after.why
            assert after.value.boot_id == before.value.boot_id
            # A measurement ends no worker, and neither does one that nothing comes after.
            assert not is_gone(pid)
        collected = await one.collect(PATIENCE_S)
        assert collected.value is not None, collected.why
        assert (collected.value.chain_ok, collected.value.ended) == (True, "asked")
        await one.stop()
        assert is_gone(pid)

    anyio.run(drill)
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    # The second measurement was made twice, each with a program that could have collected.
    assert [line[-2] for line in lines] == (["run", "collect", "collect"] if far else ["live", "end", "end"])


def test_what_waited_and_was_lost_is_begun_anew(plant: Plant, tmp_path: Path) -> None:
    """As a login that ends between a measurement and what comes next."""

    async def drill() -> None:
        one = vantage(tmp_path / "spool")
        assert (await one.offset(PATIENCE_S)).done
        assert one._worker is not None
        one._worker.kill()
        one._worker.wait()
        started = await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}), PATIENCE_S)
        assert started.done, started.why
        assert (await one.offset(PATIENCE_S)).done
        assert one._held is not None
        one._held.process.kill()
        await one._held.process.wait()
        collected = await one.collect(PATIENCE_S)
        assert collected.value is not None, collected.why
        assert collected.value.ended == "asked"
        await one.stop()

    anyio.run(drill)
