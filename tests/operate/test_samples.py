"""The samples of a run, held against what its journal says of them: what was altered since is not judged."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.episodes import Sample, Seen
from islandmode.core.record import Record
from islandmode.core.spool_lines import Expected
from islandmode.core.verdict import Result
from islandmode.operate.judge import judge_run
from islandmode.operate.samples import altered_since, kept_spool
from tests.operate.recorded_runs import FINISHED, recorded
from tests.spools import KEY, written

EXPECTED = Expected("run-1", "here", frozenset({"plc"}))
SAMPLES = [Sample("plc", at, at * 100_000, at * 100_000 + 500, Seen.GOOD, at) for at in range(1, 50)]
PROMISED = hashlib.sha256(KEY).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path / "here", [SAMPLES[:20], SAMPLES[20:]], ["plc"])
    return tmp_path / "here"


def told(folder: Path, promised: str = PROMISED, **more: Any) -> str:
    """Collect a spool as it is now, then do to it what is given under `then`, and hold it against the record."""
    change = more.pop("then", None)
    spool = kept_spool(folder, EXPECTED, {"key": KEY.hex()})
    reading = spool.read()
    assert reading.whole
    collected = {"chain_ok": True, "key": KEY.hex(), "sha256": reading.sha256, "length": reading.length} | more
    started = {"vantage": "here", "outcome": "done", "key_sha256": promised}
    records = [Record(0, "riverside", "run-1", "conductor", "boot", 1, 1, "vantage.started", started)]
    if change is not None:
        change()
    return altered_since(kept_spool(folder, EXPECTED, collected), collected, records, "here")


def test_samples_that_are_as_they_were_collected_are_judged(folder: Path) -> None:
    assert told(folder) == ""
    # A record of an earlier version promised no key, and kept no sum.
    assert told(folder, "") == ""
    assert told(folder, sha256="") == ""


def test_samples_that_were_altered_since_are_named(folder: Path) -> None:
    first = folder / "000001.jsonl.gz"
    data = first.read_bytes()
    other = "the check sum that was recorded then is another"
    assert told(folder, then=lambda: first.write_bytes(data[:-1] + b"?")) == other
    first.write_bytes(data)
    assert told(folder, then=first.unlink) == other
    first.write_bytes(data)
    # Without a sum, what was whole must still be whole.
    assert told(folder, sha256="", then=first.unlink) == (
        "Segment 000002.jsonl.gz: the chain is broken; a segment was altered, removed or added"
    )


def test_a_key_that_is_not_the_promised_one_is_named(folder: Path) -> None:
    sentence = "the key that was revealed is not the key that was promised before the isolation"
    assert told(folder, key="00" * 32) == sentence
    assert told(folder, key="no key") == sentence
    assert told(folder, hashlib.sha256(b"another").hexdigest()) == sentence


def test_a_run_whose_samples_were_altered_proves_nothing(tmp_path: Path) -> None:
    run = recorded(FINISHED, tmp_path)
    before = judge_run(run)
    assert before.verdict is Result.HELD
    segment = min(run.samples("office").glob("*.jsonl"))
    segment.write_bytes(
        segment.read_bytes().replace(b'"seen":"bad"', b'"seen":"good"', 1).replace(b'"seq":3,', b'"seq":4,', 1)
    )
    after = judge_run(run)
    assert after.verdict is Result.INCONCLUSIVE
    altered = [finding.sentence for finding in after.findings if finding.code == "samples-altered"]
    assert len(altered) == 1
    assert altered[0].startswith(
        "The samples of vantage office are not those that were collected (Segment 000001.jsonl, line "
    )


def test_the_program_of_the_page_finds_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "spool.md").read_text(encoding="utf-8")
    program = (
        page.partition("```python\n")[2].partition("```")[0].replace("samples/office", "here").replace("…", KEY.hex())
    )
    monkeypatch.chdir(folder.parent)
    exec(program, {})  # noqa: S102 - what the page asks its reader to run
    first = folder / "000001.jsonl.gz"
    plain = gzip.decompress(first.read_bytes())
    first.write_bytes(gzip.compress(plain.replace(b",500,", b",501,", 1)))
    with pytest.raises(AssertionError):
        exec(program, {})  # noqa: S102 - as above
