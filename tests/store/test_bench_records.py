"""Records of benches on disk, signed and checked by the real ssh-keygen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from islandmode.core.bench.record import BenchRecord
from islandmode.operate.benched import Benched, benched
from islandmode.store import bench_records
from islandmode.system.ssh_signature import SignatureTrouble, sign, signer
from tests.core.bench_records import AT, METHOD, record
from tests.emulators.benching import PERSON, allow, new_key


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "inventory").mkdir()
    return tmp_path


@pytest.fixture
def key(workspace: Path) -> Path:
    made = new_key(workspace)
    allow(workspace, made)
    return made


def kept(workspace: Path, key: Path | None, made: BenchRecord | None = None) -> Path:
    """Keep a record as a bench does, signed or not; gives its folder."""
    made = made or record()
    folder = bench_records.new_folder(workspace, made.site, made.device, made.at)
    bench_records.keep(folder, made)
    if key is not None:
        bench_records.keep_signature(folder, key)
    return folder


class Today:
    """A clock that stands on a day."""

    boot_id = ""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def monotonic_us(self) -> int:
        return 0

    def utc_us(self) -> int:
        return round(self.now.timestamp() * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def judged(workspace: Path, now: datetime = AT + timedelta(days=1)) -> Benched:
    return benched(workspace, "kirkby", "vendor-router", METHOD, clock=Today(now))


def test_a_record_that_was_signed_counts(workspace: Path, key: Path) -> None:
    folder = kept(workspace, key)
    found = judged(workspace)
    assert found.whys == ()
    assert found.counts
    assert found.kept is not None
    assert found.kept.path == folder / "record.json"
    assert folder == workspace / "inventory" / "benched" / "kirkby" / "vendor-router" / "20261127T100000Z"


def test_a_device_without_a_record_is_told_apart(workspace: Path) -> None:
    assert judged(workspace) == Benched()


def test_a_record_that_nobody_signed_does_not_count(workspace: Path, key: Path) -> None:
    kept(workspace, None)
    assert judged(workspace).whys == ("nobody signed it",)


@pytest.mark.parametrize("spoil", ["record", "signature", "namespace"])
def test_a_signature_of_anything_else_does_not_hold(workspace: Path, key: Path, spoil: str) -> None:
    folder = kept(workspace, key)
    path = folder / "record.json"
    if spoil == "record":
        path.write_text(path.read_text(encoding="utf-8").replace('"gone_s": 1.5', '"gone_s": 1.4', 1), encoding="utf-8")
    elif spoil == "signature":
        (folder / "record.json.sig").write_text("no signature", encoding="ascii")
    else:
        (folder / "record.json.sig").write_bytes(sign(path.read_bytes(), key, "file"))
    (why,) = judged(workspace).whys
    assert why == "the signature does not belong to it, or was not made for bench@islandmode"


def test_a_key_that_nobody_allowed_does_not_count(workspace: Path, key: Path) -> None:
    kept(workspace, new_key(workspace, "stranger"))
    (why,) = judged(workspace).whys
    assert why.startswith("the key that signed it is not in inventory/allowed_signers")


@pytest.mark.parametrize(
    "more",
    ['namespaces="file"', 'namespaces="bench@islandmode",valid-before="20261126"', 'valid-after="20261128"'],
    ids=["for something else", "until the day before", "from the day after"],
)
def test_a_key_that_was_not_allowed_that_day_or_for_this_does_not_count(workspace: Path, more: str) -> None:
    made = new_key(workspace)
    allow(workspace, made, more=more)
    kept(workspace, made)
    (why,) = judged(workspace).whys
    assert why.startswith("the key that signed it is not in inventory/allowed_signers")


def test_a_key_that_has_ended_since_was_good_when_it_signed(workspace: Path) -> None:
    made = new_key(workspace)
    allow(workspace, made, more='valid-before="20261201"')
    kept(workspace, made)
    assert judged(workspace, AT + timedelta(days=90)).counts


def test_the_day_of_a_key_is_the_same_in_every_time_zone_that_a_record_names(workspace: Path) -> None:
    made = new_key(workspace)
    allow(workspace, made, more=f'namespaces="bench@islandmode",valid-before="{AT:%Y%m%d%H%M%S}"')
    an_hour_later = (AT + timedelta(hours=1)).astimezone(timezone(-timedelta(hours=12)))
    kept(workspace, made, record(at=an_hour_later))
    assert not judged(workspace).counts


def test_somebody_else_s_name_in_a_record_does_not_count(workspace: Path, key: Path) -> None:
    other = new_key(workspace, "other")
    allow(workspace, other, "B. Ito")
    kept(workspace, other)
    assert judged(workspace).whys == (f"it names {PERSON}, and B. Ito signed it",)


def test_without_allowed_signers_nobody_is(workspace: Path, key: Path) -> None:
    kept(workspace, key)
    (workspace / "inventory" / "allowed_signers").unlink()
    (why,) = judged(workspace).whys
    assert why.startswith("the key that signed it is not in")


def test_a_record_that_has_grown_old_does_not_count(workspace: Path, key: Path) -> None:
    kept(workspace, key)
    assert judged(workspace, AT + timedelta(days=364)).counts
    assert judged(workspace, AT + timedelta(days=366)).whys == ("it is older than 12 months: it ended on 2027-11-27",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is no record of this version"),
        ("[]", "is no record of this version"),
        ('{"format": 2}', "is no record of this version"),
        (json.dumps({**record().model_dump(mode="json"), "more": 1}), "is no record of this version"),
        (record(person="A\x1b[2J").model_dump_json(), "has characters in it that are no text"),
        ("x" * (1024 * 1024 + 1), "is longer than any record"),
    ],
    ids=["torn", "no object", "another version", "a field more", "an escape", "too long"],
)
def test_a_record_that_cannot_be_read_is_said_and_stops_no_list(
    workspace: Path, key: Path, text: str, why: str
) -> None:
    folder = kept(workspace, key)
    (folder / "record.json").write_text(text, encoding="utf-8")
    assert judged(workspace).whys == (f"{folder / 'record.json'} {why}",)


def test_a_link_or_a_pipe_is_not_followed(workspace: Path, key: Path) -> None:
    folder = kept(workspace, key)
    (folder / "record.json").rename(folder / "elsewhere")
    (folder / "record.json").symlink_to(folder / "elsewhere")
    (why,) = judged(workspace).whys
    assert "cannot be read" in why


def test_a_record_that_counts_is_found_behind_a_newer_one_that_does_not(workspace: Path, key: Path) -> None:
    kept(workspace, key)
    kept(workspace, key, record(at=AT + timedelta(hours=1), firings=()))
    found = judged(workspace)
    assert found.counts
    assert found.standing is not None
    assert found.standing.record.at == AT


def test_where_none_counts_the_newest_is_told(workspace: Path, key: Path) -> None:
    kept(workspace, None)
    kept(workspace, key, record(at=AT + timedelta(hours=1), gone=False))
    assert judged(workspace).whys == ("islandmode_STAND_IN was not seen gone from the device",)


def test_a_bench_that_left_no_record_is_passed_over(workspace: Path, key: Path) -> None:
    kept(workspace, key)
    bench_records.new_folder(workspace, "kirkby", "vendor-router", AT + timedelta(hours=1))
    assert judged(workspace).counts


def test_a_key_that_cannot_sign_says_why(workspace: Path, key: Path) -> None:
    public = key.with_name("operator.pub")
    key.unlink()
    with pytest.raises(SignatureTrouble, match=r".") as trouble:
        sign(b"words", public, "bench@islandmode")
    assert "\n" not in str(trouble.value)


def test_words_are_checked_as_of_a_moment(workspace: Path, key: Path) -> None:
    allowed, words = workspace / "inventory" / "allowed_signers", b"some words"
    signature = sign(words, key, "bench@islandmode")
    assert signer(words, signature, allowed, "bench@islandmode", datetime(2026, 1, 1, tzinfo=UTC)).person == PERSON
    with pytest.raises(SignatureTrouble):
        signer(b"other words", signature, allowed, "bench@islandmode", AT)
