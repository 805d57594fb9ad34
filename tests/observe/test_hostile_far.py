"""What a far host can say in place of a spool, a clock or a ready worker: a sentence each time, and never an exception."""

from __future__ import annotations

import json
import random
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from islandmode.core.chain import GENESIS, digest
from islandmode.core.episodes import Sample
from islandmode.core.outcome import Outcome
from islandmode.core.plan import Plan
from islandmode.core.text import cleaned
from islandmode.core.verdict import Result, verdict_json
from islandmode.observe import process_vantage
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.reach import LocalReach
from islandmode.observe.vantage import Collected, Offset, Schedule
from islandmode.run.witness import Witness
from islandmode.system.clock import MachineClock
from tests.core.story import Story, codes
from tests.more import first_of
from tests.patience import PATIENCE_S

CLOCK = MachineClock.of_this_boot()
BOOT = "0" * 8 + "-0000-4000-8000-" + "0" * 12
STORY = Story()
PLAN: Plan = STORY.plan
FAR = "office"
SCHEDULE = Schedule(
    "run", FAR, {name: one.probe for name, one in PLAN.probes.items() if one.probe.vantage == FAR}, 0.1, 60.0
)
Row = dict[str, Any]


def row_of(sample: Sample) -> Row:
    return {
        "v": 1,
        "run": SCHEDULE.run,
        "vantage": FAR,
        "probe": sample.probe,
        "seq": sample.seq,
        "asked_us": sample.asked_us,
        "answered_us": sample.answered_us,
        "seen": sample.seen.value,
        "value": sample.value,
        "why": sample.why,
        "heard": sample.heard.value,
        "sender": sample.sender,
    }


ROWS = [row_of(sample) for name in SCHEDULE.probes for sample in STORY.samples[name][::60]]


def chained(rows: list[Any]) -> str:
    """Write rows as one segment whose chain is in order: an attacker can compute it too."""
    text, previous = "", GENESIS
    for row in rows:
        line = json.dumps(row | {"prev": previous} if isinstance(row, dict) else row, separators=(",", ":")) + "\n"
        previous = digest(line.encode())
        text += line
    return text


def spool(rows: list[Any], **more: Any) -> Row:
    return {"segments": [["000001.jsonl", chained(rows)]], "ended": "asked"} | more


