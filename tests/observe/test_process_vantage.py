"""Workers as real processes: what they write down, and how they end, whatever happens to them or to us."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from islandmode.core.episodes import Heard, Sample, Seen
from islandmode.core.outcome import Outcome
from islandmode.core.probe import CanaryProbe, HttpProbe, IcmpProbe, ModbusProbe, Probe, TcpProbe
from islandmode.core.spool_lines import Expected
from islandmode.observe import last_words, spooling
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.reach import LocalReach, Verb
from islandmode.observe.vantage import Collected, Schedule
from islandmode.system.clock import MachineClock
from islandmode.system.segments import segments_in
from tests.observe.plant import Plant, listen
from tests.patience import PATIENCE_S
from tests.spools import by_probe, listed, spool_of, written
from tests.store.rows_catalog import KINDS

CLOCK = MachineClock.of_this_boot()
EVERY_S = 0.1
FAR = pytest.mark.parametrize("far", [True, False], ids=["far", "near"])


SHORT = "from islandmode.observe import spooling, worker; spooling.SEGMENT_S = 1.0; worker.main()"
"""A worker whose segments are closed after a second, so that a short test sees several."""


class ShortSegments(LocalReach):
    def argv(self, verb: Verb) -> list[str]:
        argv = super().argv(verb)
        if verb in ("run", "live"):
            argv[argv.index("-m") : argv.index("-m") + 2] = ["-c", SHORT]
        return argv


def kept(spool: Path) -> Path:
    return spool.with_name(f"{spool.name}-kept")


def vantage(spool: Path, *, far: bool = True, prefix: tuple[str, ...] = ()) -> ProcessVantage:
    reach = ShortSegments(spool, prefix)
    return ProcessVantage("corporate", clock=CLOCK, far=far, reach=reach, kept=kept(spool) if far else spool)


@FAR
def test_a_worker_knows_nothing_of_our_shell_and_its_spool_is_not_for_everybody(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, far: bool
) -> None:
    monkeypatch.setenv("PLANT_PASSWORD", "canary-4711")
    spool = tmp_path / "runs" / "corporate"

    async def look() -> list[bytes]:
        one = vantage(spool, far=far)
        reading = await one.start(schedule({"plc": target(ModbusProbe, plant.relay.port)}), PATIENCE_S)
        assert reading.done, reading.why
        known = await anyio.Path(f"/proc/{pid_of(spool)}/environ").read_bytes()
        await one.collect(PATIENCE_S)
        await one.stop()
        return known.split(b"\0")

    before = os.umask(0)
    try:
        environment = anyio.run(look)
    finally:
        os.umask(before)
    names = {entry.partition(b"=")[0].decode() for entry in environment if entry}
    assert names == {"PATH", "LANG", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (spool, spool.parent)} == {0o750}
    assert {stat.S_IMODE(path.stat().st_mode) for path in spool.iterdir()} == {0o640}


def schedule(probes: dict[str, Probe], end_after_s: float = 15.0) -> Schedule:
    # Should this test process be killed, its workers end by themselves soon after.
    return Schedule("run-1", "corporate", probes, EVERY_S, end_after_s)


def target(kind: type[Any], port: int = 0, **more: Any) -> Any:
    values = {"kind": kind.__name__.removesuffix("Probe").lower(), "vantage": "corporate", "target": "127.0.0.1"}
    return kind.model_validate(values | ({"port": port} if port else {}) | more)


def everything(plant: Plant) -> dict[str, Probe]:
    modbus = plant.relay.port
    probes: dict[str, Probe] = {
        "plc": target(ModbusProbe, modbus, changes_within=PATIENCE_S),
        "level": target(ModbusProbe, modbus, table="holding", address=0),
        "run": target(ModbusProbe, modbus, table="coil", address=0),
        "alarm": target(ModbusProbe, modbus, table="discrete", address=0),
        "hmi": target(HttpProbe, plant.hmi_port, fresh="tags/plc.heartbeat/source_time", changes_within=PATIENCE_S),
        "open": target(CanaryProbe, modbus),
        "port": target(TcpProbe, plant.hmi_port),
        "ping": target(IcmpProbe),
    }
    return {name: probe.model_copy(update={"timeout": PATIENCE_S}) for name, probe in probes.items()}


def looked(samples: Iterable[Sample]) -> list[Sample]:
    """Leave out what a worker says of itself on a machine that stood still: that it did not look in time."""
    return [sample for sample in samples if not sample.why.startswith("the worker was held up")]


def pid_of(spool: Path) -> int:
    return int((spool / "pid").read_text(encoding="ascii"))


def is_gone(pid: int) -> bool:
    try:
        # What is read in the moment when it goes is empty.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:1] in (["Z"], [])
    except OSError:
        return True


async def until(happened: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not happened():
            await anyio.sleep(0.02)


async def sampled(one: ProcessVantage, plan: Schedule, for_s: float) -> Collected:
    """Start, let it sample, and collect."""
    started = await one.start(plan, PATIENCE_S)
    assert started.done, started.why
    await anyio.sleep(for_s)
    reading = await one.collect(PATIENCE_S)
    await one.stop()
    assert reading.value is not None, reading.why
    return reading.value


@FAR
def test_a_worker_looks_with_every_kind_of_probe_and_writes_nothing_on_the_wire(
    plant: Plant, tmp_path: Path, *, far: bool
) -> None:
    one = vantage(tmp_path / "spool", far=far)
    found = anyio.run(sampled, one, schedule(everything(plant)), 2.5)
    assert found.chain_ok
    assert found.ended == "asked"
    samples = by_probe(listed(found.spool))
    assert set(samples) == set(everything(plant))
    for name, rows in samples.items():
        assert {(row.seen, row.why, row.heard) for row in looked(rows)} == {(Seen.GOOD, "", Heard.ANSWER)}, name
        assert len(rows) > 10
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert set(plant.relay.functions) == {1, 2, 3, 4}
    # One connection per continuity probe and canary, however many samples there were.
    assert plant.relay.connections == 5
    assert len(list(segments_in(kept(tmp_path / "spool") if far else tmp_path / "spool"))) >= 2


def test_a_near_worker_says_each_sample_as_it_goes_and_a_far_one_nothing(plant: Plant, tmp_path: Path) -> None:
    async def drill(*, far: bool) -> tuple[tuple[Sample, ...], Collected]:
        one = vantage(tmp_path / f"spool-{far}", far=far)
        assert (await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}), PATIENCE_S)).done
        await anyio.sleep(1)
        heard = one.fresh()
        reading = await one.collect(PATIENCE_S)
        assert reading.value is not None
        with anyio.move_on_after(0 if far else PATIENCE_S):
            while len(heard) < reading.value.samples:
                await anyio.sleep(0.02)
                heard += one.fresh()
        await one.stop()
        return heard, reading.value

    heard, found = anyio.run(partial(drill, far=False))
    assert unnumbered(heard) == unnumbered(listed(found.spool))
    assert len(heard) > 5
    assert anyio.run(partial(drill, far=True))[0] == ()


def test_what_a_near_worker_says_while_nobody_takes_it_in_is_not_lost(plant: Plant, tmp_path: Path) -> None:
    async def drill() -> tuple[list[Sample], Collected]:
        one = vantage(tmp_path / "spool", far=False)
        probes = {f"port-{number}": target(TcpProbe, plant.hmi_port) for number in range(60)}
        assert (await one.start(schedule(probes), PATIENCE_S)).done
        # Longer than any pipe holds what sixty probes say: a conductor that logs in elsewhere listens to nobody.
        await anyio.sleep(6)
        heard = list(one.fresh())
        reading = await one.collect(PATIENCE_S)
        assert reading.value is not None
        with anyio.fail_after(PATIENCE_S):
            while len(heard) < reading.value.samples:
                await anyio.sleep(0.02)
                heard += one.fresh()
        await one.stop()
        return heard, reading.value

    heard, found = anyio.run(drill)
    # 100 bytes and more are said of each.
    assert found.samples * 100 > 5 * 65536
    assert unnumbered(heard) == unnumbered(listed(found.spool))


def test_nothing_ties_a_far_worker_to_whoever_started_it(plant: Plant, tmp_path: Path) -> None:
    async def drill() -> None:
        one = vantage(tmp_path / "spool")
        assert (await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}), PATIENCE_S)).done
        pid = pid_of(tmp_path / "spool")
        ends = [Path(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)]
        await until(lambda: {str(end.readlink()) for end in ends} == {os.devnull})
        assert os.getsid(pid) == pid
        os.kill(pid, signal.SIGHUP)
        await anyio.sleep(0.5)
        reading = await one.collect(PATIENCE_S)
        assert reading.value is not None
        assert reading.value.ended == "asked"
        await until(lambda: is_gone(pid))
        await one.stop()

    anyio.run(drill)


def test_a_slow_server_never_delays_the_next_sample(plant: Plant, tmp_path: Path) -> None:
    async def slow(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await anyio.sleep(0.6)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    slow_one = target(HttpProbe, plant.do(listen(slow)), timeout=5.0)
    rows = by_probe(listed(anyio.run(sampled, vantage(tmp_path / "spool"), schedule({"slow": slow_one}), 3.0).spool))[
        "slow"
    ]
    assert {row.seen for row in looked(rows)} == {Seen.GOOD}
    asked = [row.asked_us for row in rows]
    overlapping = sum(second.asked_us < first.answered_us for first, second in pairwise(rows))
    assert overlapping > len(rows) // 2
    # The grid is fixed: whatever single samples do, together they lie on it.
    expected_us = EVERY_S * 1_000_000 * (len(asked) - 1)
    assert abs((asked[-1] - asked[0]) - expected_us) < 150_000


def test_too_many_samples_under_way_are_unknown_not_silent(plant: Plant, tmp_path: Path) -> None:
    async def silent(reader: Any, writer: Any) -> None:
        await reader.read()

    probe = target(HttpProbe, plant.do(listen(silent)), timeout=60.0)
    rows = listed(anyio.run(sampled, vantage(tmp_path / "spool"), schedule({"silent": probe}), 3.0).spool)
    too_many = (Seen.UNKNOWN, "too many samples under way", Heard.UNKNOWN)
    assert {(row.seen, row.why, row.heard) for row in rows} == {too_many}


def test_a_wedged_peer_is_bad_at_every_timeout(plant: Plant, tmp_path: Path) -> None:
    async def silent(reader: Any, writer: Any) -> None:
        await reader.read()

    port = plant.do(listen(silent))
    probes: dict[str, Probe] = {
        "plc": target(ModbusProbe, port, timeout=0.3),
        "hmi": target(HttpProbe, port, timeout=0.3),
        "open": target(CanaryProbe, port, timeout=0.3),
    }
    found = anyio.run(sampled, vantage(tmp_path / "spool"), schedule(probes), 2.0)
    for rows in by_probe(listed(found.spool)).values():
        # The server accepts: on a fresh connection that is an answer; on one that was kept nothing came.
        heard = {Heard.ANSWER, Heard.NOTHING} if rows[0].probe == "open" else {Heard.ANSWER}
        assert {(row.seen, row.why) for row in rows} == {(Seen.BAD, "no answer in time")}
        assert {row.heard for row in rows} == heard
        assert len(rows) >= 3


def test_no_route_is_bad(tmp_path: Path) -> None:
    """In a network of its own, where not even loopback is up."""
    probes: dict[str, Probe] = {"port": target(TcpProbe, 9), "ping": target(IcmpProbe), "plc": target(ModbusProbe, 9)}
    one = vantage(tmp_path / "spool", prefix=("unshare", "-rn"))
    rows = listed(anyio.run(sampled, one, schedule(probes), 0.5).spool)
    assert {(row.probe, row.seen, row.why, row.heard, row.sender) for row in looked(rows)} == {
        (name, Seen.BAD, "network is unreachable", Heard.UNREACHABLE, "") for name in probes
    }


def test_a_worker_ends_by_itself(plant: Plant, tmp_path: Path) -> None:
    async def drill() -> Collected:
        one = vantage(tmp_path / "spool")
        assert (await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}, 0.6), PATIENCE_S)).done
        pid = pid_of(tmp_path / "spool")
        await until(lambda: is_gone(pid))
        reading = await one.collect(PATIENCE_S)
        await one.stop()
        assert reading.value is not None
        return reading.value

    found = anyio.run(drill)
    assert found.ended == "schedule"
    assert found.chain_ok
    assert 3 <= found.samples <= 7
    assert [name for name, _ in segments_in(kept(tmp_path / "spool"))] == ["000001.jsonl.gz"]


def test_a_worker_whose_spool_vanishes_ends(plant: Plant, tmp_path: Path) -> None:
    async def drill() -> None:
        spool = tmp_path / "spool"
        one = vantage(spool)
        assert (await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}), PATIENCE_S)).done
        pid = pid_of(spool)
        spool.rename(tmp_path / "elsewhere")
        await until(lambda: is_gone(pid))
        await one.stop()

    anyio.run(drill)


@pytest.fixture
def killed(plant: Plant, tmp_path: Path) -> Iterator[ProcessVantage]:
    """A vantage whose worker was killed in the middle of its work."""

    async def drill() -> ProcessVantage:
        one = vantage(tmp_path / "spool")
        assert (await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}), PATIENCE_S)).done
        await until((tmp_path / "spool" / "000002.part").exists)
        os.kill(pid_of(tmp_path / "spool"), signal.SIGKILL)
        await until(lambda: is_gone(pid_of(tmp_path / "spool")))
        return one

    one = anyio.run(drill)
    yield one
    anyio.run(one.stop)


def test_a_killed_worker_leaves_what_it_saw(killed: ProcessVantage, tmp_path: Path) -> None:
    reading = anyio.run(killed.collect, PATIENCE_S)
    assert reading.value is not None
    assert (reading.value.ended, reading.value.chain_ok, reading.value.why) == ("lost", True, "")
    assert [name for name, _ in segments_in(kept(tmp_path / "spool"))] == ["000001.jsonl.gz", "000002.part"]
    assert reading.value.samples == len(listed(reading.value.spool)) > 8


@pytest.mark.parametrize("place", [0, 12, 60, -3])
def test_a_flipped_bit_in_the_spool_is_found(killed: ProcessVantage, tmp_path: Path, place: int) -> None:
    segment = tmp_path / "spool" / "000001.jsonl.gz"
    data = bytearray(segment.read_bytes())
    data[place] ^= 0x80
    segment.write_bytes(data)
    reading = anyio.run(killed.collect, PATIENCE_S)
    assert reading.value is not None
    assert not reading.value.chain_ok
    assert reading.value.why.startswith("Segment 000001.jsonl.gz: ")
    assert reading.value.samples == 0
    # What came is kept as it came.
    assert (kept(tmp_path / "spool") / "000001.jsonl.gz").read_bytes() == bytes(data)


def test_a_lost_segment_is_found(killed: ProcessVantage, tmp_path: Path) -> None:
    (tmp_path / "spool" / "000001.jsonl.gz").unlink()
    reading = anyio.run(killed.collect, PATIENCE_S)
    assert reading.value is not None
    assert reading.value.why == "Segment 000002.part: the chain is broken; a segment was altered, removed or added."
    assert not reading.value.chain_ok


def test_a_stranger_who_got_the_workers_number_is_not_signalled(killed: ProcessVantage, tmp_path: Path) -> None:
    stranger = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "sleep", "60"])
    (tmp_path / "spool" / "pid").write_text(str(stranger.pid), encoding="ascii")
    assert anyio.run(killed.collect, PATIENCE_S).done
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_spool_is_never_written_over(killed: ProcessVantage, plant: Plant, tmp_path: Path) -> None:
    before = (tmp_path / "spool" / "000001.jsonl.gz").read_bytes()

    async def drill() -> tuple[Outcome, str]:
        one = vantage(tmp_path / "spool")
        reading = await one.start(schedule({"port": target(TcpProbe, plant.hmi_port)}), PATIENCE_S)
        await one.stop()
        return reading.outcome, reading.why

    outcome, why = anyio.run(drill)
    assert outcome is not Outcome.DONE
    assert "there is a spool" in why
    assert (tmp_path / "spool" / "000001.jsonl.gz").read_bytes() == before


def test_a_look_gives_the_last_word_of_each_probe_and_the_worker_goes_on(plant: Plant, tmp_path: Path) -> None:
    # Bound and not listened on: who asks there is refused, and nobody else gets it.
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    nobody = reserved.getsockname()[1]
    probes = {**everything(plant), "wrong": target(TcpProbe, nobody), "refused": target(CanaryProbe, nobody)}

    async def drill() -> tuple[list[tuple[Sample, ...]], Collected]:
        one = vantage(tmp_path / "spool")
        assert (await one.start(schedule(probes), PATIENCE_S)).done
        looks = []
        for _ in range(2):
            await anyio.sleep(1.5)
            reading = await one.look(PATIENCE_S)
            assert reading.done, reading.why
            assert reading.value is not None
            looks.append(reading.value)
            assert not is_gone(pid_of(tmp_path / "spool"))
        await anyio.sleep(0.5)
        collected = (await one.collect(PATIENCE_S)).value
        await one.stop()
        assert collected is not None
        return looks, collected

    with reserved:
        looks, found = anyio.run(drill)
    assert found.chain_ok
    samples = by_probe(listed(found.spool))
    for number, words in enumerate(looks):
        assert sorted(one.probe for one in words) == sorted(probes)
        for one in words:
            assert replace(one, seq=0) in unnumbered(samples[one.probe])
            # The second look finds what was asked after the first, and the worker asked on after both.
            assert number == 0 or one.asked_us > next(w.asked_us for w in looks[0] if w.probe == one.probe)
            assert samples[one.probe][-1].asked_us > one.asked_us
    last = {one.probe: one for one in looks[-1]}
    assert last["wrong"].seen is Seen.BAD
    assert last["wrong"].why
    assert last["refused"].seen is Seen.BAD
    assert {one.seen for name, one in last.items() if name not in ("wrong", "refused")} == {Seen.GOOD}


def test_a_look_reads_only_the_newest_segments_of_a_spool(tmp_path: Path) -> None:
    def one(probe: str, at_us: int) -> Sample:
        return Sample(probe, 1, at_us, at_us + 1, Seen.GOOD, at_us)

    first = [one("old", 1), one("plc", 2)]
    parts = [first, [one("hmi", 3), one("plc", 5), one("plc", 4)], [one("hmi", 6)], [one("hmi", 7)], [one("hmi", 8)]]
    for number in range(1, 6):
        written(tmp_path / str(number), parts[:number], ("old", "plc", "hmi"))
    assert values(tmp_path / "3") == {"old": 1, "plc": 5, "hmi": 6}
    assert values(tmp_path / "4") == {"plc": 5, "hmi": 7}
    assert values(tmp_path / "5") == {"hmi": 8}
    # A segment that is closed between two reads is found under its new name; the line that is just being written is not read.
    spool = tmp_path / "4"
    (spool / "000005.part").write_bytes(last_words.segment_of(tmp_path / "5", "000005")[:-90])
    assert values(spool) == {"hmi": 8}
    (tmp_path / "5" / "000005.jsonl.gz").rename(spool / "000005.jsonl.gz")
    (spool / "000005.part").unlink()
    assert values(spool) == {"hmi": 8}


def values(spool: Path) -> dict[str, Any]:
    return {said["probe"]: said["value"] for said in last_words.last_words(spool)}


def unnumbered(samples: Iterable[Sample]) -> list[Sample]:
    """Give samples as they were asked, without the number that a listener hears."""
    return sorted((replace(one, seq=0) for one in samples), key=lambda one: (one.probe, one.asked_us))


@pytest.mark.parametrize("said", ["yes", "head -c 6000000 /dev/zero"])
def test_a_far_host_that_says_without_end_is_not_listened_to(tmp_path: Path, said: str) -> None:
    reading = anyio.run(vantage(tmp_path / "spool", prefix=("sh", "-c", said)).look, PATIENCE_S)
    assert reading.outcome is Outcome.UNKNOWN
    assert reading.why == "its last words are more than 4194304 bytes"


def test_what_is_no_sample_is_no_last_word(tmp_path: Path) -> None:
    reading = anyio.run(
        vantage(tmp_path / "spool", prefix=("sh", "-c", "echo '{}'; echo nothing; echo end")).look, PATIENCE_S
    )
    assert (reading.outcome, reading.value) == (Outcome.DONE, ())


def test_a_spool_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "SPOOL_MAX_BYTES", 50_000)
    monkeypatch.setattr(spooling, "BATCH_S", 0.0)
    samples = [Sample("plc", at, at, at + 1, Seen.GOOD, at * 7919**4 % 10**12) for at in range(30_000)]
    segments = written(tmp_path / "spool", [samples], ["plc"])
    assert 50_000 < sum(len(data) for _, data in segments) < 100_000
    reading = spool_of(segments, Expected("run-1", "here", frozenset(["plc"]))).read()
    # What was written until then is whole, and is read.
    assert reading.whole
    assert 0 < reading.samples < 20_000


@pytest.mark.parametrize("prefix", [("/nowhere/at-all",), ("false",), ("echo",), ("sleep", "60", "--")])
def test_a_place_that_cannot_be_entered_is_a_sentence(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    async def drill() -> None:
        one = vantage(tmp_path / "spool", prefix=prefix)
        readings = (await one.offset(1), await one.start(schedule({}), 1), await one.look(1), await one.collect(1))
        await one.stop()
        for reading in readings:
            assert not reading.done
            assert reading.why
            assert "Traceback" not in reading.why

    anyio.run(drill)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"probes": 7}', '{"probes": {"x": {"kind": "tcp", "port": 9}}}', "[" * 9_000, "\x1b"]
)
def test_a_schedule_that_cannot_be_read_is_refused_before_ready(tmp_path: Path, text: str) -> None:
    argv = [sys.executable, "-m", "islandmode.observe.worker", "run", str(tmp_path / "spool")]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stdout == "refused: the schedule cannot be read; it was made by another version, or cut off\n"
    assert done.stderr == ""
    assert not (tmp_path / "spool").exists()


def test_an_unknown_kind_of_probe_lists_the_known_ones(tmp_path: Path) -> None:
    head = {"run": "r", "vantage": "v", "sample_every_s": 0.1, "end_after_s": 1.0}
    text = json.dumps(head | {"probes": {"x": {"kind": "write"}}})
    argv = [sys.executable, "-m", "islandmode.observe.worker", "run", str(tmp_path / "spool")]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stdout == f"refused: unknown kind of probe write; known are {KINDS}\n"


def test_a_near_worker_whose_listener_died_goes_on_for_a_little_and_ends(tmp_path: Path) -> None:
    """A conductor that was killed collects nothing any more; what restores the plant then may still be seen."""
    probe = {"kind": "tcp", "target": "127.0.0.1", "port": 9, "timeout": 0.2}
    schedule = {"run": "r", "vantage": "here", "sample_every_s": 0.05, "end_after_s": 600.0, "probes": {"p": probe}}
    program = "from islandmode.observe import spooling, worker; spooling.LEFT_S = 0.5; worker.main()"
    argv = [sys.executable, "-c", program, "live", str(tmp_path / "spool")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps(schedule).encode() + b"\n")
        running.stdin.flush()
        assert running.stdout.readline() == b"ready\n"
        running.stdout.close()
        assert running.wait(timeout=PATIENCE_S) == 0
    assert (tmp_path / "spool" / "ended").read_text() == "left"
    plain = gzip.decompress((tmp_path / "spool" / "000001.jsonl.gz").read_bytes())
    assert len(plain.splitlines()) > 3
    assert json.loads(plain.splitlines()[-1])["ended"] == "left"
