"""YAML with positions: the only place that reads YAML. Everything odd in a file is one sentence with its place.

ruamel parses; its tree of nodes, each with its position, is turned into plain values here and not by its constructors.
So a value is what an operator sees: text, a decimal number, true, false or nothing. A date stays text, NO is not false,
and what only a program would write (anchors, tags, merge keys, directives) is refused.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import category

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from islandmode.core.errors import InputError, Place
from islandmode.store.yaml_faults import explained, indented_with, item_in_text, odd_in_value, odd_indents

SIZE_MAX_BYTES = 1024 * 1024
DEPTH_MAX = 24
NODES_MAX = 20_000
SHOWN_MAX = 60
FILES_KEPT = 64
"""Texts whose nodes are kept. Only the text counts, so what changed on disk is always read anew."""

PathInFile = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")


@dataclass(frozen=True)
class YamlTree:
    """One file's mapping, as plain values, with a place for every path into it."""

    file: str
    document: dict[str, Any]
    _places: dict[PathInFile, tuple[Place, Place]]
    sha256: str
    """Digest of the bytes that were read."""

    def place(self, path: PathInFile, *, of_key: bool = False) -> Place:
        """Give the place of the deepest part of a path that the file has; `of_key` points at the key, not the value."""
        whole = path
        while path not in self._places:
            path = path[:-1]
        key, value = self._places[path]
        return key if of_key and path == whole else value


def read_yaml(path: Path, shown: str) -> YamlTree:
    """Read one YAML file whose top is a mapping; raises `InputError` with its place, `shown` names the file."""
    data = _bytes(path, shown)
    text = _text(data, shown)
    try:
        node = _composed(text)
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise InputError("There is a control character here; remove it.", Place(shown, line, 1)) from None
    except _Unwanted as error:
        raise InputError(str(error.problem), _place(shown, error.problem_mark)) from None
    except MarkedYAMLError as error:
        raise explained(text, shown, error) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"This is not YAML: {show(str(error))}.", Place(shown)) from None
    if node is None:
        raise InputError("The file is empty.", Place(shown, 1, 1))
    if not isinstance(node, MappingNode):
        raise InputError('Expected a mapping at the top of the file, lines such as "name: value".', Place(shown, 1, 1))
    lines = text.split("\n")
    growing = _Growing(shown, {(): (Place(shown, 1, 1), _place(shown, node.start_mark))}, lines, odd_indents(lines))
    return YamlTree(shown, growing.mapping(node, ()), growing.places, hashlib.sha256(data).hexdigest())


def show(text: str) -> str:
    """Make a file's words fit for a sentence on a terminal: one short line without control characters."""
    cut_short = text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."
    return "".join(letter if letter.isprintable() else "?" for letter in cut_short)


def _bytes(path: Path, shown: str) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError("This is not a file that can be read.", Place(shown))
        if found.st_size > SIZE_MAX_BYTES:
            raise InputError(f"The file has {found.st_size} bytes; at most {SIZE_MAX_BYTES} are read.", Place(shown))
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"The file cannot be read ({error.strerror}).", Place(shown)) from None


