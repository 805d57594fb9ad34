"""What a far host can say in place of a spool, a clock or a ready worker: a sentence each time, and never an exception."""

from __future__ import annotations

import gzip
import json
import random
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from islandmode.core import spool_rows
from islandmode.core.episodes import Sample
from islandmode.core.episodes import row_of as row_of_sample
from islandmode.core.outcome import Outcome
from islandmode.core.plan import Plan
from islandmode.core.spool import expected
from islandmode.core.text import cleaned
from islandmode.core.verdict import Result, verdict_json
from islandmode.observe import process_vantage
from islandmode.observe.kept_spool import BrokenOff, NoSpool, TakenSpool
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.reach import LocalReach
from islandmode.observe.vantage import Collected, Offset, Schedule
from islandmode.run.witness import Witness
from islandmode.simulate.vantage import SimulatedSpool
from islandmode.system.clock import MachineClock
from islandmode.system.segments import segments_in
from tests.core.story import Story, codes
from tests.more import first_of
from tests.patience import PATIENCE_S
from tests.spools import KEY, listed, said, spool_of

CLOCK = MachineClock.of_this_boot()
BOOT = "0" * 8 + "-0000-4000-8000-" + "0" * 12
STORY = Story()
PLAN: Plan = STORY.plan
FAR = "office"
SCHEDULE = Schedule(
    "run", FAR, {name: one.probe for name, one in PLAN.probes.items() if one.probe.vantage == FAR}, 0.1, 60.0
)
Row = dict[str, Any]
NAMES = list(SCHEDULE.probes)


def row_of(sample: Sample) -> Row:
    return said(sample)


ROWS = [row_of(sample) for name in NAMES for sample in STORY.samples[name][::60]]


def line_of(row: Row, before_us: Any) -> bytes:
    """Write a row as a worker does, whatever stands in it."""
    place = NAMES.index(row["probe"]) if row.get("probe") in NAMES else row.get("probe")
    asked_us, answered_us = row.get("asked_us"), row.get("answered_us")
    since = asked_us - before_us if isinstance(asked_us, int) and isinstance(before_us, int) else asked_us
    took = answered_us - asked_us if isinstance(asked_us, int) and isinstance(answered_us, int) else answered_us
    rest = [row[key] for key in ("value", "seen", "heard", "why", "sender") if key in row]
    return json.dumps([place, since, took, *rest], separators=(",", ":")).encode() + b"\n"


def segment(rows: list[Any], ended: str = "asked", **head: Any) -> bytes:
    """Write rows as one segment whose seal is in order: a far host can make it too."""
    told = {"v": 2, "run": SCHEDULE.run, "vantage": FAR, "segment": 1, "prev": "0" * 64, "at_us": 0, "probes": NAMES}
    lines, before_us = [json.dumps(told | head).encode() + b"\n"], 0
    for row in rows:
        lines.append(line_of(row, before_us) if isinstance(row, dict) else json.dumps(row).encode() + b"\n")
        asked_us = row.get("asked_us") if isinstance(row, dict) else None
        before_us = asked_us if isinstance(asked_us, int) else before_us
    mac = spool_rows.begun(KEY, spool_rows.FIRST)
    mac.update(b"".join(lines))
    return b"".join([*lines, spool_rows.seal(len(rows), mac.hexdigest(), ended)])


def frames(*segments: tuple[str, bytes], ended: str = "asked") -> bytes:
    """Print segments as a collection does."""
    told = [b"segment %s %d\n%s" % (name.encode(), len(data), data) for name, data in segments]
    return b"".join([*told, b"ended %s\n" % ended.encode()])


NAME = "000001.jsonl.gz"


def spool(rows: list[Any], **head: Any) -> bytes:
    return frames((NAME, gzip.compress(segment(rows, **head), 1)))


