from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.core.errors import InputError, Place
from islandmode.core.probe import ModbusProbe
from islandmode.core.problem import Problem
from islandmode.store import catalog
from islandmode.store.complaints import PATTERNS
from islandmode.store.rescue import read_needed
from tests.store.rows_catalog import DRILL, KINDS, PACK, ROWS, SECRETS, SITE
from tests.store.rows_other_ways import OTHER_WAYS
from tests.store.workspace import FILES, write_workspace

EVERY_ROW = ROWS | OTHER_WAYS
OPERATORS_FILES = Path(__file__).resolve().parents[2]


def refused(workspace: Path, drill: str = "weekly") -> str:
    with pytest.raises(InputError) as error:
        load_strictly(workspace, drill)
    return str(error.value)


def load_strictly(workspace: Path, drill: str) -> None:
    """What a drill does not ask stops no drill, and is complained of where the whole workspace is checked."""
    catalog.load(workspace, drill)
    catalog.load_probes(workspace)


def test_the_workspace_is_good(tmp_path: Path) -> None:
    loaded = catalog.load(write_workspace(tmp_path), "weekly")
    assert (loaded.drill.drill, loaded.site.site, sorted(loaded.probes)) == (
        "weekly",
        "north",
        ["hmi", "office-plc", "plc"],
    )
    assert loaded.drill.stages[0].hold == 8.0
    assert loaded.drill.limits.longest_ot_gap == 0.5
    assert isinstance(loaded.probes["plc"], ModbusProbe)


@pytest.mark.parametrize("name", EVERY_ROW)
def test_a_bad_value_is_one_sentence_with_its_place(name: str, tmp_path: Path) -> None:
    file, replaced, by, expected = EVERY_ROW[name]
    assert FILES[file].count(replaced) == 1
    said = refused(write_workspace(tmp_path, **{file: FILES[file].replace(replaced, by)}))
    assert expected in said.splitlines()


NUMBERED = {
    "address: 40001": ("1 of the holding registers", 'write "table: holding" and "address: 0"'),
    "table: holding\n    address: 40001": ("1 of the holding registers", 'write "address: 0"'),
    "address: 30010": ("10 of the input registers", 'write "address: 9"'),
    "table: holding\n    address: 49999": ("9999 of the holding registers", 'write "address: 9998"'),
    "table: coil\n    address: 10003": ("3 of the discrete inputs", 'write "table: discrete" and "address: 2"'),
    "address: 400001": ("1 of the holding registers", 'write "table: holding" and "address: 0"'),
    "address: 365536": ("65536 of the input registers", 'write "address: 65535"'),
}


@pytest.mark.parametrize("written", NUMBERED)
def test_an_address_as_in_a_devices_own_list_is_refused_and_explained(written: str, tmp_path: Path) -> None:
    place, write = NUMBERED[written]
    number, line = written.rpartition(" ")[2], 6 + written.count("\n")
    really = f'; if the device is really asked for {number}, add "zero_based: true"' if len(number) == 5 else ""
    said = refused(write_workspace(tmp_path, **{PACK: FILES[PACK].replace("#register: 0", written)}))
    assert said == (
        f'probes/line.yaml:{line}:14: "address" must be counted from 0, as Modbus asks for it: {number} in a device\'s own list '
        f"is number {place}, so {write}{really}; found {number}."
    )


@pytest.mark.parametrize(
    "written",
    [
        "address: 0",
        "address: 9999",
        "address: 20001",
        "address: 40000",
        "address: 10001",
        "address: 50001",
        "zero_based: true\n    address: 40001",
    ],
)
def test_other_addresses_are_taken_as_they_are(written: str, tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path, **{PACK: FILES[PACK].replace("#register: 0", written)})
    probe = catalog.load(workspace, "weekly").probes["plc"]
    assert isinstance(probe, ModbusProbe)
    assert probe.register_address == int(written.rpartition(" ")[2])


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_written_out_by_mistake_is_not_repeated(name: str, tmp_path: Path) -> None:
    file, replaced, by, _ = SECRETS[name]
    said = refused(write_workspace(tmp_path, **{file: FILES[file].replace(replaced, by)}))
    assert "hunter2" not in said
    assert "48151623" not in said


