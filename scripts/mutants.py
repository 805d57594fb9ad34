"""Plant small faults in what judges, runs and isolates, and count how many are found: a sample of each room, from a seed.

    python scripts/mutants.py [--sample N] [--seed S] [--children C] [--room ROOM] [--module MODULE]

How it works. mutmut plants every fault beside the function that it is in (`[tool.mutmut]` in pyproject.toml says where). Then,
as in `make test`, the type checker looks first: what it complains of is found. The faults of the sample that it does not see
are asked of the tests of their own room, and of those only such as reach the function, the quickest first: the tests
are collected once, and each fault is asked in a process that is forked from there and ends with the first test that fails.
No lab and no root is needed. Ends with 1 where fewer than 95 % of any room's are found; every one that is not is shown.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import NoReturn

import pytest
from _pytest.runner import runtestprotocol
from mutmut.__main__ import create_mutants
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir

WORK = Path("mutants")
ROOMS = ("core", "run", "isolation")
SHARE_MIN = 0.95
TOO_SLOW = "tests/run/test_*_seeds.py"
"""Thousands of seeds, of which each of the other files has its own few hundred."""
CPU_MORE, CPU_LEAST_S = 15, 30
"""A fault that uses so many times the processor's time that its tests need is one that anybody would notice."""
ASLEEP_S, LOOK_S = 90.0, 0.05
"""So is one that hangs: it sleeps, whenever it is looked at, and uses no time at all; no test waits as long as that."""
DEVICE_LINES = tuple(
    f"islandmode.isolation.nftables.{module}."
    for module in ("recipe", "reading", "egress", "saved", "firewall_reading")
)
OF_PLANTING = {"no-redef", "has-type", "var-annotated", "unused-ignore", "ignore-without-code"}
"""What the type checker says because a function stands there many times, and not because of the fault in it."""
FOUND = {"types", "failed", "too slow"}
CRASHED = 3
"""The process that asked ended by an error, as by a fault at which pytest itself gives up: that is seen, too."""


@dataclass(frozen=True)
class Fault:
    """One planted fault: its name as mutmut calls it, and the function that it is in."""

    name: str
    room: str
    function: str