def taken(data: bytes, pieces: int = 1) -> Collected | str:
    """Take what was fetched as a vantage does; a text says why it is no spool."""
    with tempfile.TemporaryDirectory() as folder:
        taking, step = TakenSpool(Path(folder), 1 << 20), -(-len(data) // pieces)
        try:
            for start in range(0, len(data), max(step, 1)):
                taking.take(data[start : start + step])
            ended = taking.ended()
        except (NoSpool, BrokenOff) as odd:
            taking.close()
            return str(odd)
        kept = tuple(segments_in(Path(folder)))
    spool = spool_of(kept, expected(SCHEDULE.run, FAR, SCHEDULE.probes))
    return process_vantage._collected(spool, spool.read(), ended, KEY)


def test_the_spool_that_all_of_this_starts_from_is_good() -> None:
    for pieces in (1, 2, 1000):
        found = taken(spool(ROWS), pieces)
        assert isinstance(found, Collected)
        assert (found.chain_ok, found.why, found.samples) == (True, "", len(ROWS))
        assert len(listed(found.spool)) == len(ROWS)


GOOD = (NAME, gzip.compress(segment(ROWS), 1))
DOCUMENTS: dict[str, bytes] = {
    "an empty line": b"\n",
    "JSON of an earlier version": b'{"segments": [], "ended": "asked"}',
    "a number": b"7\n",
    "very deep": b"[" * 100_000,
    "a line without end": b"segment " + b"0" * 100_000,
    "an ending of another kind": b"ended\n",
    "an unknown ending": frames(GOOD, ended="gloriously"),
    "something after the end": frames(GOOD) + b"ended asked\n",
    "a letter for a length": b"segment 000001.part x\nended asked\n",
    "a length below zero": b"segment 000001.part -1\nended asked\n",
    "a name that leads elsewhere": frames(("../../verdict.json", b"{}")),
    "a folder's name": frames(("..", b"{}")),
    "a name of an earlier version": frames(("000001.jsonl", b"")),
    "one name twice": frames((NAME, b""), (NAME, b"")),
    "names that fall": frames(("000002.jsonl.gz", b""), (NAME, b"")),
    "no text": bytes(range(128, 256)) + b"\n",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_no_spool_is_said_to_be_none(name: str) -> None:
    found = taken(DOCUMENTS[name])
    assert isinstance(found, str)
    assert found.startswith("what was fetched is not a spool; it begins ")
    assert found.isprintable()


def test_a_spool_that_breaks_off_is_said_to_do_so() -> None:
    whole = frames(GOOD)
    for end in (len(whole) - 1, len(whole) - 13, 60):
        assert taken(whole[:end]) == f"its spool broke off after {end} bytes"
    assert taken(b"") == "its spool did not come: its host said nothing"


def changed(**values: Any) -> bytes:
    """Spoil the second row of a spool whose seal is in order."""
    return spool([ROWS[0], ROWS[1] | values, *ROWS[2:]])


KIND = "it lacks a part of a sample, or has one of another kind."
SPOOLS: dict[str, tuple[bytes, str]] = {
    "a probe of nobody": (changed(probe="x"), KIND),
    "an answer before its question": (changed(asked_us=9, answered_us=8), KIND),
    "a time of NaN": (changed(asked_us=float("nan")), KIND),
    "a time in text": (changed(asked_us="1"), KIND),
    "a time below zero": (changed(asked_us=-1), KIND),
    "a time of many digits": (changed(answered_us=10**100), KIND),
    "a value of NaN": (changed(value=float("nan")), KIND),
    "a value of many digits": (changed(value=10**100), KIND),
    "a value that is a list": (changed(value=[1]), KIND),
    "a value that is true": (changed(value=True), KIND),
    "a very long reason": (changed(why="x" * 10_000), KIND),
    "a reason that is none": (changed(why=None), KIND),
    "a sender that is none": (changed(sender=7), KIND),
    "something unheard of": (changed(heard="applause"), KIND),
    "a list for a row": (spool([ROWS[0], [1, 2]]), KIND),
}


@pytest.mark.parametrize("name", SPOOLS)
def test_a_spool_is_believed_up_to_the_first_thing_that_is_not_its_own(name: str) -> None:
    document, why = SPOOLS[name]
    found = taken(document)
    assert isinstance(found, Collected)
    assert (found.chain_ok, found.why) == (False, f"Segment {NAME}, line 3: {why}")
    assert found.samples == 1


HEADS: dict[str, tuple[Row, str]] = {
    "a probe of another vantage": ({"probes": ["plc-filler"]}, "it is of a probe that vantage office was not given."),
    "another run": ({"run": "yesterday"}, "it is of another run or vantage than run, office."),
    "another vantage": ({"vantage": "here"}, "it is of another run or vantage than run, office."),
    "format 0": ({"v": 0}, "it is not a sample; bytes were altered or lost."),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_spool_of_another_head_is_not_believed_at_all(name: str) -> None:
    head, why = HEADS[name]
    found = taken(spool(ROWS, **head))
    assert isinstance(found, Collected)
    assert (found.chain_ok, found.why, found.samples) == (False, f"Segment {NAME}, line 1: {why}", 0)


def test_text_in_a_spool_is_cleaned_where_it_enters() -> None:
    found = taken(changed(why="\x1b[2J", value="Tank \ud83d", sender="\u202e10.0.0.1"))
    assert isinstance(found, Collected)
    assert found.chain_ok
    sample = listed(found.spool)[1]
    assert (sample.why, sample.value, sample.sender) == ("\\x1b[2J", "Tank \\ud83d", "\\u202e10.0.0.1")


# Ten thousand inputs.

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "\ud83d",
    "\x1b[31m\x00",
    "\u202e",
    "good",
    "office",
    "plc-filler",
    "x" * 5000,
    [],
    {},
    [[[[[]]]]],
    {"segments": 1},
]
Spoil = Callable[[random.Random, list[Row]], bytes]


def one_value(dice: random.Random, rows: list[Row]) -> bytes:
    dice.choice(rows)[dice.choice([*ROWS[0], "extra"])] = dice.choice(ODD)
    return spool(rows)


def one_missing(dice: random.Random, rows: list[Row]) -> bytes:
    del dice.choice(rows)[dice.choice(list(ROWS[0]))]
    return spool(rows)


def times_anywhere(dice: random.Random, rows: list[Row]) -> bytes:
    for row in rows:
        row["asked_us"] = dice.randrange(2 ** dice.randrange(1, 64))
        row["answered_us"] = row["asked_us"] + dice.randrange(2 ** dice.randrange(1, 63))
    return spool(rows)


def any_order(dice: random.Random, rows: list[Row]) -> bytes:
    dice.shuffle(rows)
    return spool(rows)


def anything_good(dice: random.Random, rows: list[Row]) -> bytes:
    """Say of every question what one likes."""
    for row in rows:
        row["seen"], row["heard"] = (
            dice.choice(["good", "bad", "unknown"]),
            dice.choice(["answer", "nothing", "refused"]),
        )
    return spool(rows)


def one_part(dice: random.Random, rows: list[Row]) -> bytes:
    return spool(rows, **{dice.choice(["v", "run", "vantage", "segment", "prev", "at_us", "probes"]): dice.choice(ODD)})


def one_segment(dice: random.Random, rows: list[Row]) -> bytes:
    name = dice.choice([NAME, "000001.part", "000002.part", "000001.jsonl", str(dice.choice(ODD))[:50]])
    return frames((name.replace("\n", " ").encode("utf-8", "replace").decode(), json.dumps(dice.choice(ODD)).encode()))


def bytes_changed(dice: random.Random, rows: list[Row]) -> bytes:
    data = bytearray(dice.choice([spool(rows), frames(("000001.part", segment(rows)))]))
    for _ in range(dice.randrange(1, 8)):
        place = dice.randrange(len(data))
        data[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
    return bytes(data)


def cut_off(dice: random.Random, rows: list[Row]) -> bytes:
    data = spool(rows)
    return data[: dice.randrange(len(data))]


def noise(dice: random.Random, rows: list[Row]) -> bytes:
    return dice.choice([dice.randbytes(dice.randrange(200)), json.dumps(dice.choice(ODD)).encode()])


SPOILS: list[Spoil] = [
    *[one_value] * 4,
    one_missing,
    times_anywhere,
    any_order,
    anything_good,
    one_part,
    one_segment,
    bytes_changed,
    cut_off,
    noise,
]


def judged(found: Collected) -> None:
    """Carry what was taken through to a verdict that can be written down."""
    witness = Witness(PLAN, {}, cast("Any", None), CLOCK, "run")
    witness.offsets = {FAR: [Offset(0, 0, 20, BOOT)] * 2}
    witness.collected = {FAR: found}
    own = witness.placed().samples()
    assert {name for name, samples in own.items() if samples} <= set(SCHEDULE.probes)
    story = Story()
    story.samples |= {name: list(own[name]) for name in SCHEDULE.probes}
    story.records = [
        replace(one, data=one.data | {"chain_ok": found.chain_ok, "chain_why": found.why, "ended": found.ended})
        if one.kind == "collect.result" and one.data["vantage"] == FAR
        else one
        for one in story.records
    ]
    verdict = story.judge()
    assert verdict_json(verdict).encode()
    assert verdict.verdict is not Result.HELD


@pytest.mark.parametrize("part", first_of(range(10)))
def test_ten_thousand_spools_end_in_samples_or_a_sentence(part: int) -> None:
    for seed in range(part * 1000, (part + 1) * 1000):
        dice = random.Random(seed)
        found = taken(dice.choice(SPOILS)(dice, [dict(row) for row in ROWS]))
        why = found if isinstance(found, str) else found.why
        assert cleaned(why) == why, seed
        if isinstance(found, Collected):
            for sample in listed(found.spool):
                assert sample.probe in SCHEDULE.probes, seed
                for text in (sample.why, sample.sender, str(sample.value)):
                    assert cleaned(text) == text, seed
            json.dumps([row_of(sample) for sample in listed(found.spool)], ensure_ascii=False).encode()
            if seed % 40 == 0:
                judged(found)


# The same as real processes: a far host runs what it likes in place of our worker.


def far_host(program: str, tmp_path: Path) -> ProcessVantage:
    """Make a vantage whose far side runs a program of its own; the words that we send are its arguments."""
    prefix = (sys.executable, "-c", program)
    reach = LocalReach(tmp_path / "spool", prefix)
    return ProcessVantage(FAR, clock=CLOCK, far=True, reach=reach, kept=tmp_path / "kept")


READY = "import sys\nif sys.argv[4] == 'run': sys.stdin.readline(); print('ready', flush=True); sys.exit()\n"
WITHOUT_END = """
sys.stdout.buffer.write(b"segment 000001.part 999999999999\\n")
part = b" " * (1 << 20)
while True:
    sys.stdout.buffer.write(part)
"""


def collected(program: str, tmp_path: Path, deadline_s: float = PATIENCE_S) -> tuple[Outcome, Collected | None, str]:
    async def drill() -> tuple[Outcome, Collected | None, str]:
        one = far_host(READY + program, tmp_path)
        assert (await one.start(SCHEDULE, PATIENCE_S)).done
        reading = await one.collect(deadline_s)
        await one.stop()
        return reading.outcome, reading.value, reading.why

    return anyio.run(drill)


def test_a_spool_without_end_is_given_up_in_bounded_memory(tmp_path: Path) -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome, value, why = collected(WITHOUT_END, tmp_path)
    # Not done, for good: asked again, it would give the same.
    assert (outcome, value) == (Outcome.NOT_DONE, None)
    samples = len(SCHEDULE.probes) * 601
    assert why == f"its spool is longer than its schedule can give: more than {2**23 + samples * 100} bytes"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 64 * 1024


def test_a_spool_that_never_comes_is_given_up_in_time(tmp_path: Path) -> None:
    outcome, value, why = collected("import time; time.sleep(600)", tmp_path, 0.5)
    assert (outcome, value, why) == (Outcome.UNKNOWN, None, "its spool could not be fetched within 0.5 s")


@pytest.mark.parametrize("said", ["{}", "", "[1]", "segment ../x 0\\nended asked", "\\x1b[2J"])
def test_a_spool_that_is_none_is_a_sentence(said: str, tmp_path: Path) -> None:
    outcome, value, why = collected(f"print({said!r})", tmp_path)
    assert (outcome, value) == (Outcome.NOT_DONE, None)
    assert why.startswith("what was fetched is not a spool")
    assert cleaned(why) == why


def test_last_words_are_its_own_and_of_this_run(tmp_path: Path) -> None:
    rows: list[Any] = [ROWS[0], ROWS[1] | {"run": "yesterday"}, ROWS[2] | {"probe": "plc-filler"}, []]
    lines = [json.dumps({"v": 1, "run": "run", "vantage": FAR} | row if isinstance(row, dict) else row) for row in rows]
    said = "\n".join([*lines, ROWS[3]["probe"], "end"])

    async def drill() -> tuple[Sample, ...] | None:
        one = far_host(READY + f"print({said!r})", tmp_path)
        assert (await one.start(SCHEDULE, PATIENCE_S)).done
        reading = await one.look(PATIENCE_S)
        await one.stop()
        return reading.value

    found = anyio.run(drill)
    assert found is not None
    assert [row_of(sample) for sample in found] == [ROWS[0]]


CLOCKS = {
    "no numbers": "print('a b c')",
    "too few": "print('1 2')",
    "no boot": "print('1 2 3')",
    "very long numbers": f"print('9' * 100, 2, '{BOOT}')",
    "a line without end": "print('1' * 10000)",
    "no text": "sys.stdout.buffer.write(bytes(range(128, 256)) + b'\\n')",
    "another boot each time": "import uuid\nfor _ in sys.stdin: print(1, 2, uuid.uuid4(), flush=True)",
    "numbers of another script": f"print('\u0661 2 {BOOT}')",
}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_that_answers_nonsense_is_a_sentence(name: str, tmp_path: Path) -> None:
    # It stays until it is left alone: a program that is gone before it is asked is another sentence.
    program = f"import sys\n{CLOCKS[name]}\nsys.stdout.flush()\nsys.stdin.read()"
    reading = anyio.run(far_host(program, tmp_path).offset, PATIENCE_S)
    assert (reading.outcome, reading.value) == (Outcome.NOT_DONE, None)
    assert reading.why == "what answered is not its clock"


LOOKS_NOT = "its worker did not start to look ("


@pytest.mark.parametrize(
    ("program", "begins"),
    [
        ("print('refused: \\x1b[2J')", "\\x1b[2J"),
        ("print('refused: ' + 'x' * 1_000_000)", "xxx"),
        ("print('refused: ')", LOOKS_NOT),
        ("print('x' * 1_000_000)", LOOKS_NOT),
        ("print()", LOOKS_NOT),
        ("while True: print('x' * 100, end='')", LOOKS_NOT),
        ("", LOOKS_NOT),
    ],
)
def test_a_worker_that_is_not_ready_is_a_sentence(program: str, begins: str, tmp_path: Path) -> None:
    async def drill() -> tuple[Outcome, str]:
        one = far_host(program, tmp_path)
        reading = await one.start(SCHEDULE, PATIENCE_S)
        await one.stop()
        return reading.outcome, reading.why

    outcome, why = anyio.run(drill)
    assert outcome is Outcome.UNKNOWN
    assert why.startswith(begins)
    assert cleaned(why) == why
    assert len(why) < 300


# The witness.


def witnessed(found: Collected, *boots: str) -> tuple[Collected, dict[str, tuple[Sample, ...]]]:
    witness = Witness(PLAN, {}, cast("Any", None), CLOCK, "run")
    witness.offsets = {FAR: [Offset(0, 0, 20, boot) for boot in boots]}
    witness.collected = {FAR: witness._of_one_boot(FAR, found)}
    return witness.collected[FAR], witness.placed().samples()


def test_samples_of_a_host_that_restarted_are_placed_nowhere() -> None:
    found = taken(spool(ROWS))
    assert isinstance(found, Collected)
    kept, samples = witnessed(found, BOOT, BOOT)
    assert kept == found
    assert sum(map(len, samples.values())) == len(ROWS)
    kept, samples = witnessed(found, BOOT, BOOT.replace("0", "1"))
    assert (kept.samples, kept.chain_ok, kept.spool) == (0, False, found.spool)
    assert kept.why.startswith("Its host restarted during the drill")
    assert not any(samples.values())


def test_a_vantage_is_heard_about_its_own_probes_only() -> None:
    stranger = replace(STORY.samples["plc-filler"][0], probe="plc-filler")
    nobody = replace(stranger, probe="nobody")
    spooled = SimulatedSpool({one.probe: [row_of_sample(one)] for one in (stranger, nobody)})
    samples = witnessed(Collected(spooled, 2, True, "asked"), BOOT)[1]
    assert not any(samples.values())


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            {"chain_ok": False, "chain_why": "Segment 1, line 2: it is of another run."},
            (
                "The spool of vantage office cannot be relied on; what it watched is not known for sure. "
                "Segment 1, line 2: it is of another run."
            ),
        ),
        (
            {"outcome": "unknown", "why": "what was fetched is not a spool"},
            "The samples of vantage office were not collected (what was fetched is not a spool); what it watched is not known.",
        ),
    ],
)
def test_the_verdict_says_why_a_witness_is_lost(told: dict[str, Any], sentence: str) -> None:
    story = Story()
    story.records = [
        replace(one, data=one.data | told) if one.kind == "collect.result" and one.data["vantage"] == FAR else one
        for one in story.records
    ]
    verdict = story.judge()
    assert verdict.verdict is Result.INCONCLUSIVE
    assert codes(verdict) == {"witness-lost"}
    assert sentence in [one.sentence for one in verdict.findings]


class Impatient(LocalReach):
    call_s = 1.0


def test_a_spool_of_which_nothing_more_comes_is_given_up_and_can_be_asked_for_again(tmp_path: Path) -> None:
    """There is no deadline for a spool that comes, however long it is; there is one for a host that stands still."""
    begun = "import sys, time; print('segment 000001.part 100\\nhalf of it', end='', flush=True); time.sleep(600)"

    async def drill() -> tuple[Outcome, str]:
        reach = Impatient(tmp_path / "spool", (sys.executable, "-c", begun))
        one = ProcessVantage(FAR, clock=CLOCK, far=True, reach=reach, kept=tmp_path / "kept")
        reading = await one.collect(PATIENCE_S)
        return reading.outcome, reading.why

    assert anyio.run(drill) == (Outcome.UNKNOWN, "nothing more of its spool came for 1 s")
    # What came stays, and nobody believes it.
    assert (tmp_path / "kept" / "000001.part").read_bytes() == b"half of it"