@pytest.mark.parametrize("file", [DRILL, SITE, PACK])
def test_an_empty_file_is_said_to_be_empty(file: str, tmp_path: Path) -> None:
    assert refused(write_workspace(tmp_path, **{file: ""})) == f"{file}:1:1: The file is empty."


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("weakly", 'There is no drill weakly; known drills: weekly. Did you mean "weekly"?'),
        ("drills/gone.yaml", "There is no drill drills/gone.yaml; known drills: weekly."),
        ("drills", "There is no drill drills; known drills: weekly."),
        ("", "There is no drill ; known drills: weekly."),
        ("a\0b", "There is no drill a?b; known drills: weekly."),
        (
            "x" * 300,
            f"The drill {'x' * 60}... cannot be looked up (File name too long); give its name, or the path of its file.",
        ),
    ],
)
def test_an_unknown_drill_lists_the_known_ones(asked: str, expected: str, tmp_path: Path) -> None:
    assert refused(write_workspace(tmp_path), asked) == expected


LAB = "name: plant\ntopology:\n  nodes:\n    ops: {}\n"


@pytest.mark.parametrize(
    ("file", "key", "what"),
    [
        (SITE, "zones", "a site"),
        (PACK, "probes", "a probe pack"),
        ("lab/plant.clab.yml", "topology", "the topology of a lab"),
    ],
)
@pytest.mark.parametrize("read", [catalog.load, read_needed])
def test_another_kind_of_file_is_said_to_be_no_drill(
    file: str, key: str, what: str, read: Callable[[Path, str], object], tmp_path: Path
) -> None:
    workspace = write_workspace(tmp_path, **{"lab/plant.clab.yml": LAB})
    line = next(
        number for number, one in enumerate((workspace / file).read_text().splitlines(), 1) if one.startswith(key)
    )
    with pytest.raises(InputError) as error:
        read(workspace, file)
    assert (
        str(error.value) == f"{file}:{line}:1: This file is {what}, and a drill is needed here; known drills: weekly."
    )


def test_a_drill_with_a_key_of_another_kind_of_file_is_a_drill(tmp_path: Path) -> None:
    said = refused(write_workspace(tmp_path, **{DRILL: FILES[DRILL] + "probes: {}\n"}))
    assert 'Unknown key "probes"' in said


def test_a_folder_without_drills_says_so(tmp_path: Path) -> None:
    drills = tmp_path / "drills"
    assert refused(tmp_path) == f"There is no drill weekly; known drills: none, {drills} has no .yaml file."


@pytest.mark.parametrize("asked", ["weekly", "drills/weekly.yaml"])
def test_a_drill_goes_by_its_name_or_its_path(asked: str, tmp_path: Path) -> None:
    assert catalog.load(write_workspace(tmp_path), asked).drill_tree.file == "drills/weekly.yaml"


def test_a_name_that_two_files_have_is_refused_and_a_path_is_not(tmp_path: Path) -> None:
    workspace = write_workspace(
        tmp_path, **{"drills/weekly.yml": FILES[DRILL].replace("drill: weekly", "drill: other")}
    )
    assert refused(workspace) == (
        "There are two drills called weekly, drills/weekly.yaml and drills/weekly.yml; name one by its path."
    )
    assert catalog.load(workspace, "drills/weekly.yml").drill.drill == "other"


def test_what_is_wrong_in_a_drill_and_in_its_site_is_said_at_once(tmp_path: Path) -> None:
    drill, site = FILES[DRILL].replace("hold: 8 s", "hold: 8"), FILES[SITE].replace("level: 4", "level: 2.7")
    lines = refused(write_workspace(tmp_path, **{DRILL: drill, SITE: site})).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["drills/weekly.yaml:8:11", "inventory/north.yaml:3:19"]


def test_a_file_that_is_wrong_throughout_leaves_room_for_others(tmp_path: Path) -> None:
    keys = "".join(f"key-{number}: 1\n" for number in range(50))
    drill, site = FILES[DRILL] + keys, FILES[SITE].replace("level: 4", "level: 2.7")
    lines = refused(write_workspace(tmp_path, **{DRILL: drill, SITE: site})).splitlines()
    assert lines[20] == "drills/weekly.yaml: and 30 more."
    assert lines[21].startswith("inventory/north.yaml:3:19: ")


