"""Every test has a place of its own for what the machine knows, so that its `abort` never reaches another test's run."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from islandmode.operate.signals import heard_as_before
from islandmode.system import own_program
from islandmode.system.machine_state import VARIABLE
from tests import begun_again, beside_each_other

pytest_plugins = ("tests.shared_lab",)


def _new_place() -> Path:
    """Make a place that other accounts may look into, as they may into the machine's own."""
    folder = Path(tempfile.mkdtemp(prefix="islandmode-state-"))
    folder.chmod(0o755)
    return folder


# A shell that starts the tests in the background lets SIGINT be ignored, and every process that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A test must not fail because the machine is busy: Hypothesis gives an example 200 ms unless it is told.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
# For labs that tests share, and whatever else begins before the first test.
os.environ[VARIABLE] = str(_new_place())


@pytest.fixture(autouse=True)
def machine_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the place of this test."""
    folder = _new_place()
    monkeypatch.setenv(VARIABLE, str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def signals_heard_as_before() -> Iterator[None]:
    """Let no test hear signals otherwise because a run was conducted before it in the same process."""
    with heard_as_before():
        yield


@pytest.fixture(autouse=True)
def typed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sentences name the program as somebody with it on the PATH reads them, wherever this clone lies."""
    monkeypatch.setenv(own_program.VARIABLE, own_program.NAME)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that every account may enter: pytest closes its own folders to others whenever a test run begins."""
    with tempfile.TemporaryDirectory(prefix="islandmode-open-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


def pytest_collection_finish() -> None:
    """Leave what was collected to itself: the collector would walk seven thousand tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out one by one, in their order; those of a file that makes something once stay together."""
    config.option.loadscopereorder = False
    return beside_each_other.scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report carry which drills were begun again in its test, from a worker process too."""
    report = yield
    report.user_properties += [(begun_again.PROPERTY, what) for what in begun_again.taken()]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which drills were begun again, and how many: a machine that is always busy must not hide in that."""
    reports = (one for kept in terminalreporter.stats.values() for one in kept if isinstance(one, pytest.TestReport))
    again = [str(value) for one in reports for name, value in one.user_properties if name == begun_again.PROPERTY]
    if again:
        terminalreporter.section("drills begun again")
        for line in begun_again.told(again):
            terminalreporter.write_line(line)


def pytest_unconfigure() -> None:
    """Take away the place that all tests shared."""
    shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)
