"""The lab's picture: never stale in the docs, whole, and readable whatever a plant makes of its topology."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.core.errors import InputError
from islandmode.core.other_way import OtherWay
from islandmode.rehearse.node_words import POINT_LABEL, ZONE_LABEL
from islandmode.rehearse.topology import LabLink, LabNode, Topology, read_topology
from islandmode.store.catalog import load_sites
from islandmode.ui.picture.layout import Box, Label, Layout, layout_of
from islandmode.ui.picture.rows import PAD
from islandmode.ui.picture.scene import DETAIL, Scene, scene_of
from islandmode.ui.picture.svg import lab_picture
from islandmode.ui.picture.text import height_of, text_width, width_of
from islandmode.ui.program import command

PROJECT = Path(__file__).resolve().parents[2]
RIVERSIDE = load_sites(PROJECT)["riverside"]
PLANT = read_topology(PROJECT / "lab" / "plant.clab.yml")
SVG = "{http://www.w3.org/2000/svg}"


def topology(nodes: list[LabNode], *links: tuple[str, str, str, str]) -> Topology:
    return Topology("drawn", {node.name: node for node in nodes}, tuple(LabLink(*one) for one in links), Path("x.yml"))


def node(name: str, zone: str = "", *, role: str = "host", point: str = "", management: str = "") -> LabNode:
    labels = {"islandmode.role": role}
    labels |= {ZONE_LABEL: zone} if zone else {}
    labels |= {POINT_LABEL: point} if point else {}
    return LabNode(name, labels=labels, management=(management,) if management else ())


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - our own bytes


def texts(element: ET.Element, part: str = "") -> list[str]:
    """List the texts of a picture, or of the groups of one class."""
    groups = [one for one in element.iter(f"{SVG}g") if one.get("class") == part] if part else [element]
    return [one.text or "" for group in groups for one in group.iter(f"{SVG}text")]


def test_the_picture_in_the_docs_is_of_the_lab_as_it_is() -> None:
    committed = (PROJECT / "docs" / "images" / "lab.svg").read_text(encoding="utf-8")
    fresh = lab_picture(scene_of(PLANT, RIVERSIDE))
    assert committed == fresh, "Run `islandmode lab graph docs/images/lab.svg` and commit the picture."


def test_everything_of_the_lab_is_in_its_picture() -> None:
    picture = parsed(lab_picture(scene_of(PLANT, RIVERSIDE)))
    assert set(PLANT.nodes) <= set(texts(picture, "node") + texts(picture, "point"))
    assert texts(picture, "point")[:4] == ["fw", "conduit firewall", "isolation point", "conduit-firewall"]
    ends = [name for link in PLANT.links for name in (link.interface_a, link.interface_b)]
    assert sorted(texts(picture, "link")) == sorted(ends)
    zones = texts(picture, "zone")
    heads = ["vendors", "Level 5", "corporate", "Level 4", "dmz", "Level 3.5", "line3", "Level 2, OT"]
    assert [one for one in zones if one in heads] == heads
    for name, address in (("erp", "10.10.0.10"), ("ops", "10.40.0.30"), ("vendor", "fd10:15::10")):
        assert address in texts(picture, "node"), name


def test_an_other_way_is_drawn_dashed_and_named_past_every_isolation_point() -> None:
    plain = parsed(lab_picture(scene_of(PLANT, RIVERSIDE)))
    ways = {
        "filler-modem": OtherWay(round="corporate-line3", what="cellular modem on the filler", owner="Line 3"),
        "lab-link": OtherWay(round="remote-access", what="radio bridge", owner="Quality"),
    }
    scene = scene_of(PLANT, RIVERSIDE.model_copy(update={"other_ways": ways}))
    picture = parsed(lab_picture(scene))
    drawn = [group for group in picture.iter(f"{SVG}g") if group.get("class") == "other-way"]
    assert [group.findtext(f"{SVG}title") for group in drawn] == ["filler-modem", "lab-link"]
    assert texts(picture, "other-way") == ["5", "filler-modem", "6", "lab-link"]
    zones = layout_of(scene).zones
    lanes = set()
    for group, (outer, inner) in zip(drawn, (("corporate", "line3"), ("vendors", "line3")), strict=True):
        (path,) = group.iter(f"{SVG}path")
        assert path.get("stroke-dasharray")
        edge, start, lane, end, back = map(float, re.findall(r"-?[0-9.]+", path.get("d") or ""))
        assert zones[outer].y < start < zones[outer].bottom
        assert zones[inner].y < end < zones[inner].bottom
        # Left of every zone: the isolation points stand on the other side.
        assert lane < min(box.x for box in zones.values()) == edge == back
        lanes.add(lane)
    assert len(lanes) == 2
    # All of it was moved to the right, by as much as they take.
    assert float(picture.get("width") or 0) - float(plain.get("width") or 0) > -min(lanes)
    assert set(texts(picture)) >= {"round corporate-line3", "cellular modem on the filler", "radio bridge", "Quality"}
    assert "Other way lab-link, vendors \u2013 line3, leads round remote-access" in (
        picture.findtext(f"{SVG}desc") or ""
    )


def test_every_conduit_is_drawn_across_the_interfaces_that_it_joins() -> None:
    scene = scene_of(PLANT, RIVERSIDE)
    picture = parsed(lab_picture(scene))
    assert texts(picture, "conduit") == [
        *("1", "remote-access", "2", "corporate-dmz", "3", "corporate-line3", "4", "dmz-line3")
    ]
    assert [one.crosses for one in scene.conduits] == [
        *(("fw eth2 \u2013 eth4",), ("fw eth1 \u2013 eth3",), ("fw eth1 \u2013 eth4",), ("fw eth3 \u2013 eth4",))
    ]
    ports = {interface: f"{y:g}" for (_, interface), y in layout_of(scene).ports.items()}
    lanes = [one for one in picture.iter(f"{SVG}g") if one.get("class") == "conduit"]
    dots = [{dot.get("cy") for dot in lane.iter(f"{SVG}circle") if dot.get("r") == "4"} for lane in lanes]
    joined = (("eth2", "eth4"), ("eth1", "eth3"), ("eth1", "eth4"), ("eth3", "eth4"))
    assert dots == [{ports[outer], ports[inner]} for outer, inner in joined]


def test_only_what_is_managed_hangs_on_the_management_network() -> None:
    picture = parsed(lab_picture(scene_of(PLANT, RIVERSIDE)))
    assert texts(picture, "management") == [
        *("eth0", "eth0", "Management network"),
        *("fw: 172.31.255.1, fd10:ff::1", "ops: 172.31.255.100, fd10:ff::100"),
    ]
    dashed = [one for one in picture.iter(f"{SVG}polyline") if one.get("stroke-dasharray")]
    assert len(dashed) == 2


def test_the_picture_says_in_words_what_it_shows() -> None:
    picture = parsed(lab_picture(scene_of(PLANT, RIVERSIDE)))
    assert picture.findtext(f"{SVG}title") == "Lab plant, site riverside"
    said = picture.findtext(f"{SVG}desc") or ""
    assert "vendors (Level 5): vendor. corporate (Level 4): erp, office, sw-corp." in said
    assert "Conduit dmz-line3, dmz \u2013 line3, crosses fw eth3 \u2013 eth4." in said


def test_without_a_site_the_zones_come_from_the_labels() -> None:
    picture = parsed(lab_picture(scene_of(PLANT, None)))
    assert texts(picture, "zone") == ["corporate", "vendors", "dmz", "line3"]
    assert texts(picture, "conduit") == []


def test_what_the_site_does_not_know_is_said_to_be_unknown() -> None:
    lab = topology(
        [node("plc", "line9"), node("fw", point="conduit-firewall"), node("inner", point="inner")],
        ("plc", "eth1", "inner", "eth1"),
        ("plc", "eth2", "fw", "eth4"),
    )
    picture = parsed(lab_picture(scene_of(lab, RIVERSIDE)))
    assert texts(picture, "zone")[-3:] == ["line9", "unknown to site", "riverside"]
    assert texts(picture, "zone").count("no node in this lab") == 4
    assert texts(picture, "point").count("unknown to site") == 1
    assert {"eth1, no link", "eth2, no link", "eth3, no link"} <= set(texts(picture))


def test_names_may_hold_anything() -> None:
    role = 'safety <controller> & "friends"\x07'
    picture = parsed(lab_picture(scene_of(topology([node("a<b", "x&y", role=role)]), None)))
    assert {"a<b", "x&y"} <= set(texts(picture))
    assert picture.findtext(f"{SVG}desc") == "Zones from the outside to the process. x&y: a<b."
    assert " ".join(texts(picture, "node")[1:]) == 'safety <controller> & "friends"\ufffd'


def test_a_redundant_pair_crosses_every_conduit_twice() -> None:
    pair = [node(name, point="conduit-firewall") for name in ("fw-a", "fw-b")]
    lab = topology(
        [*pair, node("rtr", "line3"), node("sw", "dmz")],
        *(("rtr", f"eth{number}", one.name, "eth4") for number, one in enumerate(pair)),
        *(("sw", f"eth{number}", one.name, "eth3") for number, one in enumerate(pair)),
        ("fw-a", "ha0", "fw-b", "ha0"),
    )
    scene = scene_of(lab, RIVERSIDE)
    assert scene.conduits[3].crosses == ("fw-a eth3 \u2013 eth4", "fw-b eth3 \u2013 eth4")
    readable(scene)


NAMES = ("a", "sw-corp", "plc-filler", "historian-of-the-second-line-in-hall-seven", "W" * 30)
INTERFACES = st.sampled_from(["eth1", "eth12", "GigabitEth0-1-1"])
PLACES = st.sampled_from(["", "vendors", "corporate", "dmz", "line3", "safety"])
POINTS = st.sampled_from(["", "", "", "conduit-firewall", "inner"])


@st.composite
def labs(draw: st.DrawFn) -> Topology:
    count = draw(st.integers(1, 10))
    nodes = [
        node(
            f"{draw(st.sampled_from(NAMES))}-{number}",
            draw(PLACES),
            role=draw(st.text(max_size=40)),
            point=draw(POINTS),
            management=draw(st.sampled_from(["", "", "172.31.255.9"])),
        )
        for number in range(count)
    ]
    ends = st.tuples(st.integers(0, count - 1), INTERFACES, st.integers(0, count - 1), INTERFACES)
    links = draw(st.lists(ends, max_size=14))
    return topology(nodes, *((nodes[a].name, one, nodes[b].name, other) for a, one, b, other in links))


@settings(max_examples=150, deadline=None)
@given(lab=labs(), with_site=st.booleans())
def test_every_lab_gets_a_readable_picture(lab: Topology, *, with_site: bool) -> None:
    site = RIVERSIDE if with_site else None
    scene = scene_of(lab, site)
    readable(scene)
    picture = lab_picture(scene)
    assert picture == lab_picture(scene_of(lab, site))
    groups = [one.get("class") for one in parsed(picture).iter(f"{SVG}g")]
    assert groups.count("node") + groups.count("point") == len(lab.nodes)
    assert groups.count("link") == len(lab.links)
    assert groups.count("zone") == len(scene.zones)


def readable(scene: Scene) -> None:
    """Hold that nothing overlaps, that words are where they belong, and that no wire runs through any of it."""
    layout = layout_of(scene)
    points = [box for name, box in layout.nodes.items() if scene.nodes[name].is_point]
    apart([*layout.zones.values(), *points])
    for name, box in layout.nodes.items():
        assert width_of(scene.nodes[name].lines) + 2 * PAD <= box.width + 0.1, name
        assert height_of(scene.nodes[name].lines) + 2 * PAD <= box.height + 0.1, name
        assert scene.nodes[name].is_point or inside(box, layout.zones[scene.nodes[name].zone]), name
    labels = [around(label) for path in layout.paths for label in path.labels]
    solid = [*layout.nodes.values(), *labels, *(around(label) for label in layout.bare)]
    solid += [words_of(scene, name, box) for name, box in layout.zones.items()]
    apart(solid)
    for path in layout.paths:
        for start, end in itertools.pairwise(path.corners):
            assert not any(overlap(one, stretch(start, end)) for one in solid), path
    on_the_sheet(layout, solid)


def apart(boxes: list[Box]) -> None:
    assert [pair for pair in itertools.combinations(boxes, 2) if overlap(*pair)] == []


def overlap(one: Box, other: Box) -> bool:
    """Tell whether two boxes share more than an edge."""
    across = min(one.right, other.right) - max(one.x, other.x)
    down = min(one.bottom, other.bottom) - max(one.y, other.y)
    return across > 0.2 and down > 0.2


def inside(box: Box, outer: Box) -> bool:
    return outer.x <= box.x and outer.y <= box.y and box.right <= outer.right and box.bottom <= outer.bottom


def around(label: Label) -> Box:
    width = text_width(label.text, DETAIL)
    x = label.x if label.anchor == "start" else label.x - width
    return Box(x, label.baseline - 0.8 * DETAIL, width, DETAIL)


def words_of(scene: Scene, name: str, zone: Box) -> Box:
    lines = scene.zones[name].lines
    return Box(zone.x + PAD, zone.y + PAD, width_of(lines), height_of(lines))


def stretch(start: tuple[float, float], end: tuple[float, float]) -> Box:
    """Give a piece of a wire the breadth of its stroke, short of its ends, where it may touch a box."""
    (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    assert left == right or top == bottom
    if left == right:
        return Box(left - 0.6, top, 1.2, bottom - top)
    return Box(left + 0.5, top - 0.6, right - left - 1.0, 1.2)


def on_the_sheet(layout: Layout, boxes: list[Box]) -> None:
    sheet = Box(0, 0, layout.width, layout.bottom)
    assert [box for box in (*boxes, *layout.zones.values()) if not inside(box, sheet)] == []


SAFETY = "  safety:\n    level: 1\n    owner: Safety\n    networks: 10.50.0.0/24\n"
SIS = "    sis:\n      network-mode: none\n      labels: {islandmode.role: SIS, islandmode.zone: safety}\n"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def workspace(folder: Path) -> Path:
    """Make a workspace of the lab's topology and the site, for changing."""
    for name in ("lab/plant.clab.yml", "inventory/riverside.yaml"):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes((PROJECT / name).read_bytes())
    return folder