def taken(document: Any) -> Collected | str:
    """Take what was fetched as a vantage does; a text says why it is no spool."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        return process_vantage._collected(data, SCHEDULE)
    except process_vantage._NoSpool as odd:
        return str(odd)


def test_the_spool_that_all_of_this_starts_from_is_good() -> None:
    found = taken(spool(ROWS))
    assert isinstance(found, Collected)
    assert (found.chain_ok, found.why, len(found.samples)) == (True, "", len(ROWS))


DOCUMENTS: dict[str, Any] = {
    "nothing": b"",
    "an empty mapping": {},
    "a list": [],
    "null": None,
    "a number": 7,
    "NaN": b"NaN",
    "very deep": b"[" * 100_000,
    "a very long number": b"9" * 100_000,
    "no ending": {"segments": []},
    "an ending of another kind": spool(ROWS, ended=["asked"]),
    "an unknown ending": spool(ROWS, ended="gloriously"),
    "segments that are none": spool(ROWS, segments=[7]),
    "segments of three": spool(ROWS, segments=[["000001.jsonl", "", ""]]),
    "a character that no byte is": spool(ROWS, segments=[["000001.jsonl", "\u0100"]]),
    "half a surrogate pair": spool(ROWS, segments=[["000001.jsonl", "\ud83d"]]),
    "a name that leads elsewhere": spool(ROWS, segments=[["../../verdict.json", "{}"]]),
    "a folder's name": spool(ROWS, segments=[["..", "{}"]]),
    "one name twice": spool(ROWS, segments=[["000001.jsonl", ""], ["000001.jsonl", ""]]),
    "names that fall": spool(ROWS, segments=[["000002.jsonl", ""], ["000001.jsonl", ""]]),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_no_spool_is_said_to_be_none(name: str) -> None:
    found = taken(DOCUMENTS[name])
    assert isinstance(found, str)
    assert found.startswith("what was fetched is not a spool; it begins ")
    assert found.isprintable()


def changed(**values: Any) -> Row:
    """Spoil the second row of a spool whose chain is in order."""
    return spool([ROWS[0], ROWS[1] | values, *ROWS[2:]])


KIND = "it lacks a part of a sample, or has one of another kind."
SPOOLS: dict[str, tuple[Row, str]] = {
    "a probe of another vantage": (changed(probe="plc-filler"), "it is of a probe that vantage office was not given."),
    "a probe of nobody": (changed(probe="x"), "it is of a probe that vantage office was not given."),
    "another run": (changed(run="yesterday"), "it is of another run or vantage than run, office."),
    "another vantage": (changed(vantage="here"), "it is of another run or vantage than run, office."),
    "a number again": (changed(seq=0), f"sample 0 of {ROWS[1]['probe']} comes after 0."),
    "an answer before its question": (changed(asked_us=9, answered_us=8), KIND),
    "a time of NaN": (changed(asked_us=float("nan")), KIND),
    "a time in text": (changed(asked_us="1"), KIND),
    "a time that is true": (changed(asked_us=True), KIND),
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
    "a list for a row": (spool([ROWS[0], [1, 2]]), "it is not a sample; bytes were altered or lost."),
    "format 0": (changed(v=0), "it is not a sample; bytes were altered or lost."),
    "format 10^50": (changed(v=10**50), f"it was written by a newer version (format 1{'0' * 19}, this one reads 1)."),
}


@pytest.mark.parametrize("name", SPOOLS)
def test_a_spool_is_believed_up_to_the_first_thing_that_is_not_its_own(name: str) -> None:
    document, why = SPOOLS[name]
    found = taken(document)
    assert isinstance(found, Collected)
    assert (found.chain_ok, found.why) == (False, f"Segment 000001.jsonl, line 2: {why}")
    assert len(found.samples) == 1


def test_text_in_a_spool_is_cleaned_where_it_enters() -> None:
    found = taken(changed(why="\x1b[2J", value="Tank \ud83d", sender="\u202e10.0.0.1"))
    assert isinstance(found, Collected)
    assert found.chain_ok
    sample = found.samples[1]
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
Spoil = Callable[[random.Random, list[Row]], Any]


def one_value(dice: random.Random, rows: list[Row]) -> Any:
    dice.choice(rows)[dice.choice([*ROWS[0], "extra"])] = dice.choice(ODD)
    return spool(rows)


def one_missing(dice: random.Random, rows: list[Row]) -> Any:
    del dice.choice(rows)[dice.choice(list(ROWS[0]))]
    return spool(rows)


def times_anywhere(dice: random.Random, rows: list[Row]) -> Any:
    for row in rows:
        row["asked_us"] = dice.randrange(2 ** dice.randrange(1, 64))
        row["answered_us"] = row["asked_us"] + dice.randrange(2 ** dice.randrange(1, 63))
    return spool(rows)


def any_order(dice: random.Random, rows: list[Row]) -> Any:
    dice.shuffle(rows)
    return spool(rows)


def anything_good(dice: random.Random, rows: list[Row]) -> Any:
    """Say of every question what one likes."""
    for row in rows:
        row["seen"], row["heard"] = (
            dice.choice(["good", "bad", "unknown"]),
            dice.choice(["answer", "nothing", "refused"]),
        )
    return spool(rows)


def one_part(dice: random.Random, rows: list[Row]) -> Any:
    document = spool(rows)
    document[dice.choice(["segments", "ended"])] = dice.choice(ODD)
    return document


def one_segment(dice: random.Random, rows: list[Row]) -> Any:
    return spool(rows, segments=[[dice.choice([*ODD, "000001.jsonl"]), dice.choice(ODD)], dice.choice(ODD)])


def bytes_changed(dice: random.Random, rows: list[Row]) -> Any:
    data = bytearray(json.dumps(spool(rows)).encode())
    for _ in range(dice.randrange(1, 8)):
        place = dice.randrange(len(data))
        data[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
    return bytes(data)


def cut_off(dice: random.Random, rows: list[Row]) -> Any:
    data = json.dumps(spool(rows)).encode()
    return data[: dice.randrange(len(data))]


def noise(dice: random.Random, rows: list[Row]) -> Any:
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
    own = witness.samples()
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


@pytest.mark.parametrize("part", first_of(range(10), 2))
def test_ten_thousand_spools_end_in_samples_or_a_sentence(part: int) -> None:
    for seed in range(part * 1000, (part + 1) * 1000):
        dice = random.Random(seed)
        found = taken(dice.choice(SPOILS)(dice, [dict(row) for row in ROWS]))
        why = found if isinstance(found, str) else found.why
        assert cleaned(why) == why, seed
        if isinstance(found, Collected):
            for sample in found.samples:
                assert sample.probe in SCHEDULE.probes, seed
                for text in (sample.why, sample.sender, str(sample.value)):
                    assert cleaned(text) == text, seed
            json.dumps([row_of(sample) for sample in found.samples], ensure_ascii=False).encode()
            if seed % 40 == 0:
                judged(found)


# The same as real processes: a far host runs what it likes in place of our worker.


def far_host(program: str, tmp_path: Path) -> ProcessVantage:
    """Make a vantage whose far side runs a program of its own; the words that we send are its arguments."""
    prefix = (sys.executable, "-c", program)
    return ProcessVantage(FAR, clock=CLOCK, far=True, reach=LocalReach(tmp_path / "spool", prefix))


READY = "import sys\nif sys.argv[4] == 'run': sys.stdin.readline(); print('ready', flush=True); sys.exit()\n"
WITHOUT_END = """
part = b'{"segments": [' + b" " * (1 << 20)
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
    assert (outcome, value) == (Outcome.UNKNOWN, None)
    samples = len(SCHEDULE.probes) * 601
    assert why == f"its spool is longer than its schedule can give: more than {2**20 + samples * 1000} bytes"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 64 * 1024