def test_a_drill_may_lie_outside_the_workspace(tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.yaml"
    elsewhere.write_text(FILES[DRILL].replace("drill: weekly", "drill: Other"), encoding="utf-8")
    said = refused(write_workspace(tmp_path / "plant"), str(elsewhere))
    assert said.startswith(f'{elsewhere}:1:8: "drill" must be a name')


def test_a_missing_site_lists_the_known_ones(tmp_path: Path) -> None:
    write_workspace(tmp_path, **{DRILL: FILES[DRILL].replace("site: north", "site: nort")})
    assert refused(tmp_path) == (
        'drills/weekly.yaml:2:7: There is no site "nort" in inventory/; known sites: north. Did you mean "north"?'
    )


def test_without_any_site_none_is_known(tmp_path: Path) -> None:
    (write_workspace(tmp_path) / SITE).unlink()
    assert refused(tmp_path) == 'drills/weekly.yaml:2:7: There is no site "north" in inventory/; known sites: none.'


def test_a_site_stands_in_one_file_only(tmp_path: Path) -> None:
    write_workspace(tmp_path, **{"inventory/old.yaml": FILES[SITE]})
    assert refused(tmp_path) == (
        'inventory/old.yaml:1:7: Site "north" is already defined in inventory/north.yaml; a name may be used once.'
    )


def test_a_probe_stands_in_one_pack_only(tmp_path: Path) -> None:
    write_workspace(tmp_path, **{"probes/more.yml": "probes:\n  plc: {kind: icmp, vantage: here, target: 10.0.2.9}\n"})
    assert refused(tmp_path) == (
        'probes/more.yml:2:3: Probe "plc" is already defined in probes/line.yaml; a name may be used once.'
    )


ANSIBLE = "all:\n  vars:\n    password: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n"
BESIDE = {
    "inventory/._north.yaml": "\0\0\0Mac OS X",
    "drills/.#weekly.yaml": "",
    "probes/.#line.yaml": "",
    "inventory/hosts.yaml": ANSIBLE,
    "probes/other.yaml": "probes:\n  pump: {kind: modbuss, vantage: here, target: 10.0.2.9}\n",
}


def test_what_a_drill_does_not_need_does_not_stop_it(tmp_path: Path) -> None:
    """A Mac's and an editor's hidden files, an Ansible inventory with a secret in it, another line's broken probes."""
    loaded = catalog.load(write_workspace(tmp_path, **BESIDE), "weekly")
    assert loaded.site.site == "north"
    assert {"plc", "office-plc"} <= set(loaded.probes)
    assert [str(error).split(": ")[0] for error in loaded.left_out] == [
        "inventory/hosts.yaml:3:15",
        "probes/other.yaml:2:16",
    ]


def test_a_wrong_probe_beside_those_that_a_drill_asks_does_not_stop_it(tmp_path: Path) -> None:
    loaded = catalog.load(write_workspace(tmp_path, **{PACK: FILES[PACK].replace("kind: http", "kind: htp")}), "weekly")
    assert set(loaded.probes) == {"plc", "office-plc"}
    assert 'Did you mean "http"?' in str(loaded.left_out[0])
    with pytest.raises(InputError, match='Did you mean "http"'):
        catalog.load_probes(tmp_path)


def test_a_wrong_probe_that_a_drill_asks_stops_it(tmp_path: Path) -> None:
    twice = "probes:\n  plc: {kind: icmp, vantage: here, target: 10.0.2.9}\n  pump: {kind: icm}\n"
    assert refused(write_workspace(tmp_path, **{"probes/other.yaml": twice})).splitlines() == [
        f'probes/other.yaml:3:16: "kind" must be one of {KINDS}; found "icm". Did you mean "icmp"?',
        'probes/other.yaml:2:3: Probe "plc" is already defined in probes/line.yaml; a name may be used once.',
    ]


def test_hidden_files_are_no_input(tmp_path: Path) -> None:
    write_workspace(tmp_path, **BESIDE)
    assert [path.name for path in catalog.files(tmp_path, "drills")] == ["weekly.yaml"]


def test_everything_wrong_is_said_at_once_in_the_order_of_the_files(tmp_path: Path) -> None:
    site = FILES[SITE].replace("level: 4", "level: 9").replace("tcp/502", "modbus")
    pack = FILES[PACK].replace("port: 502\n", "prt: 502\n")
    lines = refused(write_workspace(tmp_path, **{SITE: site, PACK: pack, "probes/z.yaml": ""})).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "inventory/north.yaml:3:19",
        "inventory/north.yaml:17:18",
        "probes/line.yaml:5:5",
        "probes/z.yaml:1:1",
    ]