def graph(folder: Path, *arguments: str) -> int:
    return command(["lab", "graph", "--workspace", str(folder), *arguments])


def test_the_command_draws_into_a_file_or_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.svg"
    assert graph(PROJECT, str(file)) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"The picture of the lab is {file}.\n")
    assert graph(PROJECT, str(file)) == 0
    assert graph(PROJECT) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")


def test_the_command_writes_over_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "notes.svg"
    file.write_text("<svg/>", encoding="utf-8")
    with pytest.raises(InputError, match="is there already and is no picture of a lab; name another file"):
        graph(PROJECT, str(file))
    assert file.read_text(encoding="utf-8") == "<svg/>"
    with pytest.raises(InputError, match=r"cannot be written \(No such file or directory\)"):
        graph(PROJECT, str(tmp_path / "nowhere" / "lab.svg"))


def test_a_zone_that_the_plant_adds_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = workspace(tmp_path)
    edit(folder / "inventory" / "riverside.yaml", "  line3:\n    level: 2", SAFETY + "  line3:\n    level: 2")
    edit(folder / "lab" / "plant.clab.yml", "    hmi:\n", SIS + "    hmi:\n")
    edit(folder / "lab" / "plant.clab.yml", "  links:\n", '  links:\n    - endpoints: ["sis:eth1", "sw-line3:eth6"]\n')
    assert graph(folder) == 0
    picture = parsed(capsys.readouterr().out)
    zones = texts(picture, "zone")
    assert zones[zones.index("safety") :] == ["safety", "Level 1, OT", "Safety"]
    assert "sis" in texts(picture, "node")
    readable(scene_of(read_topology(folder / "lab" / "plant.clab.yml"), load_sites(folder)["riverside"]))


