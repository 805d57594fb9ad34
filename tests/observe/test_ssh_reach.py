"""A vantage that is logged in to: a real sshd, the real `ssh`, and the worker as the one file that goes there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest

from islandmode.core.kept_clocks import read_clocks
from islandmode.core.probe import ModbusProbe
from islandmode.core.spool import KeptSpool, expected
from islandmode.observe.far_program import MODULES, far_program
from islandmode.observe.own_clocks import CLOCKS
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.ssh_reach import SshReach
from islandmode.observe.vantage import Schedule
from islandmode.system import process
from islandmode.system.clock import MachineClock
from islandmode.system.openssh import Hop, OpenSsh
from islandmode.system.segments import segments_in
from tests.more import first_of
from tests.observe.far_host import FarHost, far_host
from tests.observe.plant import Plant
from tests.observe.test_far_hosts import closure
from tests.observe.test_process_vantage import schedule, target
from tests.patience import PATIENCE_S
from tests.spools import listed

CLOCK = MachineClock.of_this_boot()
RUN, NAME = "2026-11-27T060000Z-quarterly-isolation-0a1b", "corporate"


@pytest.fixture
def host(open_folder: Path) -> Iterator[FarHost]:
    with far_host(open_folder / "far") as made:
        yield made


def vantage(
    host: FarHost,
    *,
    hop: Hop | None = None,
    through: Hop | None = None,
    installed: bool = False,
    python: str = sys.executable,
) -> ProcessVantage:
    way = OpenSsh(hop or host.hop(), host.known_hosts, through)
    reach = SshReach(way, RUN, NAME, python=python, installed=installed)
    return ProcessVantage(NAME, clock=CLOCK, far=True, reach=reach, kept=host.known_hosts.with_name("kept"))


def asked(plant: Plant) -> Schedule:
    return schedule({"plc": target(ModbusProbe, plant.relay.port)})


def play(story: Callable[[], Awaitable[None]]) -> None:
    anyio.run(story)


def test_a_worker_goes_there_samples_alone_and_is_collected_whole(host: FarHost, plant: Plant) -> None:
    async def story() -> None:
        one = vantage(host)
        offset = await one.offset(PATIENCE_S)
        assert offset.value is not None, offset.why
        assert abs(offset.value.monotonic_us) < 5_000_000  # the same machine's clock
        started = await one.start(asked(plant), PATIENCE_S)
        assert started.done, started.why
        seen = None
        with anyio.fail_after(PATIENCE_S):
            while not seen:
                seen = (await one.look(PATIENCE_S)).value
        assert seen[0].probe == "plc"
        collected = await one.collect(PATIENCE_S)
        assert collected.value is not None, collected.why
        assert collected.value.chain_ok, collected.value.why
        assert collected.value.ended == "asked"
        assert {sample.probe for sample in listed(collected.value.spool)} == {"plc"}
        await one.stop()

    play(story)
    assert (host.spools().stat().st_mode & 0o777) == 0o700


@pytest.mark.parametrize("collected", first_of([True, False]))
def test_what_was_collected_is_forgotten_on_its_host_and_what_was_not_stays(
    host: FarHost, plant: Plant, *, collected: bool
) -> None:
    """A file stands where the samples should be kept, so that nothing can be taken in."""
    one = vantage(host)
    kept = host.known_hosts.with_name("kept")
    if not collected:
        kept.touch()

    async def story() -> None:
        started = await one.start(asked(plant), PATIENCE_S)
        assert started.done, started.why
        with anyio.fail_after(PATIENCE_S):
            while not (await one.look(PATIENCE_S)).value:
                pass
        assert (await one.collect(PATIENCE_S)).done == collected
        await one.stop()
        await one.forget()

    play(story)
    left = host.spools() / RUN / NAME
    assert left.exists() != collected
    if not collected:
        # A copy of that folder is a whole spool under the key that the run tells when it is closed without it.
        mine = asked(plant)
        key = bytes.fromhex(one.key)
        spool = KeptSpool(lambda: segments_in(left), expected(mine.run, mine.vantage, mine.probes), key)
        reading = spool.read()
        assert (reading.whole, reading.ended) == (True, "asked"), reading.why
        assert len(read_clocks((left / CLOCKS).read_bytes(), key, reading.last)) == 2


def start_told(one: ProcessVantage, plant: Plant) -> tuple[str, str]:
    """Say how a start ended, and why."""
    found: list[tuple[str, str]] = []

    async def story() -> None:
        reading = await one.start(asked(plant), PATIENCE_S)
        found.append((reading.outcome.value, reading.why))
        await one.stop()

    play(story)
    return found[0]


def test_a_person_installs_it_and_the_key_does_nothing_else(host: FarHost, plant: Plant) -> None:
    program = host.folder / "worker.pyz"
    program.write_bytes(far_program())
    host.takes("login", f'restrict,command="{sys.executable} -I {program} serve"')
    one = vantage(host, installed=True)

    async def story() -> None:
        assert (await one.offset(PATIENCE_S)).done
        started = await one.start(asked(plant), PATIENCE_S)
        assert started.done, started.why
        assert (await one.collect(PATIENCE_S)).done
        await one.stop()

    play(story)
    way = OpenSsh(host.hop(), host.known_hosts)
    for words in ("sh -c id", "clock", f"look {RUN}", f"look ../{RUN} {NAME}", f"forget {RUN} {NAME} x", "serve", ""):
        said = subprocess.run(way.argv(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert said.returncode == 1, words
        assert said.stdout.startswith("refused: "), words
    assert subprocess.run(way.argv(f"forget {RUN} {NAME}"), check=False).returncode == 0
    assert list(host.spools().iterdir()) == []
    way.close()


def test_another_version_that_was_installed_is_not_started(host: FarHost, plant: Plant) -> None:
    program = host.folder / "worker.pyz"
    program.write_bytes(far_program() + b"\n")
    host.takes("login", f'restrict,command="{sys.executable} -I {program} serve"')
    outcome, why = start_told(vantage(host, installed=True), plant)
    assert outcome == "unknown"
    assert "the worker that is installed there is of another version" in why


def test_a_key_that_starts_no_worker_says_what_to_look_at(host: FarHost, plant: Plant) -> None:
    wrong = ["", f'restrict,command="{sys.executable} -I {host.folder}/none.pyz serve"']
    for options in wrong:
        host.takes("login", options)
        one = vantage(host, installed=True)
        clock = anyio.run(one.offset, PATIENCE_S)
        assert not clock.done
        assert clock.why.startswith("no worker is started by that key; see that its line in authorized_keys begins as ")
        assert start_told(one, plant)[1] == clock.why
    program = host.folder / "worker.pyz"
    program.write_bytes(far_program())
    host.takes("login", f'restrict,command="{sys.executable} -I {program} --spool /proc/none serve"')
    one = vantage(host, installed=True)
    clock = anyio.run(one.offset, PATIENCE_S)
    assert clock.why.startswith("the folder for samples, /proc/none, cannot be made there (")
    assert "the folder for samples" in start_told(one, plant)[1]


def test_each_way_not_to_get_there_has_its_own_sentence(host: FarHost, plant: Plant) -> None:
    where = f"127.0.0.1 port {host.port}"
    other = (host.folder / "other").read_text()
    told = {
        "key": start_told(vantage(host, hop=host.hop(key=other)), plant),
        "python": start_told(vantage(host, python="python3.2"), plant),
        "damaged": start_told(vantage(host, hop=host.hop(key=other[:60])), plant),
    }
    host.knows("other")
    told["changed"] = start_told(vantage(host), plant)
    host.known_hosts.write_text("")
    told["unknown"] = start_told(vantage(host), plant)
    host.process.terminate()
    host.process.wait()
    told["gone"] = start_told(vantage(host), plant)
    assert {outcome for outcome, _ in told.values()} == {"not done"}
    user = host.hop().user
    assert told["key"][1] == f"{user}@{where} does not take the key"
    assert told["damaged"][1] == f"the key for {user}@{where} cannot be used (it is damaged, or asks for a passphrase)"
    assert told["python"][1].startswith("there is no python3.2 there; name the Python to use")
    assert told["changed"][1] == (
        f"{where} shows another host key than {host.known_hosts}; find out why before anybody trusts it"
    )
    assert (
        told["unknown"][1] == f"{host.known_hosts} holds no host key of {where}; `islandmode vantage trust` learns it"
    )
    assert told["gone"][1] == f"{user}@{where} refuses connections"


def test_a_host_that_kills_what_a_session_leaves_is_refused(host: FarHost, plant: Plant) -> None:
    one = vantage(host)
    # What logind does with KillUserProcesses: the worker goes with the login that started it.
    pid = host.spools() / RUN / NAME / "pid"
    killer = subprocess.Popen([sys.executable, "-c", KILLER, str(pid)], stdin=subprocess.DEVNULL)
    outcome, why = start_told(one, plant)
    killer.wait()
    assert outcome == "unknown"
    assert "its worker ended with the login that had started it" in why


KILLER = """
import os, signal, sys, time
while not (os.path.exists(sys.argv[1]) and os.path.getsize(sys.argv[1])):
    time.sleep(0.005)
