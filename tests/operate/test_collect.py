"""Samples that a person brings after a run was closed: an addendum with a verdict of its own, and nothing of the run is changed."""

from __future__ import annotations

import getpass
import gzip
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from islandmode.core.episodes import Heard, Sample, Seen
from islandmode.core.errors import InputError, Refused
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.spool import SEGMENT_MAX_BYTES, KeptSpool, expected
from islandmode.core.spool_lines import Expected
from islandmode.core.verdict import Restoration, Result, Verdict, verdict_json
from islandmode.observe.own_clocks import CLOCKS, bound
from islandmode.operate.addendum import Added
from islandmode.operate.collect import collect_from
from islandmode.operate.judge import judge_run
from islandmode.store.addenda import addenda_of
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import MachineClock
from islandmode.system.segments import segments_in
from islandmode.ui.pages import HtmlPages
from islandmode.ui.program import command
from tests.more import one_in
from tests.observe.far_host import far_host
from tests.operate.recorded_runs import FINISHED, recorded, rewrite
from tests.spools import KEY, listed, written

OFFICE = "office"
HOUR_US = 3_600_000_000


class Brought:
    """A run that was closed without the samples of one vantage, and the folder in which a person brings them."""

    def __init__(self, folder: Path, *, kit: bool, vantage: str = OFFICE, run: RunDirectory | None = None) -> None:
        self.run, self.vantage = run or recorded(FINISHED, folder / "workspace"), vantage
        self.workspace, self.folder, self.kit = folder / "workspace", folder / "brought", kit
        self.plan = self._planned(kit=kit)
        self.samples = self._samples()
        offsets = [one.data for one in self.run.records() if one.kind == "vantage.offset"]
        self.ahead_us = next(one["monotonic_us"] for one in offsets if one["vantage"] == vantage)
        self.key = b"" if kit else KEY
        rewrite(self.run.journal, self._without)
        for segment in self.run.samples(self.vantage).iterdir():
            segment.unlink()
        (self.run.root / "verdict.json").write_text(verdict_json(judge_run(self.run)), encoding="utf-8")
        self.run.seal()
        self.first = self.files()

    def _planned(self, *, kit: bool) -> Plan:
        path = self.run.root / "plan.json"
        planned = json.loads(path.read_text(encoding="utf-8"))
        planned["vantages"][self.vantage] |= {"kit": True} if kit else {}
        path.write_text(json.dumps(planned), encoding="utf-8")
        return self.run.plan()

    def _samples(self) -> tuple[Sample, ...]:
        probes = {name: one.probe for name, one in self.plan.probes.items() if one.probe.vantage == self.vantage}
        spool = KeptSpool(
            lambda: segments_in(self.run.samples(self.vantage)), expected(self.run.run, self.vantage, probes)
        )
        return tuple(sorted(listed(spool), key=lambda sample: sample.answered_us))

    def _without(self, records: Sequence[Record]) -> Sequence[Record]:
        """Leave out what the run had of that vantage, or what nobody could ask it after the drill."""
        kept: list[Record] = []
        for record in records:
            mine = record.data.get("vantage") == self.vantage
            if mine and self.kit and record.kind in ("vantage.offset", "vantage.started"):
                continue
            data = record.data
            if mine and record.kind == "vantage.started":
                data = data | {"key_sha256": hashlib.sha256(KEY).hexdigest()}
            if mine and record.kind == "vantage.offset" and data["when"] == "after":
                data = {
                    "vantage": self.vantage,
                    "when": "after",
                    "outcome": "not done",
                    "why": "its clock did not answer",
                }
            if mine and record.kind == "collect.result":
                lost = {"chain_ok": False, "ended": "", "samples": 0, "outcome": "unknown", "why": "no answer"}
                data = {"vantage": self.vantage, **lost, "key": self.key.hex()}
            kept.append(replace(record, seq=len(kept), data=data))
        return kept

    def files(self) -> dict[str, str]:
        """Sum every file that the run wrote."""
        found = (path for path in self.run.root.rglob("*") if path.is_file() and "addenda" not in path.parts)
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def write(self, samples: Sequence[Sample] | None = None, folder: Path | None = None, **of: str) -> None:
        """Write the folder as its host has it."""
        mine = self.samples if samples is None else samples
        probes = list(dict.fromkeys(sample.probe for sample in mine))
        run = self.plan.kit_run if self.kit else self.run.run
        folder = folder or (self.folder / "spool" if self.kit else self.folder)
        given = {"run": run, "vantage": self.vantage, "key": self.key.hex()} | of
        written(folder, [mine[: len(mine) // 2], mine[len(mine) // 2 :]], probes, **given)
        (folder / "ended").write_text("asked", encoding="ascii")
        self.write_clocks(folder)

    def write_clocks(self, folder: Path, **of: object) -> None:
        """Write what its clocks said; the lab's office is the conductor's own machine."""
        record = self.run.records()[0]
        ends = (self.samples[0].asked_us, self.samples[-1].answered_us)
        lines = b""
        for at_us in ends:
            told = {
                "at_us": at_us,
                "utc_us": at_us + self.ahead_us + record.utc_us - record.monotonic_us,
                "apart_us": 1,
            }
            more = {"boot": record.boot_id, "kept": "no", "error_us": 0}
            lines += json.dumps({**told, **more, **of}).encode() + b"\n"
        spool = KeptSpool(lambda: segments_in(folder), self.expected, self.key)
        last = spool.read().last
        seal = {"spool": last, "mac": bound(self.key, last, lines)}
        (folder / CLOCKS).write_bytes(lines + json.dumps(seal).encode() + b"\n")

    @property
    def expected(self) -> Expected:
        probes = {name: one.probe for name, one in self.plan.probes.items() if one.probe.vantage == self.vantage}
        return expected(self.plan.kit_run if self.kit else self.run.run, self.vantage, probes)

    def collect(self) -> Added:
        return collect_from(self.workspace, self.run.run, self.folder, HtmlPages())


@pytest.fixture
def late(tmp_path: Path) -> Brought:
    return Brought(tmp_path, kit=False)


@pytest.fixture
def kit(tmp_path: Path) -> Brought:
    return Brought(tmp_path, kit=True)


def codes(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.findings}


def said(verdict: Verdict, code: str) -> str:
    return next(finding.sentence for finding in verdict.findings if finding.code == code)


def refused(brought: Brought) -> str:
    """Bring a folder that is not taken, and see that nothing was written."""
    with pytest.raises(InputError) as caught:
        brought.collect()
    assert brought.files() == brought.first
    folder = brought.run.root / "addenda"
    assert not folder.exists() or [path.name for path in folder.iterdir()] == []
    return str(caught.value)


def test_a_late_spool_becomes_an_addendum_with_a_verdict_of_its_own(
    late: Brought, capsys: pytest.CaptureFixture[str]
) -> None:
    first = judge_run(late.run)
    assert (first.verdict, "witness-lost" in codes(first)) == (Result.INCONCLUSIVE, True)
    late.write()
    where = ["--workspace", str(late.workspace)]
    assert command(["collect", late.run.run, "--from", str(late.folder), *where]) == 0
    told = capsys.readouterr().out
    assert f"addendum 1 of {late.run.run}: the samples of vantage office" in told
    assert "verdict held (probes and firewall counters; unkeyed samples among them" in told
    # What the run itself wrote stays, byte for byte, and so does what is judged of it.
    assert late.files() == late.first
    assert judge_run(late.run) == first
    folder = late.run.root / "addenda" / "1"
    again = judge_run(late.run, 1)
    assert (folder / "verdict.json").read_text(encoding="utf-8") == verdict_json(again)
    assert (again.verdict, again.restoration) == (Result.HELD, Restoration.PROVEN)
    assert said(again, "samples-unkeyed").startswith("The samples of vantage office are unkeyed: ")
    assert "unkeyed" in (folder / "report.html").read_text(encoding="utf-8")
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert command(["runs", *where]) == 0
    assert "inconclusive (addendum 1: held)  proven" in capsys.readouterr().out
    assert command(["show", late.run.run, *where]) == 0
    assert f"addendum 1: verdict held, report {folder / 'report.html'}" in capsys.readouterr().out
    assert command(["runs", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["addenda"] == [{"number": 1, "verdict": "held"}]
    # It names the record to which it was added.
    (brought,) = (record for record in addenda_of(late.run)[0].records if record.kind == "samples.brought")
    assert brought.data["journal"] == hashlib.sha256(late.run.journal.read_bytes()).hexdigest()
    assert brought.data["sums"] == hashlib.sha256((late.run.root / "SHA256SUMS").read_bytes()).hexdigest()


def test_samples_that_the_run_has_are_not_taken_again(late: Brought) -> None:
    late.write()
    late.collect()
    with pytest.raises(InputError, match="has the samples of vantage office already"):
        late.collect()


def test_every_vantage_that_is_missing_is_added_to_what_was_brought_before(tmp_path: Path) -> None:
    run = Brought(tmp_path, kit=False, vantage="vendor")
    office = Brought(tmp_path, kit=False, run=run.run)
    assert {"vendor", "office"} == {
        record.data["vantage"]
        for record in run.run.records()
        if record.kind == "collect.result" and record.data["outcome"] != "done"
    }
    run.write(folder=tmp_path / "of-vendor")
    office.write()
    first = collect_from(run.workspace, run.run.run, tmp_path / "of-vendor", HtmlPages())
    assert (first.verdict.verdict, first.number) == (Result.INCONCLUSIVE, 1)
    assert "The samples of vantage office were not collected" in said(first.verdict, "witness-lost")
    second = office.collect()
    assert (second.verdict.verdict, second.number) == (Result.HELD, 2)
    assert judge_run(run.run, 1) == first.verdict
    assert judge_run(run.run, 2) == second.verdict


def test_a_kit_is_judged_between_the_runs_own_records(kit: Brought) -> None:
    first = judge_run(kit.run)
    assert first.verdict is Result.INCONCLUSIVE
    # That its clock was not measured follows from its not being there.
    assert "clock-unmeasured" not in codes(first)
    # A kit sees more than the run: an hour before it, its probes were bad.
    early = [
        replace(sample.at(sample.asked_us - HOUR_US, sample.answered_us - HOUR_US), seen=Seen.BAD)
        for sample in kit.samples[:30]
    ]
    kit.write([*early, *kit.samples])
    added = kit.collect()
    assert (added.verdict.verdict, added.verdict.restoration) == (Result.HELD, Restoration.PROVEN)
    assert " brought them (a kit) after the run was closed" in said(added.verdict, "samples-unkeyed")
    assert verdict_json(judge_run(kit.run, 1)) == (added.folder.root / "verdict.json").read_text(encoding="utf-8")


def test_what_a_kit_saw_in_the_hold_is_a_leak(kit: Brought) -> None:
    kit.write([replace(sample, seen=Seen.GOOD, heard=Heard.ANSWER, why="", sender="") for sample in kit.samples])
    added = kit.collect()
    assert added.verdict.verdict is Result.BREACHED
    assert "leak" in codes(added.verdict)


def test_a_kit_whose_worker_was_killed_proves_nothing(kit: Brought) -> None:
    kit.write()
    spool = kit.folder / "spool"
    last = max(spool.glob("*.jsonl.gz"))
    lines = gzip.decompress(last.read_bytes()).splitlines(keepends=True)
    (spool / last.name.replace(".jsonl.gz", ".part")).write_bytes(b"".join(lines[:-1]))
    last.unlink()
    (spool / "ended").unlink()
    added = kit.collect()
    assert added.verdict.verdict is Result.INCONCLUSIVE
    assert "ends without its worker's last word" in said(added.verdict, "witness-lost")


UNPLACED = (
    ({"boot": "another", "kept": "no"}, "NTP did not keep the clock of its host, or that host did not tell"),
    ({"boot": "another", "kept": "yes"}, "NTP did not keep the clock of the operations host, or it did not tell"),
)


@pytest.mark.parametrize(("clocks", "why"), UNPLACED, ids=["its own", "the operations host's"])
def test_the_times_of_a_kit_whose_clock_nobody_keeps_cannot_be_placed(
    kit: Brought, clocks: dict[str, object], why: str
) -> None:
    kit.write()
    kit.write_clocks(kit.folder / "spool", **clocks)
    added = kit.collect()
    assert added.verdict.verdict is Result.INCONCLUSIVE
    sentence = f"The times of vantage office cannot be placed: {why}. What it watched is not known."
    assert said(added.verdict, "clock-unkept") == sentence
    assert all(row.good + row.bad == 0 for row in added.verdict.rows if row.vantage == OFFICE)


def test_a_late_spool_without_its_hosts_clocks_is_placed_by_one_measurement_and_proves_nothing(late: Brought) -> None:
    late.write()
    (late.folder / CLOCKS).unlink()
    added = late.collect()
    assert added.verdict.verdict is Result.INCONCLUSIVE
    assert "was not measured after the drill" in said(added.verdict, "clock-unmeasured")


def altered_clocks(kit: Brought) -> None:
    path = kit.folder / "spool" / CLOCKS
    path.write_bytes(path.read_bytes().replace(b'"apart_us": 1,', b'"apart_us": 2,', 1))


def clocks_of_another(kit: Brought) -> None:
    path = kit.folder / "spool" / CLOCKS
    path.write_bytes(b"\n".join([b"[" * 5000, b'{"at_us": true}', b"\xff", b""]))


@pytest.mark.parametrize("spoil", [altered_clocks, clocks_of_another])
def test_clocks_that_are_not_bound_to_the_samples_place_nothing(kit: Brought, spoil: Callable[[Brought], None]) -> None:
    kit.write()
    spoil(kit)
    added = kit.collect()
    assert added.verdict.verdict is Result.INCONCLUSIVE
    assert "what its clocks said is missing, was altered, or is of another spool" in said(added.verdict, "clock-unkept")


def nothing(kit: Brought) -> None:
    for path in (kit.folder / "spool").iterdir():
        path.unlink()


def an_altered_byte(kit: Brought) -> None:
    path = min((kit.folder / "spool").glob("*.gz"))
    plain = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(plain.replace(b'"bad"', b'"good"', 1).replace(b",null]", b",1]", 1)))


def a_link(kit: Brought) -> None:
    path = min((kit.folder / "spool").glob("*.gz"))
    moved = path.rename(kit.folder / "elsewhere")
    path.symlink_to(moved)


def a_pipe(kit: Brought) -> None:
    path = max((kit.folder / "spool").glob("*.gz"))
    path.unlink()
    os.mkfifo(path)


def an_endless_file(kit: Brought) -> None:
    with max((kit.folder / "spool").glob("*.gz")).open("r+b") as file:
        file.truncate(SEGMENT_MAX_BYTES + 2)


def a_segment_that_is_missing(kit: Brought) -> None:
    max((kit.folder / "spool").glob("*.gz")).unlink()
    (kit.folder / "spool" / "ended").write_text("schedule", encoding="ascii")


def a_bomb(kit: Brought) -> None:
    path = min((kit.folder / "spool").glob("*.gz"))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b" " * (SEGMENT_MAX_BYTES + 1)))


SPOILT = (
    (nothing, "holds no samples; name the folder of a kit"),
    (an_altered_byte, "is not taken: Segment 000001.jsonl.gz: the chain is broken"),
    (a_link, "cannot be read"),
    (a_pipe, "cannot be taken (it is no plain file)"),
    (an_endless_file, "is longer than a spool can be"),
    (a_segment_that_is_missing, "is not taken: It lacks its last seal"),
    (a_bomb, "holds no samples"),
)


@pytest.mark.parametrize(("spoil", "why"), one_in(2, SPOILT), ids=[spoil.__name__ for spoil, _ in SPOILT])
def test_a_folder_that_is_not_as_its_worker_wrote_it_is_not_taken(
    kit: Brought, spoil: Callable[[Brought], None], why: str
) -> None:
    kit.write()
    spoil(kit)
    assert why in refused(kit)


def test_a_folder_of_something_else_is_not_taken(kit: Brought) -> None:
    kit.write(run="kit-0123456789abcdef")
    assert refused(kit).endswith(
        f"is of kit-0123456789abcdef, vantage office, and not of a vantage of {kit.run.run}. A kit is for one plan: what changes "
        "the drill, the site or its probes needs a new kit."
    )
    shutil.rmtree(kit.folder)
    kit.write(vantage="elsewhere")
    assert "vantage elsewhere, and not of a vantage of" in refused(kit)
    shutil.rmtree(kit.folder)
    foreign = [replace(sample, probe="plc-filler") for sample in kit.samples]
    kit.write(foreign)
    assert "it is of a probe that vantage office was not given" in refused(kit)
    kit.folder = kit.folder / "nowhere"
    assert "holds no samples" in refused(kit)


def test_a_late_spool_under_another_key_is_not_taken(late: Brought) -> None:
    late.write(key=bytes(32).hex())
    assert "the chain is broken" in refused(late)


def test_an_addendum_whose_record_was_altered_is_named(kit: Brought) -> None:
    kit.write()
    kit.collect()
    path = kit.run.root / "addenda" / "1" / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"unplaced":""', b'"unplaced":"x"'))
    with pytest.raises(InputError, match="is not the record of an addendum"):
        judge_run(kit.run, 1)
    assert judge_run(kit.run).verdict is Result.INCONCLUSIVE


def test_added_samples_that_were_altered_since_are_not_judged(kit: Brought) -> None:
    kit.write()
    kit.collect()
    path = max((kit.run.root / "addenda" / "1" / "samples" / OFFICE).iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    assert "samples-altered" in codes(judge_run(kit.run, 1))


def on_a_plant(late: Brought, **login: object) -> None:
    """Let the run have been on a plant, whose office is logged in to."""
    path = late.run.root / "plan.json"
    planned = json.loads(path.read_text(encoding="utf-8"))
    planned["vantages"][OFFICE]["ssh"] = {"user": "witness", "key": "file:office-key", **login}
    path.write_text(json.dumps(planned), encoding="utf-8")
    ground = {"kind": "plant", "site": "riverside"}
    request = RunRequest(late.run.run, late.workspace, "quarterly-isolation", "live", "somebody", ground)
    (late.run.root / "request.json").write_text(request.text(), encoding="utf-8")


def test_without_a_folder_the_hosts_are_logged_in_to_or_it_is_said_why_not(late: Brought) -> None:
    words = ["collect", late.run.run, "--workspace", str(late.workspace)]
    with pytest.raises(
        InputError, match="lacks the samples of office, and no host is logged in to for them; name the folder"
    ):
        command(words)
    on_a_plant(late)
    # The recorded run is of another boot of another machine.
    with pytest.raises(Refused, match=r"This machine restarted since .* Nothing was added"):
        command(words)
    assert not (late.run.root / "addenda").exists()
    late.write()
    late.collect()
    with pytest.raises(InputError, match="has the samples of every vantage already"):
        command(words)


def test_a_host_that_answers_again_is_logged_in_to_and_forgets_its_samples_once_they_are_added(
    late: Brought, open_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real sshd; tests/lab/test_far_trouble.py has the whole of it, with a run of its own. Here the run is of this boot by its record only."""
    boot = MachineClock.of_this_boot().boot_id
    rewrite(
        late.run.journal,
        lambda records: [
            replace(one, boot_id=boot, data=one.data | {"boot_id": boot} if "boot_id" in one.data else one.data)
            for one in records
        ],
    )
    words = ["collect", late.run.run, "--workspace", str(late.workspace)]
    with far_host(open_folder / "far") as host:
        on_a_plant(late, user=getpass.getuser(), address="127.0.0.1", port=host.port, python=sys.executable)
        key, known = late.workspace / "office-key", late.workspace / "inventory" / "known_hosts"
        key.write_text(host.key, encoding="utf-8")
        key.chmod(0o600)
        with pytest.raises(InputError, match="There is no inventory/known_hosts"):
            command(words)
        known.parent.mkdir()
        known.write_bytes(host.known_hosts.read_bytes())
        # Nothing is there: what comes is no spool, and nothing is added.
        with pytest.raises(
            Refused,
            match=r"vantage office were not collected: its spool cannot be relied on\. There is no sample\. Nothing was added\.$",
        ):
            command(words)
        assert not list((late.run.root / "addenda").iterdir())
        kept = host.spools() / late.run.run / OFFICE
        late.write(folder=kept)
        code = command(words)
        told = capsys.readouterr().out
        assert not kept.exists()
    assert f"addendum 1 of {late.run.run}: the samples of vantage office" in told
    (added,) = addenda_of(late.run)
    assert added.records[0].data["by_login"]
    assert [record.data["when"] for record in added.records if record.kind == "vantage.offset"] == ["after"]
    verdict = judge_run(late.run, 1)
    assert code in (1, 3)
    assert "fetched from its host after the run was closed" in said(verdict, "samples-unkeyed")
    assert "witness-lost" not in codes(verdict)