def test_the_site_is_the_one_that_knows_the_isolation_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace(tmp_path)
    other = folder / "inventory" / "other.yaml"
    other.write_bytes((folder / "inventory" / "riverside.yaml").read_bytes())
    edit(other, "site: riverside", "site: other")
    with pytest.raises(InputError, match="Sites other, riverside all have conduit-firewall; say which with --site"):
        graph(folder)
    assert graph(folder, "--site", "riverside") == 0
    assert "Lab plant, site riverside" in capsys.readouterr().out
    with pytest.raises(InputError, match='There is no site "lakeside" in inventory/; known sites: other, riverside'):
        graph(folder, "--site", "lakeside")
    edit(other, "  conduit-firewall:\n", "  other-firewall:\n")
    assert graph(folder) == 0
    assert "Lab plant, site riverside" in capsys.readouterr().out


def test_a_lab_that_no_site_knows_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = workspace(tmp_path)
    edit(folder / "lab" / "plant.clab.yml", "isolation-point: conduit-firewall", "isolation-point: edge")
    with pytest.raises(
        InputError, match="No site in inventory/ has the lab's isolation point edge; known sites: river"
    ):
        graph(folder)
    (folder / "inventory" / "riverside.yaml").unlink()
    assert graph(folder) == 0
    assert parsed(capsys.readouterr().out).findtext(f"{SVG}title") == "Lab plant"
