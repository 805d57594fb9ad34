"""The rules of this code base, as tests: a rule that is only written down is forgotten by the third change.

Layers between packages are import-linter's part (see pyproject.toml); what is here is about single files.
"""

from __future__ import annotations

import ast
import gc
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILE_LINES, FUNCTION_LINES, BROAD_EXCEPTS = 600, 50, 3
GRAB_BAGS = {"util", "utils", "helper", "helpers", "manager", "base", "common", "misc", "handler", "handlers"}

# Time comes through system/clock.py, so that an hour's drill can be run in milliseconds. Exceptions have reasons.
MAY_READ_CLOCKS = {
    "src/islandmode/system/clock.py": "it is the clock",
    "src/islandmode/simulate/clock.py": "it is the clock of the simulation, and sleeps on its loop",
    "src/islandmode/simulate/world.py": "it takes the real clock away from what runs in it",
    "src/islandmode/system/disk.py": "closing a file waits for the thread that writes it",
    "src/islandmode/observe/kit.py": "it goes to far hosts, where a person starts it",
    "src/islandmode/observe/own_clocks.py": "it goes to far hosts with the worker",
    "src/islandmode/observe/looks.py": "it goes to far hosts with the worker",
    "src/islandmode/observe/process_vantage.py": "it waits for a worker to end, after all that counts is over",
    "src/islandmode/observe/worker_host.py": "it goes to far hosts with the worker, and says what time it is there",
    "src/islandmode/observe/spooling.py": "it goes to far hosts with the worker",
    "src/islandmode/observe/worker.py": "standard library only, for hosts without the rest of Islandmode",
}
LAB_MAY_READ_CLOCKS = "src/islandmode/rehearse/"
CLOCKS = {
    ("time", "*"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("anyio", "sleep"),
    ("anyio", "current_time"),
    ("asyncio", "sleep"),
}

# A vendor library is imported in one file, so that its next major release is one file's work.
ONE_FILE = {
    "ansible": set[str](),
    "ansible_runner": {"src/islandmode/isolation/by_play/runner.py"},
    "jinja2": {"src/islandmode/ui/templates/__init__.py"},
    "napalm": {"src/islandmode/isolation/by_recipe/napalm_session.py"},
    "netmiko": {"src/islandmode/isolation/by_recipe/console.py"},
    "paramiko": set[str](),
    "pymodbus": set[str](),
    "cryptography": {"src/islandmode/system/ansible_vault.py"},
    "ruamel": {"src/islandmode/store/yaml_tree.py"},
    "uvloop": {"src/islandmode/observe/worker.py"},
    # The command line: the program, its commands, the words that they share, and the commands of a group.
    "typer": {
        "src/islandmode/ui/approval_commands.py",
        "src/islandmode/ui/cli.py",
        "src/islandmode/ui/cli_words.py",
        "src/islandmode/ui/closing_commands.py",
        "src/islandmode/ui/program.py",
        "src/islandmode/ui/vantage_commands.py",
    },
}

NEVER_OF_NAPALM = {"rollback", "confirm_commit", "load_replace_candidate"}

MAY_PRINT = {"src/islandmode/run/outermost.py"}
"""The outermost edge: how the program ends is said even where nothing else works any more."""

FORBIDDEN_WORDS = re.compile(r"(?:^|_)(?:cut|heal|rollback|revert)(?:s|ed|ing)?(?:_|$)")
HEARD_TWICE = re.compile(
    r"\b(?i:of ours|of theirs|who(?:m|s)?ever|such an? one|another one|ones)\b"
    r"|\b[Ii]s none\b|(?<= )[Oo]urs\b(?!-| removed)|\b[Oo]urs(?= (?!removed))"
)
"""Words that a reader has to read twice in a sentence: a plain noun says who or what is meant. *Ours removed* is how a restoration is told."""
REMARKS_ARE_PLAIN = ("src/", "tests/", "lab/", "scripts/")
"""Folders in which comments and docstrings keep to that rule too."""
NAMES_NOTHING = "one"
"""As a name it says nothing of what it holds: a loop over probes has a probe."""
HOME = re.compile(r"(?<![\w.])/(?:home|Users)/(\w[\w-]*)")
LAB_ACCOUNTS = {"drill", "islandmode", "operator"}


def tracked() -> tuple[Path, ...]:
    """List what git tracks and what would be added next; a clone and a working tree give the same."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and name_of(path).startswith(folders)]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Give all that stands in a file; found once, because every rule asks for it."""
    return tuple(ast.walk(tree(path)))


def setup_module() -> None:
    """Read every file once for all rules, without the collector: it would walk the growing trees again and again."""
    gc.disable()
    try:
        for path in python_files(""):
            nodes(path)
    finally:
        gc.enable()


def teardown_module() -> None:
    nodes.cache_clear()
    tree.cache_clear()


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in nodes(path) if isinstance(node, Function))


