"""YAML with positions: the only place that reads YAML. Everything odd in a file is one sentence with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from islandmode.core.errors import InputError, Place

SIZE_MAX_BYTES = 1024 * 1024
DEPTH_MAX = 24
NODES_MAX = 20_000
_ALIAS = re.compile(rb"(?m)(?:^|[\s,\[{:-])[*&][A-Za-z0-9_-]+")

PathInFile = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlTree:
    """One file's mapping, as plain values, with a place for every path into it."""

    file: str
    document: dict[str, Any]
    _tree: CommentedMap

    def place(self, path: PathInFile, *, of_key: bool = False) -> Place:
        """Give the place of the deepest part of a path that the file has; `of_key` points at the key, not the value."""
        node: Any = self._tree
        line, column = 0, 0
        for depth, part in enumerate(path):
            last = depth == len(path) - 1
            if isinstance(node, CommentedMap) and part in node:
                line, column = node.lc.key(part) if of_key and last else node.lc.value(part)
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line, column = node.lc.item(part)
            else:
                break
            node = node[part]
        return Place(self.file, line + 1, column + 1)


def read_yaml(path: Path, shown: str) -> YamlTree:
    """Read one YAML file whose top is a mapping; raises `InputError` with its place, `shown` names the file."""
    text = _read_text(path, shown)
    yaml = YAML(typ="rt", pure=True)
    yaml.allow_duplicate_keys = False
    yaml.max_depth = DEPTH_MAX
    try:
        tree = yaml.load(text)
    except DuplicateKeyError as error:
        mark = error.problem_mark
        key = re.search(r'found duplicate key "([^"]*)"', str(error.problem))
        name = key.group(1) if key else "a key"
        raise InputError(f"{name} is written twice here; keep one of them.", _place(shown, mark)) from None
    except MarkedYAMLError as error:
        problem = (error.problem or "not readable").strip()
        raise InputError(f"This is not YAML: {problem}.", _place(shown, error.problem_mark)) from None
    except (YAMLError, ValueError, RecursionError) as error:
        # ruamel raises a bare ValueError, without a position, on scalars such as "._" and on impossible dates.
        problem = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise InputError(f"This is not YAML that can be read: {problem}.", Place(shown)) from None
    if tree is None:
        raise InputError("The file is empty.", Place(shown, 1, 1))
    if not isinstance(tree, CommentedMap):
        raise InputError('Expected a mapping at the top of the file, lines such as "name: value".', Place(shown, 1, 1))
    budget = [NODES_MAX]
    return YamlTree(shown, _plain(tree, shown, budget, 0), tree)


def _read_text(path: Path, shown: str) -> str:
    try:
        size = path.stat().st_size
        if size > SIZE_MAX_BYTES:
            raise InputError(f"The file has {size} bytes; at most {SIZE_MAX_BYTES} are read.", Place(shown))
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"The file cannot be read ({error.strerror}).", Place(shown)) from None
    if b"\0" in data:
        raise InputError("This is a binary file, not YAML text.", Place(shown))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError("This is not UTF-8 text.", Place(shown, line, 1)) from None
    alias = _ALIAS.search(re.sub(rb"#[^\n]*|\"[^\"\n]*\"|'[^'\n]*'", lambda match: b" " * len(match.group()), data))
    if alias is not None:
        # Aliases let ten lines stand for a billion values, and make it unclear which line a value comes from.
        line = data[: alias.start() + 1].count(b"\n") + 1
        raise InputError("YAML anchors and aliases (& and *) are not read here; write the value out.", Place(shown, line, 1))
    return text


def _place(shown: str, mark: Any) -> Place:
    return Place(shown, mark.line + 1, mark.column + 1) if mark is not None else Place(shown)


def _plain(node: Any, shown: str, budget: list[int], depth: int) -> Any:
    """Turn ruamel's tree into plain values, within bounds."""
    budget[0] -= 1
    if budget[0] < 0 or depth > DEPTH_MAX:
        raise InputError(f"The file holds more than {NODES_MAX} values or is nested too deeply.", Place(shown))
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value, shown, budget, depth + 1) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value, shown, budget, depth + 1) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)
