"""What is not as it must be refuses the run at preflight: exit 4, one sentence, and nothing left on the device (seen)."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from tests.lab.drills import Ended, drill, end, make_workspace, newest_run, start, wait_for
from tests.lab.guarded import ask, hold_workspace, is_isolated
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

SITE = "inventory/riverside.yaml"
CANARY = "canary-Pa55word-4711"


@pytest.fixture
def workspace(tmp_path: Path, lab: Lab) -> Path:
    """A workspace of the test's own, sharing the running lab."""
    return make_workspace(tmp_path, lab.state_dir)


@pytest.fixture(autouse=True)
def nothing_is_left(lab: Lab) -> Iterator[None]:
    """After every test the firewall carries no Islandmode object."""
    yield
    assert "islandmode_" not in in_node(lab, "fw", "nft", "list", "tables")


def assert_refused(ended: Ended, *words: str) -> None:
    """The run ended with exit 4 and one sentence with these words, and armed nothing."""
    assert ended.code == 4, ended.output
    for word in words:
        assert word in ended.output
    assert "Traceback" not in ended.output
    if ended.directory is not None:
        assert "arm.result" not in ended.kinds()


def test_a_device_that_is_not_of_the_lab_gets_no_connection(lab: Lab, tmp_path: Path) -> None:
    elsewhere = {SITE: lambda text: text.replace("172.31.255.1\n", "10.40.0.20\n")}
    workspace = make_workspace(tmp_path, lab.state_dir, elsewhere)
    listen = "import socket; s=socket.create_server(('', 22)); s.accept(); open('/run/reached', 'w')"
    listener = subprocess.Popen(lab.enter("hmi", ("python3", "-c", listen)))
    try:
        assert_refused(drill(workspace, lab.name), f"is not a device of lab {lab.name} from ")
        assert in_node(lab, "hmi", "ls", "/run/reached", check=False) == ""
    finally:
        in_node(lab, "hmi", "pkill", "-KILL", "-f", "create_server")
        listener.wait()