def length(function: Function) -> int:
    """Count a function's lines without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def imported(path: Path) -> set[str]:
    """List the top-level names of everything a file imports, wherever in the file it does."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def clock_uses(path: Path) -> list[str]:
    """List where a file reads a clock or sleeps, by name."""
    found = []
    for node in nodes(path):
        if isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names):
            found.append(f"{node.lineno}: import time")
        elif isinstance(node, ast.ImportFrom) and (node.module == "time" or _imports_clock(node)):
            found.append(f"{node.lineno}: from {node.module} import ...")
        elif isinstance(node, ast.Attribute) and (_owner(node.value), node.attr) in CLOCKS:
            found.append(f"{node.lineno}: {_owner(node.value)}.{node.attr}")
    return found


def _imports_clock(node: ast.ImportFrom) -> bool:
    return any((node.module, alias.name) in CLOCKS for alias in node.names)


def _owner(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def test_files_stay_short() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files("")}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_functions_stay_short() -> None:
    long = [
        f"{name_of(path)}:{function.lineno} {function.name} has {length(function)} lines"
        for path in python_files("")
        for function in functions(path)
        if length(function) > FUNCTION_LINES
    ]
    assert long == []


def test_files_are_named_for_their_matter() -> None:
    assert [name_of(path) for path in python_files("") if set(path.stem.split("_")) & GRAB_BAGS] == []


def test_only_the_clock_reads_a_clock() -> None:
    """The lab's back end waits for real processes, so it may; the simulation may not sleep really."""
    found = {
        name_of(path): uses
        for path in python_files("src/islandmode/")
        if name_of(path) not in MAY_READ_CLOCKS
        and not name_of(path).startswith(LAB_MAY_READ_CLOCKS)
        and (uses := clock_uses(path))
    }
    assert found == {}


def test_only_the_command_line_prints() -> None:
    """A use case says what it does to its listener, so that it can be called from anywhere."""
    printing = [
        name_of(path)
        for path in python_files("src/islandmode/")
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert {name for name in printing if not name.startswith("src/islandmode/ui/")} == MAY_PRINT


@pytest.mark.parametrize("library", sorted(ONE_FILE))
def test_a_vendor_library_has_one_file(library: str) -> None:
    importing = {name_of(path) for path in python_files("src/islandmode/") if library in imported(path)}
    assert importing <= ONE_FILE[library]


def test_what_napalm_would_save_is_never_called() -> None:
    """On some drivers `rollback` and `confirm_commit` write what a restart loads, and a replacement takes everybody's edits back."""
    calls = {
        f"{name_of(path)}:{node.lineno} {node.attr}"
        for path in python_files("src/islandmode/")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in NEVER_OF_NAPALM
    }
    named = {
        f"{name_of(path)}:{node.lineno} {node.value}"
        for path in python_files("src/islandmode/")
        for node in nodes(path)
        if isinstance(node, ast.Constant) and node.value in NEVER_OF_NAPALM
    }
    assert calls | named == set()


def test_pages_are_templates_and_only_drawings_escape_by_hand() -> None:
    """A cell that is escaped by hand can be forgotten; the templates of `ui/templates/` escape every value."""
    by_hand = {name_of(path) for path in python_files("src/") if "html" in imported(path)}
    assert by_hand == {"src/islandmode/ui/picture/svg.py", "src/islandmode/ui/picture/text.py"}


def test_the_driver_uses_no_other_vendor_library() -> None:
    """The NAPALM driver is a package of its own and is the only code that may speak SSH."""
    allowed = {"napalm", "paramiko"}
    used = {name for path in python_files("src/napalm_nftables/") for name in imported(path)}
    assert used & set(ONE_FILE) <= allowed


def test_broad_excepts_are_few_and_in_run() -> None:
    broad = [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files("src/", "lab/")
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _raises_again(node)
    ]
    assert len(broad) <= BROAD_EXCEPTS, broad
    assert [where for where in broad if not where.startswith("src/islandmode/run/")] == []


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names)