os.kill(int(open(sys.argv[1]).read()), signal.SIGKILL)
"""


def test_the_file_is_the_same_wherever_it_is_made_and_holds_what_a_worker_brings(tmp_path: Path) -> None:
    # A whole other process, later: no time, no order and no folder of this process may stand in it.
    code = "import sys; from islandmode.observe.far_program import far_program; sys.stdout.buffer.write(far_program())"
    os.utime(Path(__file__))
    again = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True).stdout
    assert again == far_program()
    own = {module for module in closure() if module.startswith("islandmode.")}
    assert {f"islandmode.{module.replace('/', '.')}" for module in MODULES} == own
    (tmp_path / "w.pyz").write_bytes(again)
    assert zipfile.ZipFile(tmp_path / "w.pyz").testzip() is None
    # An old Python says what is missing, and compiles nothing that it cannot read.
    main = zipfile.ZipFile(tmp_path / "w.pyz").read("__main__.py").decode()
    old = main.replace("import sys\n", "import sys\nsys.version_info = (3, 6, 8)\n", 1)
    said = subprocess.run([sys.executable, "-c", old], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (1, "refused: Python 3.6 is too old; 3.9 or newer is needed\n")


def test_a_host_behind_another_is_reached_through_it_and_each_says_what_it_refuses(
    host: FarHost, plant: Plant, open_folder: Path
) -> None:
    with far_host(open_folder / "jump", "AllowTcpForwarding yes\n") as jump:
        both = host.known_hosts.read_text() + jump.known_hosts.read_text()
        host.known_hosts.write_text(both)
        outcome, why = start_told(vantage(host, through=jump.hop()), plant)
        assert outcome == "done", why
        wrong = jump.hop(key=(jump.folder / "other").read_text())
        outcome, why = start_told(vantage(host, through=wrong), plant)
        assert (outcome, why) == ("not done", f"{wrong.user}@127.0.0.1 port {jump.port} does not take the key")


def test_no_key_is_on_disk_in_argv_or_in_the_environment(host: FarHost) -> None:
    way = OpenSsh(host.hop(), host.known_hosts)
    secret = host.key.splitlines()[1]
    process = subprocess.Popen(way.argv("sleep 60"), stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE_S
        while "sleep 60" not in (told := " ".join(_told_of(process.pid))) and time.monotonic() < until:
            time.sleep(0.01)
        assert "sleep 60" in told
        assert secret not in told
    finally:
        process.kill()
        process.wait()
        way.close()


def _told_of(pid: int) -> Iterator[str]:
    for name in ("cmdline", "environ"):
        yield Path(f"/proc/{pid}/{name}").read_text(errors="replace")


def test_a_machine_without_ssh_says_so_and_starts_nothing(
    host: FarHost, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(process.EMPTY_ENVIRONMENT, "PATH", "/nowhere")
    outcome, why = start_told(vantage(host), plant)
    assert (outcome, why) == ("not done", "its host could not be made ready (No such file or directory)")