def test_a_wrong_password_is_refused_and_shown_nowhere(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREWALL_PASSWORD", CANARY)
    wrong = {SITE: lambda text: text.replace("lab:conduit-firewall", "env:FIREWALL_PASSWORD")}
    workspace = make_workspace(tmp_path, lab.state_dir, wrong)
    ended = drill(workspace, lab.name)
    assert_refused(ended, "conduit-firewall")
    assert_nowhere(CANARY, ended, workspace)


def assert_nowhere(secret: str, ended: Ended, workspace: Path) -> None:
    """A secret stands in nothing that was printed or written."""
    assert secret not in ended.output
    for path in (workspace / "runs").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


@pytest.mark.more
def test_the_labs_own_password_stands_in_no_output_of_a_whole_drill(lab: Lab, workspace: Path) -> None:
    """The same drill shows that between the look before arming and the restore no process enters a far node."""
    running = start(workspace, lab.name)
    wait_for(running, workspace, "vantage.looked")
    far = ("erp", "office", "vendor", "historian")
    seen = {pids_of(lab, far)}
    while True:
        now = pids_of(lab, far)
        # Looked at before it counts: on a busy machine the restore, and after it the collecting, can come in between.
        if running.poll() is not None or "restore.ordered" in Ended(0, {}, newest(workspace), "").kinds():
            break
        seen.add(now)
        time.sleep(0.05)
    ended = end(running, workspace)
    assert ended.code == 0, ended.output
    assert len(seen) == 1
    assert_nowhere(lab.secret("conduit-firewall"), ended, workspace)
    assert not (workspace / "runs" / "internal-error.txt").exists()


def newest(workspace: Path) -> Path:
    """Find the run that is under way."""
    found = newest_run(workspace)
    assert found is not None
    return found


def pids_of(lab: Lab, names: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """Name every process of some nodes."""
    status = {node.name: node.pids for node in backends.status(lab.name, lab.state_dir).nodes}
    return tuple(status[name] for name in names)


def test_a_changed_host_key_is_refused(lab: Lab, workspace: Path, tmp_path: Path) -> None:
    true = lab.known_hosts.read_text(encoding="ascii")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    other = " ".join((tmp_path / "other.pub").read_text(encoding="ascii").split()[:2])
    lab.known_hosts.write_text(f"172.31.255.1 {other}\n", encoding="ascii")
    try:
        assert_refused(drill(workspace, lab.name), "host key")
    finally:
        lab.known_hosts.write_text(true, encoding="ascii")


@pytest.mark.more
def test_an_unknown_host_key_is_refused(lab: Lab, workspace: Path) -> None:
    true = lab.known_hosts.read_text(encoding="ascii")
    lab.known_hosts.write_text("", encoding="ascii")
    try:
        assert_refused(drill(workspace, lab.name), "fingerprint", "no login was attempted")
    finally:
        lab.known_hosts.write_text(true, encoding="ascii")


def test_a_firewall_that_does_not_answer_is_refused(lab: Lab, workspace: Path) -> None:
    in_node(lab, "fw", "pkill", "sshd")
    try:
        assert_refused(drill(workspace, lab.name, again=0), "conduit-firewall")
    finally:
        in_node(lab, "fw", "/usr/sbin/sshd", "-f", "/run/plant/fw/sshd_config")


def test_a_firewall_that_is_already_isolated_is_refused_and_left_alone(lab: Lab, workspace: Path) -> None:
    in_node(lab, "fw", "nft", "add", "table", "inet", "islandmode_corporate_dmz")
    try:
        assert_refused(drill(workspace, lab.name), "already")
        assert "islandmode_corporate_dmz" in in_node(lab, "fw", "nft", "list", "tables")
    finally:
        in_node(lab, "fw", "nft", "delete", "table", "inet", "islandmode_corporate_dmz")


@pytest.mark.more
def test_a_plc_that_is_down_before_the_drill_is_refused(lab: Lab, workspace: Path) -> None:
    in_node(lab, "plc-mixer", "sh", "-c", "kill -STOP $(cat /run/plc.pid)")
    try:
        assert_refused(drill(workspace, lab.name), "plc-mixer", "before the drill")
    finally:
        in_node(lab, "plc-mixer", "sh", "-c", "kill -CONT $(cat /run/plc.pid)")
    wait_until_plant_is_good(lab)


def wait_until_plant_is_good(lab: Lab) -> None:
    """Wait until every value of the plant is good again."""
    in_node(lab, "ops", sys.executable, "/run/plant/plant/ready.py")


def test_a_full_disk_is_refused(lab: Lab, workspace: Path) -> None:
    (workspace / "runs").mkdir()
    small = 'mount -t tmpfs -o size=2m tmpfs runs && exec "$@"'
    drilled = subprocess.run(
        ["unshare", "-m", "sh", "-c", small, "sh", *start_argv(lab)],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert drilled.returncode == 4, drilled.stderr
    assert "room" in drilled.stderr


def start_argv(lab: Lab) -> tuple[str, ...]:
    """Give the command line of a drill."""
    words = ("run", "drills/quarterly-isolation.yaml", "--mode", "rehearsal", "--lab", lab.name)
    return (sys.executable, "-m", "islandmode", *words)


@pytest.mark.more
def test_a_runs_directory_that_cannot_be_written_is_refused(lab: Lab, workspace: Path) -> None:
    (workspace / "runs").write_text("a file where the folder should be", encoding="ascii")
    ended = subprocess.run(
        start_argv(lab), cwd=workspace, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert ended.returncode == 4, ended.stderr
    assert "runs" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_run_on_the_same_conduit_is_refused_and_the_first_goes_on(lab: Lab, tmp_path: Path) -> None:
    """Refused by the lock on one machine; from another workspace, as from another machine, by the device."""
    # A hold that ends only when it is told to: on a busy machine the others come late.
    workspace, other = (hold_workspace(tmp_path / name, lab) for name in ("first", "second"))
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="vendors")
    second = subprocess.run(
        start_argv(lab), cwd=workspace, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert second.returncode == 4, second.stderr
    assert "Another run has conduit" in second.stderr
    whose = f"by run {newest(workspace).name} (its timer runs,"
    assert_refused(drill(other, lab.name), "is already isolated for remote-access", whose)
    assert is_isolated(lab)
    assert running.poll() is None
    assert ask(workspace, lab, "abort").returncode == 0
    ended = end(running, workspace)
    assert ended.verdict["restoration"] == "proven", ended.output
    assert [stop["data"]["by"] for stop in ended.records() if stop["kind"] == "stop"] == ["abort"]


@pytest.mark.parametrize("mode", ["live", "incident"])
def test_modes_that_need_approvals_are_refused(workspace: Path, mode: str) -> None:
    argv = [sys.executable, "-m", "islandmode", "run", "quarterly-isolation", "--mode", mode]
    ended = subprocess.run(argv, cwd=workspace, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ended.returncode == 4
    assert "approvals" in ended.stderr


@pytest.mark.parametrize(
    ("probe", "wrong"),
    [
        ("erp-to-historian", "target: 10.20.0.10, port: 8099"),
        pytest.param("vendor-to-hmi", "target: 10.40.0.99, port: 8080", marks=pytest.mark.more),
    ],
    ids=["a port on which nobody listens", "a host that is not there"],
)
def test_a_far_probe_that_asks_wrongly_is_refused_before_anything_is_armed(
    lab: Lab, tmp_path: Path, probe: str, wrong: str
) -> None:
    """It isolated both stages for nothing: that it was never good was found after the restore."""

    def misdirect(text: str) -> str:
        lines = text.splitlines(keepends=True)
        at = next(number for number, line in enumerate(lines) if line.strip() == f"{probe}:") + 1
        asked = re.search(r"target: \S+, port: \d+", lines[at])
        assert asked is not None
        lines[at] = lines[at].replace(asked[0], wrong)
        return "".join(lines)

    workspace = make_workspace(tmp_path, lab.state_dir, {"probes/boundary.yaml": misdirect})
    ended = drill(workspace, lab.name)
    assert_refused(ended, f"Probe {probe} from vantage", "is bad before the drill", "Nothing was touched.")
    assert "arm.intent" not in ended.kinds()