def _raises_again(node: ast.ExceptHandler) -> bool:
    """Tell whether what was caught always goes on, so that nothing is hidden."""
    last = node.body[-1]
    return isinstance(last, ast.Raise) and (last.exc is None or last.cause is not None)


def test_we_isolate_and_restore_and_say_so() -> None:
    """NAPALM's own words stay in its driver; every other function and class says isolate and restore."""
    wrong = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in python_files("src/islandmode/", "lab/")
        for node in nodes(path)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and FORBIDDEN_WORDS.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node.name).lower())
    ]
    assert wrong == []


def test_public_functions_say_what_they_do() -> None:
    silent = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in python_files("src/")
        for node in tree(path).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def _texts(path: Path) -> Iterator[str]:
    """Give the texts of a file that are no docstrings: what may be said to somebody."""
    told = {id(node.value) for node in nodes(path) if isinstance(node, ast.Expr)}
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def _remarks(path: Path) -> Iterator[str]:
    """Give the comments and docstrings of a file."""
    with path.open("rb") as file:
        yield from (token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT)
    for node in nodes(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def test_remarks_name_what_they_mean() -> None:
    found = [
        f"{name_of(path)}: {remark}"
        for path in python_files(*REMARKS_ARE_PLAIN)
        if path != Path(__file__)
        for remark in _remarks(path)
        if HEARD_TWICE.search(remark)
    ]
    assert found == []


def test_sentences_name_what_they_mean() -> None:
    found = [
        f"{name_of(path)}: {text}"
        # What the crash matrix says is a page that users read.
        for path in python_files("src", "tests/crash/")
        for text in _texts(path)
        if HEARD_TWICE.search(text)
    ]
    assert found == []


def test_pages_name_what_they_mean() -> None:
    pages = [path for path in tracked() if path.suffix == ".md"]
    assert ROOT / "docs" / "crash-matrix.md" in pages
    found = [
        f"{name_of(path)}:{number}: {line}"
        for path in pages
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if HEARD_TWICE.search(line)
    ]
    assert found == []


def _bound(path: Path) -> Iterator[tuple[int, str]]:
    """Give every name that a file gives to a value, a parameter or a function, with its line."""
    for node in nodes(path):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, Function | ast.ClassDef):
            yield node.lineno, node.name


def test_a_name_says_what_it_holds() -> None:
    found = [
        f"{name_of(path)}:{line}"
        for path in python_files("src/")
        for line, name in _bound(path)
        if name == NAMES_NOTHING
    ]
    assert found == []


def test_nothing_is_put_off() -> None:
    later = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
    found = [name_of(path) for path in python_files("") if path != Path(__file__) and later.search(path.read_text())]
    assert found == []


def test_no_test_is_skipped() -> None:
    leaving = {"skip", "skipif", "importorskip", "xfail"}
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files("tests/", "conftest.py")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in leaving and _owner(node.value) in {"pytest", "mark"}
    ]
    assert found == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock", "lab/requirements.lock"])
def test_a_lock_names_no_host_and_every_hash(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    package = re.compile(r"[a-z0-9][\w.-]*==[\w.]+(?: ; [\w.*'<>=! ()-]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
    assert [line for line in lines if not package.fullmatch(line) and not digest.fullmatch(line)] == []
    assert sum("==" in line for line in lines) > 5


def test_no_file_knows_where_it_was_made() -> None:
    """Accounts that exist inside lab nodes only are nobody's home."""
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{name_of(path)}: {match[0]}" for match in HOME.finditer(text) if match[1] not in LAB_ACCOUNTS]
        if str(ROOT) in text:
            found.append(f"{name_of(path)}: {ROOT}")
    assert found == []
