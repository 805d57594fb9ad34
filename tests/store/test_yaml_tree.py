from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.core.errors import InputError, Place
from islandmode.store.yaml_tree import SIZE_MAX_BYTES, PathInFile, YamlTree, read_yaml
from tests.patience import PATIENCE_S
from tests.store.rows_yaml import INDENTS, NO_BREAK, ROWS

ALL = ROWS | INDENTS


def read(folder: Path, text: str | bytes) -> YamlTree:
    path = folder / "site.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_yaml(path, "site.yaml")


@pytest.mark.parametrize("name", ALL)
def test_bad_yaml_is_one_sentence_with_its_place(name: str, tmp_path: Path) -> None:
    text, expected = ALL[name]
    with pytest.raises(InputError) as refused:
        read(tmp_path, text)
    assert str(refused.value) == expected


def test_fifty_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(InputError) as refused:
        read_yaml(path, "site.yaml")
    assert str(refused.value) == f"site.yaml: The file has 50000000 bytes; at most {SIZE_MAX_BYTES} are read."


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^site.yaml: The file cannot be read \(No such file or directory\)\.$"):
        read_yaml(tmp_path / "site.yaml", "site.yaml")


def test_a_pipe_or_a_folder_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ended: list[str] = []

    def look() -> None:
        for path in (tmp_path / "pipe", tmp_path):
            try:
                read_yaml(path, "x")
            except InputError as error:
                ended.append(str(error))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(PATIENCE_S)
    assert ended == ["x: This is not a file that can be read."] * 2


def test_values_are_what_an_operator_sees(tmp_path: Path) -> None:
    text = (
        "no: NO\ntime: 12:30\ndate: 2026-13-45\nodd: ._\nversion: '1.10'\ncount: 010\nhex: 0x1f\nlevel: 3.5\n"
        "on: true\noff: False\nnothing:\namp: R &D\nstar: '*x'\nbig: 99999999999999999999\nnan: .nan\n"
    )
    assert read(tmp_path, text).document == {
        "no": "NO",
        "time": "12:30",
        "date": "2026-13-45",
        "odd": "._",
        "version": "1.10",
        "count": 10,
        "hex": "0x1f",
        "level": 3.5,
        "on": True,
        "off": False,
        "nothing": None,
        "amp": "R &D",
        "star": "*x",
        "big": "99999999999999999999",
        "nan": ".nan",
    }


def test_a_mark_of_byte_order_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffsite: x\n").document == {"site": "x"}


@pytest.mark.parametrize(
    ("path", "of_key", "line", "column"),
    [
        ((), False, 2, 1),
        (("a",), False, 2, 4),
        (("a",), True, 2, 1),
        (("list", 0), False, 4, 5),
        (("list", 1, "k"), False, 5, 8),
        (("list", 1, "k"), True, 5, 5),
        (("list", 1, "gone"), True, 5, 5),
        (("list", 7), False, 4, 3),
        (("list", 1, "k", "deeper", 3), False, 5, 8),
        (("gone", "deeper"), False, 2, 1),
        (("flow", "x", 1), False, 6, 15),
        (("empty",), False, 7, 1),
    ],
)
def test_every_path_has_a_place(path: PathInFile, *, of_key: bool, line: int, column: int, tmp_path: Path) -> None:
    tree = read(tmp_path, "# first\na: 1\nlist:\n  - one\n  - k: 2\nflow: {x: [1, 2]}\nempty:\n")
    assert tree.place(path, of_key=of_key) == Place("site.yaml", line, column)


def test_odd_spaces_within_text_are_text(tmp_path: Path) -> None:
    text = f"a: 90{NO_BREAK}d, c'est{NO_BREAK}:{NO_BREAK}oui\nb: |\n  {NO_BREAK}x\nc: '{NO_BREAK}- x\n\n  {NO_BREAK}y'\nd: long\n  text\n"
    assert read(tmp_path, text).document == {
        "a": f"90{NO_BREAK}d, c'est{NO_BREAK}:{NO_BREAK}oui",
        "b": f"{NO_BREAK}x\n",
        "c": f"{NO_BREAK}- x\n{NO_BREAK}y",
        "d": "long text",
    }


LETTERS = st.sampled_from(list("ab01: \n-{}[],&*!%'\"|>?#@~.\\\t\0\u00e9\u00a0\ufeff"))


@settings(max_examples=400, deadline=None)
@given(text=st.text(LETTERS, max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    said = ""
    try:
        read(tmp_path_factory.getbasetemp(), text)
    except InputError as error:
        said = str(error)
    assert said.isprintable()