def test_a_spool_that_never_comes_is_given_up_in_time(tmp_path: Path) -> None:
    outcome, value, why = collected("import time; time.sleep(600)", tmp_path, 0.5)
    assert (outcome, value, why) == (Outcome.UNKNOWN, None, "its spool could not be fetched within 0.5 s")


@pytest.mark.parametrize("said", ["{}", "", "[1]", '{"segments": [["../x", ""]], "ended": "asked"}', "\\x1b[2J"])
def test_a_spool_that_is_none_is_a_sentence(said: str, tmp_path: Path) -> None:
    outcome, value, why = collected(f"print({said!r})", tmp_path)
    assert (outcome, value) == (Outcome.UNKNOWN, None)
    assert why.startswith("what was fetched is not a spool")
    assert cleaned(why) == why


def test_last_words_are_its_own_and_of_this_run(tmp_path: Path) -> None:
    rows: list[Any] = [ROWS[0], ROWS[1] | {"run": "yesterday"}, ROWS[2] | {"probe": "plc-filler"}, []]
    lines = [json.dumps(row) for row in rows]
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


@pytest.mark.parametrize(
    "program",
    ["print('refused: \\x1b[2J')", "print('x' * 1_000_000)", "print()", "while True: print('x' * 100, end='')", ""],
)
def test_a_worker_that_is_not_ready_is_a_sentence(program: str, tmp_path: Path) -> None:
    async def drill() -> tuple[Outcome, str]:
        one = far_host(program, tmp_path)
        reading = await one.start(SCHEDULE, PATIENCE_S)
        await one.stop()
        return reading.outcome, reading.why

    outcome, why = anyio.run(drill)
    assert outcome is Outcome.UNKNOWN
    assert why.startswith("its worker did not start to look (")
    assert cleaned(why) == why
    assert len(why) < 300


# The witness.


def witnessed(found: Collected, *boots: str) -> tuple[Collected, dict[str, tuple[Sample, ...]]]:
    witness = Witness(PLAN, {}, cast("Any", None), CLOCK, "run")
    witness.offsets = {FAR: [Offset(0, 0, 20, boot) for boot in boots]}
    witness.collected = {FAR: witness._of_one_boot(FAR, found)}
    return witness.collected[FAR], witness.samples()


def test_samples_of_a_host_that_restarted_are_placed_nowhere() -> None:
    found = taken(spool(ROWS))
    assert isinstance(found, Collected)
    kept, samples = witnessed(found, BOOT, BOOT)
    assert kept == found
    assert sum(map(len, samples.values())) == len(ROWS)
    kept, samples = witnessed(found, BOOT, BOOT.replace("0", "1"))
    assert (kept.samples, kept.chain_ok, kept.segments) == ((), False, found.segments)
    assert kept.why.startswith("Its host restarted during the drill")
    assert not any(samples.values())


def test_a_vantage_is_heard_about_its_own_probes_only() -> None:
    stranger = replace(STORY.samples["plc-filler"][0], probe="plc-filler")
    nobody = replace(stranger, probe="nobody")
    samples = witnessed(Collected((stranger, nobody), (), True, "asked"), BOOT)[1]
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
