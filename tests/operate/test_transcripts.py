"""What is said to a device is kept in the run: every line, masked and stamped, and in no restore's way."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import anyio
import asyncssh
import pytest

from islandmode import isolation
from islandmode.core.errors import Refused
from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.known import TIME_ZONE
from islandmode.core.rescue import Rescue, Restorable
from islandmode.core.site import Login, Management
from islandmode.core.verdict import verdict_json
from islandmode.isolation.by_recipe.transcript import MaskedTranscript
from islandmode.isolation.point import IsolationPoint
from islandmode.operate.audience import Audience, Pages
from islandmode.operate.ground import Ground, Opened
from islandmode.operate.judge import judge_run
from islandmode.operate.plan import plan_of
from islandmode.operate.restoring import restore_points
from islandmode.operate.run import _run_here
from islandmode.operate.telling import Kept
from islandmode.operate.transcripts import Transcripts
from islandmode.store import rundir
from islandmode.store.run_request import REQUEST, RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.store.transcripts import BROKEN_OFF, CLOSED, TRANSCRIPTS, TranscriptFiles, _File, may_grow
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.lifeline import READY
from islandmode.system.redaction import Secret
from tests.core.recipe_plant import OFFICE, VENDOR, point
from tests.emulators.clock import DeviceClock
from tests.emulators.device import HIDDEN
from tests.emulators.ios import IosDevice
from tests.emulators.plant import PASSWORD, USER, router
from tests.emulators.server import SshServer
from tests.isolation.by_recipe.world import CONDUITS, OPTIONS, World
from tests.isolation.contract import RUN
from tests.operate.recorded_runs import FINISHED, recorded
from tests.patience import PATIENCE_S, wait_until

KIRKBY = Path(__file__).resolve().parents[2] / "examples" / "kirkby"
CLOCK = MachineClock.of_this_boot()
FOR_S = 600.0
AT = point(OFFICE, VENDOR, options={**OPTIONS, TIME_ZONE: "UTC"})
ENABLE, GREETING, COMMUNITY, CONFIGURED = (
    "canary-enable-Vq81",
    "canary-motd-Kd27",
    "canary-community-Rx13",
    "canary-configured-Tz90",
)
KEY = asyncssh.generate_private_key("ssh-ed25519")
KEY_TEXT = KEY.export_private_key("openssh").decode()
SECRETS = {
    "login password": PASSWORD,
    "key": KEY_TEXT.splitlines()[2],
    "password of more rights": ENABLE,
    "password at login": GREETING,
    "community": COMMUNITY,
    "password in its configuration": CONFIGURED,
}
ENTRY = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\d+\.\d{6}) s  (\w+) ([<>!]) ?(.*)$")


@dataclass
class Edge:
    """A router that answers over SSH, its planned point, and a run's folder."""

    device: IosDevice
    planned: PlanPoint
    known_hosts: Path
    run: Path

    def point(self, transcripts: Transcripts | None, run: str | None = RUN) -> IsolationPoint:
        known = {"file:password": PASSWORD, "file:key": KEY_TEXT, "file:enable": ENABLE}
        return isolation.open_point(
            "edge",
            self.planned,
            secrets=lambda reference: Secret(known[reference]),
            known_hosts=self.known_hosts,
            clock=CLOCK,
            run=run,
            transcript=None if transcripts is None else transcripts.of("edge"),
        )

    def transcripts(self, writer: str = "conductor") -> Transcripts:
        return Transcripts(self.run, writer, CLOCK)

    def file(self, writer: str = "conductor") -> Path:
        return self.run / TRANSCRIPTS / f"edge-{writer}.txt"

    def lets_all_through(self) -> bool:
        ends = ("office", "line"), ("line", "office"), ("vendor", "line"), ("line", "vendor")
        return all(self.device.passes(*way) for way in ends)


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    device = router(enable_secret=ENABLE)
    device.clock = DeviceClock(datetime.now(UTC).replace(tzinfo=None), follows=time.monotonic)
    device.faults.text_at_login = f"The password is {GREETING}\n"
    device.faults.rejected["^show startup-config"] = (
        f"snmp-server community {COMMUNITY} RO\nusername x password {CONFIGURED}\nbanner {PASSWORD} {ENABLE}\n{KEY_TEXT}\nend\n"
    )
    with SshServer(device, keys=[KEY]) as server:
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_text(server.known_host, encoding="ascii")
        login = Login(user=USER, password="file:password", key="file:key", become="enable", enable="file:enable")
        management = Management(address=ip_address(server.host), port=server.port, zone="line")
        planned = World("ios-time-range").planned(FOR_S, AT)
        run = tmp_path / "plant" / "runs" / RUN
        run.mkdir(parents=True)
        yield Edge(device, planned.model_copy(update={"login": login, "management": management}), known_hosts, run)


