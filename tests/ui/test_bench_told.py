"""What a list and a check say of a device's records of benches: who, when, until when; or every reason why a record does not count."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.errors import Refused
from islandmode.core.recipe.told import TRIED
from islandmode.core.record import Record
from islandmode.core.records import RunStarted
from islandmode.isolation.nftables.platform import NFTABLES
from islandmode.operate.conducting import _benches
from islandmode.operate.plan import plan_of
from islandmode.store import bench_records
from islandmode.ui.devices import HOW_TRIED
from islandmode.ui.program import command
from islandmode.ui.report.records_behind import tiers
from tests.core.bench_records import record
from tests.emulators.benching import PERSON, allow, new_key

KIRKBY = Path(__file__).parents[2] / "examples" / "kirkby"
NOT_BENCHED = "goes by a recipe that was not benched on such a device (emulated)"
INVENTORY = Path(__file__).parents[2] / "inventory"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    shutil.copytree(INVENTORY, tmp_path / "inventory")
    site = tmp_path / "inventory" / "riverside.yaml"
    text = site.read_text(encoding="utf-8").replace("lab:conduit-firewall", "file:firewall-password")
    site.write_text(text, encoding="utf-8")
    return tmp_path


def benched(workspace: Path, **changed: Any) -> Path:
    """Keep a signed record of the firewall, as of yesterday."""
    key = workspace / "operator"
    if not key.exists():
        allow(workspace, new_key(workspace))
    at = NOW - timedelta(days=1)
    told = {
        "site": "riverside",
        "device": "conduit-firewall",
        "platform": "nftables",
        "method": NFTABLES.method,
        "at": at,
    }
    made = record(**(told | changed))
    folder = bench_records.new_folder(workspace, "riverside", "conduit-firewall", made.at)
    bench_records.keep(folder, made)
    bench_records.keep_signature(folder, key)
    return folder


def listed(workspace: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert command(["devices", "--workspace", str(workspace)]) == 0
    return " ".join(capsys.readouterr().out.split())


def for_machines(workspace: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert command(["devices", "--json", "--workspace", str(workspace)]) == 0
    (device,) = json.loads(capsys.readouterr().out)["devices"]
    found: dict[str, Any] = device["bench"]
    return found


def test_a_record_that_counts_is_listed_with_its_end(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benched(workspace)
    day = NOW - timedelta(days=1)
    assert f"benched: by {PERSON} on {day:%Y-%m-%d}, until {day.year + 1}-" in listed(workspace, capsys)
    told = for_machines(workspace, capsys)
    assert (told["counts"], told["person"], told["why_not"], told["firings"]) == (True, PERSON, [], 10)
    assert (told["firmware"], told["serial"], told["ground"]) == ("17.15.1", "FDO1", "device")
    assert (told["worst_lag_s"], told["declared_lag_s"], told["seen_by"]) == (1.5, 60.0, "device")


def test_what_does_not_count_says_the_first_reason_and_how_many_more(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benched(workspace, ground="lab", gone=False, late_line=None)
    said = listed(workspace, capsys)
    assert "benched: does not count: it is of a lab, which counts for no plant; and 2 more" in said
    assert for_machines(workspace, capsys)["why_not"] == [
        "it is of a lab, which counts for no plant",
        "no late line was tried",
        "islandmode_STAND_IN was not seen gone from the device",
    ]


def test_a_record_that_cannot_be_read_hides_no_device(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = benched(workspace)
    (folder / "record.json").write_text("{", encoding="ascii")
    assert "benched: does not count:" in listed(workspace, capsys)
    told = for_machines(workspace, capsys)
    assert told["why_not"] == [f"{folder / 'record.json'} is no record of this version"]
    assert (told["counts"], told["person"], told["until"]) == (False, None, None)


def test_another_host_key_is_seen_without_asking_the_device(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benched(workspace)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    (workspace / "inventory" / "known_hosts").write_text(f"172.31.255.1 {key}\n", encoding="ascii")
    assert "does not count: the device has another host key than the one that was benched" in listed(workspace, capsys)


def test_a_platform_that_writes_other_lines_today_ends_a_record(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert NFTABLES.method is not None
    benched(workspace, method=NFTABLES.method.model_copy(update={"sha256": "0" * 64}))
    assert "does not count: nftables has changed since (sha256 000000000000 then, " in listed(workspace, capsys)


# What a plan says.


@pytest.fixture
def kirkby(tmp_path: Path) -> Path:
    shutil.copytree(KIRKBY, tmp_path, dirs_exist_ok=True)
    return tmp_path


def router_benched(workspace: Path, **changed: Any) -> Path:
    """Keep a record of the router as of yesterday, signed."""
    key = workspace / "operator"
    if not key.exists():
        allow(workspace, new_key(workspace))
    used = plan_of(workspace, "all-ways")[1].points["vendor-router"].rendering.recipe
    assert used is not None
    made = record(**({"method": used, "at": NOW - timedelta(days=1), "host_keys": ()} | changed))
    folder = bench_records.new_folder(workspace, "kirkby", "vendor-router", made.at)
    bench_records.keep(folder, made)
    bench_records.keep_signature(folder, key)
    return folder


def plan_said(workspace: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert command(["plan", "all-ways", "--workspace", str(workspace)]) == 0
    return " ".join(line.strip("│ ") for line in capsys.readouterr().out.splitlines())


def test_a_plan_says_by_whom_and_with_which_firmware_a_device_was_benched(
    kirkby: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    router_benched(kirkby)
    said, day = plan_said(kirkby, capsys), NOW - timedelta(days=1)
    told = f"benched by {PERSON} on {day:%Y-%m-%d}, with firmware 17.15.1; that counts until {day.year + 1}-"
    assert told in said
    # The firewall beside it was not benched; what keeps the router from a plant besides stays.
    assert said.count(NOT_BENCHED) == 1
    assert said.count("not for live: it does not say what the other member of a pair does with an isolation") == 1
    with pytest.raises(Refused) as refused:
        command(["run", "all-ways", "--mode", "live", "--workspace", str(kirkby)])
    live = str(refused.value)
    assert f"edge-firewall (fortios-schedule) {NOT_BENCHED}" in live
    assert f"vendor-router (ios-time-range) {NOT_BENCHED}" not in live
    assert command(["devices", "--workspace", str(kirkby)]) == 0
    assert f"status: benched {day:%Y-%m-%d}, firmware 17.15.1" in " ".join(capsys.readouterr().out.split())


def test_what_is_entered_on_a_benched_device_is_not_called_tried_on_no_device(
    kirkby: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    router_benched(kirkby)
    for device, told in (
        ("vendor-router", f"The device was benched by {PERSON} on "),
        ("edge-firewall", HOW_TRIED["emulated"]),
    ):
        assert command(["devices", "provision", device, "--workspace", str(kirkby)]) == 0
        assert told in capsys.readouterr().out


def test_a_report_says_what_the_plan_said_of_a_bench_when_the_run_began(kirkby: Path) -> None:
    """It goes by the run's own first record: what a bench counts for today changes no report."""
    router_benched(kirkby)
    plan = plan_of(kirkby, "all-ways")[1]
    header = _benches(kirkby, plan)
    assert set(header["benched"]) == {"vendor-router"}
    began = RunStarted(mode="rehearsal", **header)
    first = Record(1, "kirkby", "run", "conductor", "boot", 0, 0, "run.started", began.data())
    told = {name: more for name, _, more in tiers(plan, [first])}
    assert f"benched by {PERSON} on " in told["vendor-router"]
    assert "with firmware 17.15.1" in told["vendor-router"]
    assert TRIED["emulated"] not in told["vendor-router"]
    assert TRIED["emulated"] in told["edge-firewall"]
    assert TRIED["emulated"] in {name: more for name, _, more in tiers(plan, [])}["vendor-router"]


def test_a_record_that_does_not_count_stands_in_no_run(kirkby: Path) -> None:
    (router_benched(kirkby) / "record.json.sig").unlink()
    plan = plan_of(kirkby, "all-ways")[1]
    assert _benches(kirkby, plan) == {}
    assert "benched" not in RunStarted(mode="rehearsal", **_benches(kirkby, plan)).data()


def test_a_plan_says_why_a_record_does_not_count(kirkby: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = router_benched(kirkby)
    (folder / "record.json.sig").unlink()
    said, day = plan_said(kirkby, capsys), NOW - timedelta(days=1)
    why = f"Not benched: the record by {PERSON} on {day:%Y-%m-%d}, with firmware 17.15.1 does not count: nobody signed it."
    assert why in said
    assert said.count(NOT_BENCHED) == 2
    assert said.count(TRIED["emulated"]) == 2


def test_a_walk_through_says_it_as_a_plan_does(kirkby: Path, capsys: pytest.CaptureFixture[str]) -> None:
    router_benched(kirkby)
    assert command(["run", "all-ways", "--mode", "tabletop", "--workspace", str(kirkby)]) == 6
    assert f"benched by {PERSON} on " in capsys.readouterr().out
