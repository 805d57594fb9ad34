"""docs/fortios.md and docs/ios.md, played from the factory state on: every line is typed on the emulator, every command is run.

What a page leaves to its reader is put in here: the public key, the password, the numbers and the fingerprint. What the commands print is
entered as the page says. Where a page is wrong, its device is not ready at its end.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from islandmode.core.bench.stand_in import STAND_IN
from islandmode.core.recipe.parts import asked_of
from islandmode.core.recipe.stand_in import stand_in_recipe
from islandmode.core.recipe.steps import asks_of, planned, step_lines
from islandmode.isolation.by_recipe.console import FIRST_LINES, LAST_LINES
from islandmode.ui.bench import bench_command
from islandmode.ui.cli import app
from napalm_nftables.host_keys import load
from tests.core.recipe_plant import recipe, sent
from tests.emulators.benching import PERSON, BenchClock
from tests.emulators.device import Device
from tests.emulators.kirkby import NAMES, OTHER_RUN, PLANT_FIREWALL, Kirkby, device_of, isolated_by, typed
from tests.emulators.server import SshServer
from tests.more import first_of
from tests.patience import LONG_PATIENCE_S

DOCS = Path(__file__).resolve().parents[2] / "docs"
ACCOUNT = "islandmode"
PAGES = {"fortios-schedule": "fortios.md", "ios-time-range": "ios.md"}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLAIN = re.compile(r"islandmode [-\w ./:@=+]*")
"""A line for which no shell is needed: the program, and words."""
each_page = pytest.mark.parametrize("platform", PAGES)


def blocks(platform: str) -> list[tuple[str, str]]:
    """Give the blocks of a page, each with its language."""
    return BLOCK.findall((DOCS / PAGES[platform]).read_text(encoding="utf-8"))


def printed(said: str) -> list[str]:
    """Take the lines for a person out of what `devices provision` prints."""
    return [line.strip() for line in said.partition("\n\n")[2].partition("\n\n")[0].splitlines()]


@dataclass
class Reader:
    """Somebody who does what a page says, with a device before them."""

    platform: str
    kirkby: Kirkby
    said: list[tuple[str, subprocess.CompletedProcess[str]]] = field(default_factory=list)
    benched: int | None = None
    before: str = ""
    """The device's configuration before it was benched."""
    was_touched: bool | None = None
    """Whether anybody but the reader had configured it by then."""

    @property
    def device(self) -> Device:
        return self.kirkby.server.device

    def does(self, language: str, text: str) -> None:
        if language == "yaml":
            self.kirkby.describe(text)
        elif language == "sh":
            for line in text.splitlines():
                if "devices bench" in line:
                    self.benches(line)
                else:
                    self.runs(line)
        elif language in {"fortios", "ios"}:
            typed(self.device, self.platform, self.with_own_values(text).splitlines())

    def runs(self, line: str) -> None:
        text = self.with_own_values(line)
        done = self.kirkby.called(*shlex.split(text)[1:]) if PLAIN.fullmatch(text) else self.in_shell(text)
        expected = 6 if "tabletop" in line else 0
        assert done.returncode == expected, f"{line}: {done.stdout}{done.stderr}"
        self.said.append((line, done))
        if "devices provision" in line and "--keep-closed" not in line:
            typed(self.device, self.platform, printed(done.stdout))

    def in_shell(self, text: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        words, root = ["bash", "-c", text], self.kirkby.root
        return subprocess.run(
            words, cwd=root, env=environment, check=False, capture_output=True, text=True, timeout=LONG_PATIENCE_S
        )

    def benches(self, line: str) -> None:
        """Bench in this process, with a clock that jumps over its half an hour; the words are read as the program reads them."""
        words = shlex.split(self.with_own_values(line)).__iter__()
        program: Any = get_command(app)
        assert (next(words), next(words), next(words)) == ("islandmode", "devices", "bench")
        given = program.commands["devices"].commands["bench"].make_context("bench", list(words)).params
        self.before, self.was_touched = self.device.configuration(), self.device.was_touched
        clock, root = BenchClock(self.device), self.kirkby.root
        self.benched = bench_command(root, given["device"], given["site"], root / given["key"], given["firings"], clock)
        # The device's clock was taken along; here it is kept.
        self.device.clock.set(self.device.clock.local - timedelta(microseconds=clock.skipped_us))

    def with_own_values(self, text: str) -> str:
        keys, server = self.kirkby.root / "keys", self.kirkby.server
        public, password = keys / "edge-firewall.pub", keys / "vendor-router"
        if "PUBLIC-KEY" in text:
            text = text.replace("PUBLIC-KEY", public.read_text(encoding="ascii").strip())
        if "secret PASSWORD" in text:
            text = text.replace("secret PASSWORD", f"secret {password.read_text(encoding='ascii')}")
        if "SHA256:FINGERPRINT" in text:
            (self.kirkby.root / "read").write_text(server.known_host, encoding="ascii")
            (key,) = load(self.kirkby.root / "read").of(server.host, server.port)
            text = text.replace("SHA256:FINGERPRINT", key.fingerprint)
        return text


@pytest.fixture(scope="module")
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Read a page to its end."""
    platform = request.param
    device = device_of(platform, pages=True)
    device.accounts.clear()
    device.clock.is_kept = False
    if platform == "fortios-schedule":
        typed(device, platform, PLANT_FIREWALL)
    with SshServer(device) as server:
        kirkby = Kirkby(tmp_path_factory.mktemp("plant") / "kirkby", platform, server)
        (kirkby.root / "keys" / "password").unlink()
        (kirkby.root / "keys").rmdir()
        kirkby.known_hosts.unlink()
        reader = Reader(platform, kirkby)
        for language, text in blocks(platform):
            reader.does(language, text)
        yield reader


each_read = pytest.mark.parametrize("read", first_of(PAGES), indirect=True)


@each_read
def test_at_the_end_of_a_page_its_device_is_ready_and_nothing_configured_it_but_the_reader(read: Reader) -> None:
    (check,) = (done for line, done in read.said if "devices check" in line)
    assert check.stdout.endswith("Ready for a drill. Nothing was changed.\n")
    assert "REFUSES" not in check.stdout
    assert read.was_touched is False
    assert read.device.logins
    assert (read.kirkby.root / "card.html").is_file()


@each_read
def test_a_page_benches_its_device_which_is_as_before(read: Reader) -> None:
    assert read.benched == 0
    assert read.device.configuration() == read.before
    (listed,) = (done.stdout for line, done in read.said if line.strip() == "islandmode devices")
    assert "does not count: it is of an emulator, which counts for no plant" in " ".join(listed.split())
    folder = read.kirkby.root / "inventory" / "benched" / "kirkby" / NAMES[read.platform]
    (record,) = (path.read_text(encoding="utf-8") for path in folder.glob("*/record.json"))
    assert f'"person": "{PERSON}"' in record
    assert f'"seen_by": "{"clock" if read.platform == "fortios-schedule" else "device"}"' in record
    page = (DOCS / PAGES[read.platform]).read_text(encoding="utf-8")
    assert re.search(r"`seen_by: (\w+)`", page)[1] in record  # type: ignore[index] # it is there


@each_read
def test_a_drill_s_lines_isolate_and_restore_what_the_page_made(read: Reader) -> None:
    """With the rights of the page's account. The denies stand before the site's own rules, so that the schedule alone makes them act."""
    kirkby, device, shipped = read.kirkby, read.device, recipe(read.platform)
    outer = "corporate" if read.platform == "fortios-schedule" else "vendors"
    before = device.configuration()
    assert device.passes(outer, "line1")
    isolated_by(OTHER_RUN, kirkby, ACCOUNT)
    assert not device.passes(outer, "line1")
    assert not device.passes("line1", outer)
    typed(device, read.platform, sent(step_lines(shipped, "restore", kirkby.at, planned(0))), ACCOUNT)
    assert device.configuration() == before


def test_the_commands_that_the_page_of_ios_lists_are_all_that_is_ever_sent(tmp_path: Path) -> None:
    shipped = recipe("ios-time-range")
    with SshServer(device_of("ios-time-range")) as server:
        at = Kirkby(tmp_path, "ios-time-range", server).at
    steps = [
        sent(step_lines(shipped, step, at, planned(0))) for step in ("arm", "isolate", "renew", "flush", "restore")
    ]
    looks = [ask.send for ask in asks_of(shipped, shipped.reads.state, at, "vendor-line1")]
    others = [asked.ask for asked in asked_of(shipped) if asked.part not in {"reads", "card"}]
    assert not [ask for ask in others if "{" in ask]
    kind, alone = shipped.driver.partition(":")[2], stand_in_recipe(shipped)
    bench_at = replace(at, conduits=(replace(at.conduits[0], name=STAND_IN),))
    steps += [
        sent(step_lines(alone, step, bench_at, planned(0))) for step in ("arm", "isolate", "restore", "take_away")
    ]
    looks += [ask.send for ask in asks_of(alone, alone.reads.state, bench_at, STAND_IN)]
    lines = [*FIRST_LINES[kind], *others, *looks, *(line for step in steps for line in step), LAST_LINES[kind]]
    plain = {re.sub(r"absolute start .* end .*", "absolute start ... end ...", line) for line in lines}
    (listed,) = (text.splitlines() for language, text in blocks("ios-time-range") if language == "commands")
    assert (set(listed), len(listed)) == (plain, len(set(listed)))


@each_page
def test_a_page_names_the_recipe_and_the_device_of_the_example(platform: str) -> None:
    text = (DOCS / PAGES[platform]).read_text(encoding="utf-8")
    assert f"`{platform}`" in text
    assert f"`{NAMES[platform]}`" in text
    assert "on no " in text