async def drill(edge: IsolationPoint) -> None:
    """Do what a drill does with a point."""
    facts = await edge.facts(PATIENCE_S)
    assert facts.value is not None, facts.why
    assert facts.value.trouble == ""
    assert (await edge.configuration(PATIENCE_S)).done  # type: ignore[attr-defined] # a recipe's point shows it
    for reading in (await edge.arm(CONDUITS, FOR_S, PATIENCE_S), await edge.isolate(CONDUITS, PATIENCE_S)):
        assert reading.done, reading.why
    assert (await edge.state(CONDUITS, PATIENCE_S)).done


async def put_back(edge: IsolationPoint) -> None:
    reading = await edge.restore(CONDUITS, PATIENCE_S)
    assert reading.done, reading.why
    assert reading.value is not None
    assert reading.value.clear


def entries(text: str) -> list[tuple[str, str, str, str, str]]:
    """Give every entry: UTC, monotonic, session, which way, and the words in its line."""
    return [
        cast("tuple[str, str, str, str, str]", found.groups())
        for line in text.splitlines()
        if (found := ENTRY.match(line))
    ]


def test_a_drill_leaves_every_line_and_its_answer_in_order_and_stamped_and_no_secret(edge: Edge) -> None:
    transcripts, before_us = edge.transcripts(), CLOCK.monotonic_us()

    async def story() -> None:
        made = edge.point(transcripts)
        await drill(made)
        await put_back(made)
        await made.close()

    umask = os.umask(0)
    try:
        anyio.run(story, backend="asyncio")
        transcripts.close()
    finally:
        os.umask(umask)
    text = edge.file().read_text(encoding="utf-8")
    # A log-out that is under way still may come after the end, which the end says then.
    assert text.endswith((CLOSED.decode(), BROKEN_OFF.decode()))
    found = entries(text)
    received: dict[int, list[str]] = {}
    for line in edge.device.log:
        received.setdefault(line.session, []).append(line.text)
    # The first session is the work's, the second is the restore's. The log-out may come after the end.
    for name, lines in zip(("work", "restore"), received.values(), strict=True):
        kept = [words for _, _, session, way, words in found if session == name and way == ">"]
        # The password of more rights is typed, and told nobody.
        told = [line for line in lines if line not in ("", "exit", HIDDEN)]
        assert [line for line in kept if line not in ("", "exit")] == told
        assert "show clock detail" in told
        stamps = [float(stamp) for _, stamp, session, _, _ in found if session == name]
        assert stamps == sorted(stamps)
        assert before_us / 1_000_000 - 1 <= stamps[0]
    after = text[text.index("> show running-config\n") :].splitlines()
    assert ENTRY.match(after[1]), after[1]
    assert "    hostname edge" in after
    assert "community [secret]" in text
    everything = b"".join(path.read_bytes() for path in edge.run.rglob("*") if path.is_file())
    assert [what for what, secret in SECRETS.items() if secret.encode() in everything] == []
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (edge.file(), edge.file().parent)}
    assert modes == {"edge-conductor.txt": "0o640", TRANSCRIPTS: "0o750"}


def test_a_file_that_hangs_keeps_no_restore_and_no_end_waiting_and_is_written_later(edge: Edge) -> None:
    """Opening a FIFO for writing waits for a reader, and here none comes before all is over."""
    edge.file().parent.mkdir()
    os.mkfifo(edge.file())
    transcripts = edge.transcripts()

    async def story() -> None:
        made = edge.point(transcripts)
        await drill(made)
        assert not edge.lets_all_through()
        await put_back(made)
        assert edge.lets_all_through()
        await made.close()

    anyio.run(story, backend="asyncio")
    transcripts.close()
    # Nothing was taken in: had anybody waited for it, this line would not be reached.
    text = edge.file().read_text(encoding="utf-8")
    restoring = [words for _, _, session, way, words in entries(text) if (session, way) == ("restore", ">")]
    assert "configure terminal" in restoring
    assert text.endswith(CLOSED.decode())