def plant(children: int) -> None:
    """Let mutmut write the sources with every fault beside the function that it is in."""
    set_mutant_under_test("mutant_generation")
    WORK.mkdir(exist_ok=True)
    # Faults are planted anew only where a source has changed; a test that is gone must not be asked.
    shutil.rmtree(WORK / "tests", ignore_errors=True)
    with redirect_stdout(StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        create_mutants(children)


def planted() -> list[Fault]:
    """List every fault."""
    names = [name for path in sorted(WORK.rglob("*.meta")) for name in json.loads(path.read_text())["exit_code_by_key"]]
    return [Fault(name, name.split(".")[1], name.rpartition("__mutmut_")[0]) for name in names]


class Sources:
    """The functions of the planted sources, by name."""

    def __init__(self, names: Iterable[str]) -> None:
        """Read the modules of these faults."""
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for module in {name.rpartition(".")[0] for name in names}:
            path = WORK / "src" / module.replace(".", "/")
            text = (path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py").read_text()
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "__mutmut_" in node.name:
                    self.functions[f"{module}.{node.name}"] = node

    def pair(self, fault: Fault) -> tuple[ast.AST, ast.AST]:
        """Give a function as it was and as it is with a fault."""
        return self.functions[f"{fault.function}__mutmut_orig"], self.functions[fault.name]

    def shown(self, fault: Fault) -> str:
        """Show the lines that a fault takes away and puts in."""
        old, new = (ast.unparse(one).splitlines()[1:] for one in self.pair(fault))
        lines = difflib.unified_diff(old, new, lineterm="", n=0)
        return "\n".join(line for line in lines if line[:2] not in ("--", "++", "@@"))

    def is_equal(self, fault: Fault) -> bool:
        """Tell whether a fault changes nothing that a program does, or only how a sentence is spelled."""
        # Texts with a space are for people, except in a recipe: there they are lines for a device.
        told = not fault.name.startswith(DEVICE_LINES)
        old, new = (ast.dump(_Plain(sentences=told).visit(ast.parse(ast.unparse(one)))) for one in self.pair(fault))
        return old.replace("__mutmut_orig", "") == new.replace(f"__mutmut_{fault.name.rpartition('_')[2]}", "")


class _Plain(ast.NodeTransformer):
    """Takes out what means nothing to a program: annotations, how an encoding is spelled, the words of sentences."""

    def __init__(self, *, sentences: bool) -> None:
        self._sentences = sentences

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        is_told = isinstance(node.value, str) and self._sentences and " " in node.value
        return ast.Constant("") if is_told else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        texts = [one for one in node.values if isinstance(one, ast.Constant)]
        if self._sentences and any(" " in str(one.value) for one in texts):
            node.values = [one for one in node.values if one not in texts]
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if node.arg == "encoding" and isinstance(node.value, ast.Constant):
            # Without one it is the machine's, which is UTF-8 on every machine that runs this; "UTF-8" is "utf-8".
            node.value = ast.Constant(None)
        return self.generic_visit(node)


def complained_of(sources: Sources) -> set[str]:
    """Name every fault that the type checker complains of, as `make lint` would."""
    rooms = [f"src/islandmode/{room}" for room in ROOMS]
    command = [sys.executable, "-m", "mypy", "--output", "json", *rooms]
    said = subprocess.run(command, cwd=WORK, check=False, capture_output=True, text=True).stdout
    spans: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for name, node in sources.functions.items():
        spans[name.rpartition(".")[0]].append((node.lineno, node.end_lineno or 0, name))
    found = set()
    for line in said.splitlines():
        one = json.loads(line)
        if one["severity"] != "error" or one["code"] in OF_PLANTING:
            continue
        module = one["file"].removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found |= {name for first, last, name in spans[module] if first <= one["line"] <= last}
    # Attributes that several constructors declare confuse it.
    return {name for name in found if "__init__" not in name and not name.endswith("_orig")}


@dataclass
class Asking:
    """Plays the tests in pytest's place: once as they are, then for each fault those that reach it."""

    faults: Sequence[Fault]
    children: int
    ended: dict[str, str] = field(default_factory=dict)
    _reached: dict[str, set[str]] = field(default_factory=dict)
    _took_s: dict[str, float] = field(default_factory=dict)
    _running: dict[int, Fault] = field(default_factory=dict)
    _awake: dict[int, tuple[int, float]] = field(default_factory=dict)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Play."""
        items = {item.nodeid: item for item in session.items}
        if session.testsfailed or not self._learn(items):
            return True
        for fault in self.faults:
            while len(self._running) >= self.children:
                self._hear()
            self._ask(fault, items)
        while self._running:
            self._hear()
        return True

    def _learn(self, items: dict[str, pytest.Item]) -> bool:
        """Play every test once without a fault, in a process of its own, and hear which functions it reaches."""
        source, sink = os.pipe()
        if os.fork() == 0:
            os.close(source)
            _silently(lambda: self._tell(items, sink))
        os.close(sink)
        with os.fdopen(source) as heard:
            for line in heard:
                one = json.loads(line)
                if one["failed"]:
                    print(f"{one['test']} fails without any fault", flush=True)
                    return False
                self._took_s[one["test"]] = one["took_s"]
                for function in one["reached"]:
                    self._reached.setdefault(function, set()).add(one["test"])
        os.wait()
        return len(self._took_s) == len(items)

    def _tell(self, items: dict[str, pytest.Item], sink: int) -> int:
        set_mutant_under_test("stats")
        for name, item in items.items():
            state()._stats.clear()  # noqa: SLF001 - mutmut's own runner reads it there
            begun_s = time.process_time()
            failed = _fails(item)
            told = {"test": name, "took_s": time.process_time() - begun_s, "failed": failed}
            os.write(sink, f"{json.dumps(told | {'reached': sorted(state()._stats)})}\n".encode())  # noqa: SLF001 - as above
        return 0

    def _ask(self, fault: Fault, items: dict[str, pytest.Item]) -> None:
        room = f"tests/{fault.room}/"
        mine = sorted(
            (one for one in self._reached.get(fault.function, ()) if one.startswith(room)),
            key=lambda one: self._took_s[one],
        )
        if not mine:
            self.ended[fault.name] = "no test reaches it"
            return
        process = os.fork()
        if process == 0:
            set_mutant_under_test(fault.name)
            cpu_s = CPU_LEAST_S + CPU_MORE * round(sum(self._took_s[one] for one in mine))
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
            _silently(lambda: int(any(_fails(items[one]) for one in mine)))
        self._running[process] = fault

    def _hear(self) -> None:
        """Wait until one of those that are asked has ended, and end one that hangs."""
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process in self._running:
                break
            for one in tuple(self._running):
                if self._hangs(one):
                    os.kill(one, signal.SIGKILL)
            time.sleep(LOOK_S)
        fault, code = self._running.pop(process), os.waitstatus_to_exitcode(status)
        self._awake.pop(process, None)
        self.ended[fault.name] = {0: "survived", 1: "failed", CRASHED: "failed"}.get(code, "too slow")
        print(f"{len(self.ended)}. {fault.name}: {self.ended[fault.name]}", file=sys.stderr, flush=True)

    def _hangs(self, process: int) -> bool:
        words = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        used = int(words[11]) + int(words[12])
        before, since_s = self._awake.get(process, (-1, 0.0))
        if words[0] != "S" or used != before:
            self._awake[process] = (used, time.monotonic())
            return False
        return time.monotonic() - since_s > ASLEEP_S


def _fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, nextitem=None, log=False))


def _silently(work: Callable[[], int]) -> NoReturn:
    """Work in a forked process, and end it with what comes of that."""
    code = CRASHED
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        code = work()
    finally:
        os._exit(code)


def drawn(faults: Sequence[Fault], sources: Sources, count: int, dice: random.Random) -> Iterator[Fault]:
    """Draw faults of one room, without those that change nothing."""
    mine = list(faults)
    dice.shuffle(mine)
    for fault in mine:
        if count and not sources.is_equal(fault):
            count -= 1
            yield fault


def ask(faults: Sequence[Fault], children: int) -> dict[str, str]:
    """Ask the tests about faults; returns how each ended."""
    rooms = sorted({f"tests/{fault.room}" for fault in faults})
    sys.path[:0] = [str((WORK / "src").resolve()), str(WORK.resolve())]
    here = Path.cwd()
    os.chdir(WORK)
    set_mutant_under_test("")
    asking = Asking(faults, children)
    options = ["-q", "-p", "no:cacheprovider", "--assert=plain", "--tb=no", "--durations=0", "-m", "not lab"]
    pytest.main([*options, "--rootdir=.", f"--ignore-glob={TOO_SLOW}", *rooms], plugins=[asking])
    os.chdir(here)
    return asking.ended


def told(room: str, ended: dict[Fault, str]) -> float:
    """Tell of one room how many were found, and by what; returns the share."""
    mine = [how for fault, how in ended.items() if fault.room == room]
    by_types = mine.count("types")
    found = sum(how in FOUND for how in mine)
    share = found / max(len(mine), 1)
    asked, failed = len(mine) - by_types, found - by_types
    print(
        f"{room:10} {found} of {len(mine)} found, {share:.1%}: {by_types} by the type checker, {failed} of {asked} by tests"
    )
    return share


def main() -> int:
    """Plant, draw, ask, and say what was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, default=240)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--room", choices=ROOMS, action="append")
    parser.add_argument("--module", default="islandmode", help="only the faults in this module, or package")
    given = parser.parse_args()
    plant(given.children)
    faults = [fault for fault in planted() if f"{fault.name}.".startswith(f"{given.module}.")]
    sources = Sources(fault.name for fault in faults)
    complaints = complained_of(sources)
    dice = random.Random(given.seed)  # noqa: S311 - a sample needs no secret
    rooms = given.room or ROOMS
    chosen = [
        fault
        for room in rooms
        for fault in drawn([one for one in faults if one.room == room], sources, given.sample // len(ROOMS), dice)
    ]
    asked = [fault for fault in chosen if fault.name not in complaints]
    print(f"seed {given.seed}: {len(chosen)} of {len(faults)} faults, {len(asked)} of them for the tests", flush=True)
    answers = ask(asked, given.children)
    if len(answers) < len(asked):
        print("The tests could not be asked: without any fault they must pass first.")
        return 1
    ended = {fault: answers.get(fault.name, "not asked") if fault in asked else "types" for fault in chosen}
    for fault, how in ended.items():
        if how not in FOUND:
            print(f"\n{fault.name}: {how}\n{sources.shown(fault)}")
    print()
    shares = [told(room, ended) for room in rooms]
    return 0 if ended and min(shares) >= SHARE_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