def _text(data: bytes, shown: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("This is UTF-16 text; save the file as UTF-8.", Place(shown))
    if b"\0" in data:
        raise InputError("This is a binary file, not YAML text.", Place(shown))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError("This is not UTF-8 text; save the file as UTF-8.", Place(shown, line, 1)) from None


@lru_cache(maxsize=FILES_KEPT)
def _composed(text: str) -> Any:
    """Compose a text's nodes, which nothing changes: a command reads the same file again for each run that it judges."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _BoundedComposer
    return yaml.compose(text)


def _place(shown: str, mark: Any) -> Place:
    return Place(shown, mark.line + 1, mark.column + 1) if mark is not None else Place(shown)


class _Unwanted(MarkedYAMLError):
    """YAML, but not of the kind that is read here; the problem is a whole sentence."""


class _BoundedComposer(Composer):
    """Stops at the first thing that is refused, before ten lines have become a billion values."""

    _nodes = 0

    def get_single_node(self) -> Any:
        """Compose the only document of a file; an empty file gives None."""
        node = super().get_single_node()
        return None if isinstance(node, ScalarNode) and not node.value and node.style is None else node

    def compose_document(self) -> Any:
        """Compose the one document, which must not say how it wants to be read."""
        start = self.parser.peek_event()
        if start.version is not None or start.tags:
            # %YAML 1.1 would make NO mean false.
            raise _Unwanted(
                problem="YAML directives (%) are not read here; remove this line.", problem_mark=start.start_mark
            )
        node = super().compose_document()
        if self.check_node():
            mark = self.parser.peek_event().start_mark
            raise _Unwanted(
                problem="A second document begins here, and only one is read; put it into a file of its own.",
                problem_mark=mark,
            )
        return node

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose one node, within bounds."""
        event = self.parser.peek_event()
        self._nodes += 1
        if (why := self._refusal(event)) is not None:
            raise _Unwanted(problem=why, problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def _refusal(self, event: Any) -> str | None:
        if isinstance(event, AliasEvent) or event.anchor is not None:
            # Aliases also make it unclear which line a value comes from.
            return "YAML anchors and aliases (& and *) are not read here; write the value out."
        if event.ctag is not None:
            return "YAML tags (!) are not read here; write the value alone."
        if self._nodes > NODES_MAX:
            return f"The file holds more than {NODES_MAX} values; split it."
        if self.depth >= DEPTH_MAX:
            return f"This is nested more than {DEPTH_MAX} levels deep; write it with fewer levels."
        return None


@dataclass
class _Growing:
    """A tree in the making: plain values, and for every path the places of its key and its value."""

    shown: str
    places: dict[PathInFile, tuple[Place, Place]]
    lines: Sequence[str]
    odd_indents: dict[int, tuple[int, str]]

    def mapping(self, node: Any, path: PathInFile) -> dict[str, Any]:
        """Turn a mapping into a dict; keys are text, each once."""
        grown: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = _place(self.shown, key_node.start_mark)
            key = self._key(key_node, place)
            if key in grown:
                first = self.places[*path, key][0].line
                raise InputError(f'The key "{show(key)}" is already in line {first}; keep one of them.', place)
            # What is left empty begins, for the parser, where the next thing does: in a later line.
            empty = value_node.start_mark.index == value_node.end_mark.index
            self.places[*path, key] = place, place if empty else _place(self.shown, value_node.start_mark)
            grown[key] = self.value(value_node, (*path, key))
        return grown

    def value(self, node: Any, path: PathInFile) -> Any:
        """Turn any node into a plain value."""
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            items = []
            for number, item in enumerate(node.value):
                place = _place(self.shown, item.start_mark)
                self.places[*path, number] = place, place
                items.append(self.value(item, (*path, number)))
            return items
        if any(category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in node.value):
            raise InputError("There is a control character in this text; remove it.", self.places[path][1])
        self._refuse_odd_spaces(node)
        return _scalar(node)

    def _refuse_odd_spaces(self, node: Any) -> None:
        """Refuse what looks like indentation and is text; within quotes and blocks of text it may well be meant."""
        if node.style is not None:
            return
        start = node.start_mark
        for number in range(start.line, node.end_mark.line + 1):
            column, space = self.odd_indents.get(number, (0, ""))
            if space and (number > start.line or column == start.column):
                raise InputError(indented_with(space), Place(self.shown, number + 1, column + 1))
            if number > start.line and self.lines[number].lstrip(" ").startswith("- "):
                column = len(self.lines[number]) - len(self.lines[number].lstrip(" "))
                raise InputError(item_in_text(start.line), Place(self.shown, number + 1, column + 1))
        if (why := odd_in_value(str(node.value))) is not None:
            raise InputError(why, _place(self.shown, start))

    def _key(self, node: Any, place: Place) -> str:
        if not isinstance(node, ScalarNode):
            raise InputError("A key must be text here, not a list or a mapping.", place)
        if str(node.tag) == f"{_TAG}merge":
            raise InputError('Merge keys ("<<") are not read here; write the values out.', place)
        self._refuse_odd_spaces(node)
        text = str(node.value)
        if node.style is None and text.startswith("-"):
            raise InputError('There is no space after "-" here; write "- key: value".', place)
        if str(node.tag) != f"{_TAG}str":
            raise InputError(f'A key must be text here; put it in quotes: "{show(text)}".', place)
        return text


def _scalar(node: Any) -> Any:
    """Read one plain value; whatever is not plainly a decimal number, true, false or nothing stays text."""
    kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    readers: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {"int": (_INT, int), "float": (_FLOAT, float)}
    if kind in readers and readers[kind][0].fullmatch(text):
        return readers[kind][1](text)
    return text