def test_what_a_disk_that_is_behind_does_not_take_is_counted_in_its_place(tmp_path: Path) -> None:
    folder = tmp_path / TRANSCRIPTS
    folder.mkdir()
    os.mkfifo(folder / "edge-conductor.txt")
    transcripts = Transcripts(tmp_path, "conductor", CLOCK)
    work = transcripts.of("edge")("work")
    assert work is not None
    for number in range(5000):
        work.sent(f"line {number:04} {'x' * 200}")
    kept: list[str] = []
    reader = threading.Thread(target=lambda: kept.append((folder / "edge-conductor.txt").read_text(encoding="utf-8")))
    reader.start()
    assert isinstance(work, MaskedTranscript)
    wait_until(lambda: not work._is_handing, "all is handed on once somebody reads")
    transcripts.close()
    reader.join(PATIENCE_S)
    number = lacking = 0
    for _, _, _, way, words in entries(kept[0]):
        if way == "!":
            told = re.fullmatch(r"\(left out here, because what was said before was not written yet: (\d+)\)", words)
            assert told is not None, words
            number, lacking = number + int(told[1]), lacking + int(told[1])
        else:
            assert words.startswith(f"line {number:04} ")
            number += 1
    assert number == 5000
    assert lacking > 0
    assert kept[0].endswith(CLOSED.decode())


def test_what_cannot_be_written_is_counted_in_its_place(tmp_path: Path) -> None:
    root = tmp_path / "run"
    file = _File(root / TRANSCRIPTS / "edge-guardian.txt")
    file.write(b"kept by nobody\n")
    file.write(b"nor this\n")
    root.mkdir()
    file.write(b"kept\n")
    file.close(CLOSED)
    text = (root / TRANSCRIPTS / "edge-guardian.txt").read_text(encoding="utf-8")
    assert text == f"\n(pieces of text left out here: 2; No such file or directory)\nkept\n{CLOSED.decode()}"