def test_a_file_that_is_wrong_throughout_is_cut_short(tmp_path: Path) -> None:
    keys = "".join(f"key-{number}: 1\n" for number in range(50))
    lines = refused(write_workspace(tmp_path, **{DRILL: FILES[DRILL] + keys})).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "drills/weekly.yaml: and 30 more."


def test_a_terminal_is_safe_from_what_a_file_says(tmp_path: Path) -> None:
    said = refused(write_workspace(tmp_path, **{DRILL: FILES[DRILL] + f'"\\e[31m{"k" * 200}": 1\n'}))
    assert said.startswith(f'drills/weekly.yaml:17:1: Unknown key "?[31m{"k" * 55}...".')


def test_planning_says_where_in_any_of_the_files(tmp_path: Path) -> None:
    loaded = catalog.load(write_workspace(tmp_path), "weekly")
    problems = [
        Problem("drill", ("stages", 0, "hold"), "Too long."),
        Problem("site", ("isolation_points", "firewall", "management", "address"), "Inside the cut."),
        Problem("probes", ("hmi", "vantage"), "Not there."),
        Problem("probes", ("nobody",), "Nowhere."),
    ]
    assert str(catalog.problem_error(loaded, problems)).splitlines() == [
        "drills/weekly.yaml:8:11: Too long.",
        "inventory/north.yaml:24:27: Inside the cut.",
        "probes: Nowhere.",
        "probes/line.yaml:11:14: Not there.",
    ]
    assert catalog.problem_error(loaded, problems[:1]).place == Place("drills/weekly.yaml", 8, 11)


def test_the_operators_own_files_are_good() -> None:
    loaded = catalog.load(OPERATORS_FILES, "quarterly-isolation")
    assert set(loaded.drill.continuity) | set(loaded.drill.severed) <= set(loaded.probes)
    assert set(catalog.load_sites(OPERATORS_FILES)) == {"riverside"}


def parts(node: Any) -> list[dict[str, Any]]:
    """List every mapping in a schema."""
    if isinstance(node, dict):
        return [node, *(part for value in node.values() for part in parts(value))]
    return [part for item in node for part in parts(item)] if isinstance(node, list) else []


def test_every_pattern_has_words() -> None:
    duration = catalog.schemas()["drill"]["$defs"]["Stage"]["properties"]["hold"]
    found = [part["pattern"] for schema in catalog.schemas().values() for part in parts(schema) if "pattern" in part]
    patterns = {pattern for pattern in found if isinstance(pattern, str)} - {duration["pattern"]}
    assert patterns == set(PATTERNS)
    assert re.fullmatch(duration["pattern"], "8 s")
    assert duration["type"] == "string"


def test_schemas_let_one_item_stand_for_a_list_and_refuse_unknown_keys() -> None:
    schemas = catalog.schemas()
    assert set(schemas) == {"drill", "site", "probes", "recipe", "people", "policy"}
    continuity = schemas["drill"]["properties"]["continuity"]
    assert [form["type"] for form in continuity["anyOf"]] == ["array", "string"]
    closed = [part for schema in schemas.values() for part in parts(schema) if "properties" in part and "type" in part]
    assert closed
    assert all(part.get("additionalProperties") is False for part in closed if isinstance(part["type"], str))


VALUES = (
    "",
    "null",
    "true",
    "-1",
    "9.5",
    "[]",
    "{}",
    "[[1]]",
    "{a: {b: c}}",
    "'x'",
    "10.0.0.1/33",
    "::/0",
    "8 s",
    "NO",
    "!x",
)
LINES = [(file, number) for file, text in FILES.items() for number in range(len(text.splitlines()))]


@settings(max_examples=300, deadline=None)
@given(where=st.sampled_from(LINES), value=st.sampled_from(VALUES), keeps_key=st.booleans())
def test_whatever_a_line_becomes_the_answer_is_in_sentences(
    where: tuple[str, int], value: str, *, keeps_key: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file, number = where
    lines = FILES[file].splitlines()
    key = lines[number].partition(":")[0]
    lines[number] = f"{key}: {value}" if keeps_key else f"{key}{value}"
    workspace = write_workspace(tmp_path_factory.getbasetemp() / "fuzzed", **{file: "\n".join(lines) + "\n"})
    said = ""
    try:
        catalog.load(workspace, "weekly")
    except InputError as error:
        said = str(error)
    assert all(line.endswith((".", "?")) and line.isprintable() for line in said.splitlines())