def test_a_process_that_is_killed_leaves_a_transcript_that_says_so(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from islandmode.store.transcripts import TranscriptFiles\n"
        "files = TranscriptFiles(Path(sys.argv[1]), 'conductor'); files.append('edge', 'half a li'); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=PATIENCE_S)
    assert ended.returncode == -9
    file = tmp_path / TRANSCRIPTS / "edge-conductor.txt"
    wait_until(lambda: file.exists() and file.read_bytes().endswith(BROKEN_OFF), "the child ends it")
    assert file.read_bytes() == b"half a li\n" + BROKEN_OFF


def test_check_sums_cover_a_transcript_that_has_ended_and_a_verdict_does_not_look_at_it(tmp_path: Path) -> None:
    run = recorded(FINISHED, tmp_path)
    before = verdict_json(judge_run(run))
    ended = TranscriptFiles(run.root, "conductor")
    ended.append("fw", "2026-11-27T01:21:11.000000Z 1.000000 s  work > show clock\n")
    assert ended.close(PATIENCE_S, is_whole=True)
    goes_on = TranscriptFiles(run.root, "guardian")
    goes_on.append("fw", "still going\n")
    growing = run.root / TRANSCRIPTS / "fw-guardian.txt"
    wait_until(lambda: growing.exists() and growing.read_bytes() == b"still going\n", "it is written")
    assert may_grow(growing)
    sums = run.seal().read_text(encoding="ascii")
    kept = run.root / TRANSCRIPTS / "fw-conductor.txt"
    assert f"{hashlib.sha256(kept.read_bytes()).hexdigest()}  {TRANSCRIPTS}/fw-conductor.txt\n" in sums
    assert growing.name not in sums
    assert verdict_json(judge_run(run)) == before
    assert goes_on.close(PATIENCE_S, is_whole=True)
    assert not may_grow(growing)
    assert growing.name in run.seal().read_text(encoding="ascii")
    assert verdict_json(judge_run(RunDirectory(run.root))) == before


@dataclass
class FakeGround:
    """A ground with one emulated device over SSH."""

    edge: Edge

    def open_points(
        self,
        plan: Restorable,
        clock: Clock,
        run: str | None,
        only: Collection[str] | None = None,
        transcripts: Transcripts | None = None,
    ) -> Opened:
        """Open it, as a ground does."""
        return Opened({name: self.edge.point(transcripts, run) for name in plan.points}, {})


def restored_by_command(edge: Edge, run: str | None, path: Path) -> None:
    # What another process gave up may act for as long as its timer runs; here none did, and nobody waits for that.
    able = edge.planned.capabilities.model_copy(update={"latest_s": 0.0})
    edge = replace(edge, planned=edge.planned.model_copy(update={"capabilities": able}))
    rescue = Rescue(site="plant", points={"edge": edge.planned}, conduits=CONDUITS)
    ground, listener = cast(Ground, FakeGround(edge)), Kept()
    resumed = restore_points(rescue, ground, {"edge": CONDUITS}, listener, names=("plant", run), path=path)
    assert resumed.seen == {"edge"}, listener.warned
    assert edge.lets_all_through()


def left_isolated(edge: Edge) -> None:
    async def story() -> None:
        made = edge.point(None)
        await drill(made)
        await made.close()

    anyio.run(story, backend="asyncio")
    assert not edge.lets_all_through()


def test_a_restore_by_a_person_keeps_a_transcript_beside_its_journal(edge: Edge) -> None:
    left_isolated(edge)
    restored_by_command(edge, RUN, edge.run / "journals" / "restore-2026-11-27T100000Z-ab12.jsonl")
    text = edge.file("restore-2026-11-27T100000Z-ab12").read_text(encoding="utf-8")
    assert "restore > configure terminal\n" in text
    assert text.endswith(CLOSED.decode())


@pytest.mark.parametrize("what", ["a restore by no run", "a folder that cannot be written"])
def test_a_rescue_without_a_run_s_folder_keeps_none(edge: Edge, what: str) -> None:
    left_isolated(edge)
    if what == "a restore by no run":
        restored_by_command(edge, None, edge.run.parent / "restore-2026-11-27T100000Z-ab12.jsonl")
    else:
        # No folder can be made where a file stands.
        (edge.run / TRANSCRIPTS).write_text("")
        restored_by_command(edge, RUN, edge.run / "journals" / "restore-2026-11-27T100000Z-ab12.jsonl")
    runs = edge.run.parent
    assert [path for path in runs.parent.rglob("*.txt") if path.is_file()] == []


def test_a_guardian_keeps_a_transcript_of_its_own(edge: Edge, tmp_path: Path) -> None:
    """The guardian as its own process, which logs in, is not owed anything, and ends."""
    root = tmp_path / "guarded"
    _, plan = plan_of(KIRKBY, "devices-only")
    login = edge.planned.login.model_copy(update={"key": None}) if edge.planned.login is not None else None
    router = plan.points["vendor-router"].model_copy(update={"management": edge.planned.management, "login": login})
    run = rundir.create(root, RUN)
    run.keep(rundir.PLAN, plan.model_copy(update={"points": {"edge": router}}).model_dump_json(by_alias=True))
    words = {"kind": "plant", "site": plan.drill.site}
    run.keep(REQUEST, RunRequest(RUN, root, "devices-only", "rehearsal", "nobody", words).text())
    run.write_text("journals/conductor.jsonl", "")
    for name, secret in (("password", PASSWORD), ("enable", ENABLE)):
        (root / name).write_text(secret, encoding="ascii")
        (root / name).chmod(0o600)
    (root / "inventory").mkdir()
    (root / "inventory" / "known_hosts").write_bytes(edge.known_hosts.read_bytes())
    argv = (sys.executable, "-m", "islandmode", "guard", RUN, "--workspace", str(root))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as guardian:
        assert guardian.stdout is not None
        said = guardian.stdout.readline().decode()
        assert said.startswith(READY), said
        guardian.communicate(timeout=PATIENCE_S)
    assert guardian.returncode == 0
    text = (run.root / TRANSCRIPTS / "edge-guardian.txt").read_text(encoding="utf-8")
    assert "restore > show version\n" in text
    assert text.endswith(CLOSED.decode())


@dataclass
class NoGround:
    """A ground that opens nothing, and knows what it was asked for."""

    workspace: Path
    transcripts: Transcripts | None = None

    def open_points(
        self,
        plan: Restorable,
        clock: Clock,
        run: str | None,
        only: Collection[str] | None = None,
        transcripts: Transcripts | None = None,
    ) -> Opened:
        """Say something for the transcript, and refuse."""
        self.transcripts = transcripts
        assert transcripts is not None
        work = transcripts.of("edge")("work")
        assert work is not None
        work.sent("show clock")
        raise Refused("It goes no further.")

    def has(self, run: RunDirectory) -> bool:
        """Have none."""
        return False


def test_a_drill_opens_its_points_with_transcripts_in_its_own_folder(tmp_path: Path) -> None:
    root = tmp_path / "runs" / RUN
    root.mkdir(parents=True)
    _, plan = plan_of(KIRKBY, "devices-only")
    request = RunRequest(RUN, tmp_path, "devices-only", "rehearsal", "nobody", {})
    with pytest.raises(Refused, match="goes no further"):
        _run_here(request, plan, cast(Ground, NoGround(tmp_path)), Audience(cast(Pages, None)))
    text = (root / TRANSCRIPTS / "edge-conductor.txt").read_text(encoding="utf-8")
    assert [(way, words) for _, _, _, way, words in entries(text)] == [(">", "show clock")]
    assert text.endswith(CLOSED.decode())
