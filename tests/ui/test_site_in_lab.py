"""A site and its lab are held against each other: each fault stands where it is mended, all of them are told at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.ui.program import command
from islandmode.ui.workspace import start_workspace

SITE, LAB = Path("inventory/riverside.yaml"), Path("lab/plant.clab.yml")
DRILL = "drills/quarterly-isolation.yaml"
REHEARSAL = ("run", "quarterly-isolation", "--mode", "rehearsal")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "plant"
    assert start_workspace(folder) == 0
    (folder / "lab" / "third-party.clab.yml").unlink()
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def complaints(workspace: Path, *words: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        command([*(words or ("validate",)), "--workspace", str(workspace)])
    return str(refused.value).splitlines()


def placed(path: Path, file: Path, text: str) -> str:
    """Name the place of a text in a file, or of what comes after "|" in it, as a complaint does."""
    before, _, _ = text.rpartition("|")
    text = text.replace("|", "")
    lines = (path / file).read_text(encoding="utf-8").splitlines()
    number, line = next((number, line) for number, line in enumerate(lines, 1) if text in line)
    return f"{file}:{number}:{line.index(text) + len(before) + 1}"


# The file, its change, where the complaint stands (a text in that file), and what it says.
ROWS = {
    "a vantage without a node": (
        (LAB, "islandmode.vantage: office, ", ""),
        "office:",
        (
            "No node of the lab (plant.clab.yml) is vantage office; give the node that stands for it the label "
            "islandmode.vantage: office."
        ),
    ),
    "a vantage of another site": (
        (SITE, "  historian:\n    zone: dmz", "  archive:\n    zone: dmz"),
        "archive:\n",
        (
            "No node of the lab (plant.clab.yml) is vantage archive; give the node that stands for it the label "
            "islandmode.vantage: archive."
        ),
    ),
    "a label for an unknown vantage": (
        (
            LAB,
            "plant router, islandmode.zone: line3",
            "plant router, islandmode.zone: line3, islandmode.vantage: offfice",
        ),
        "offfice",
        (
            "Node rtr has the label islandmode.vantage: offfice, which is no vantage of site riverside; known: erp, here, historian, "
            'office, vendor. Did you mean "office"?'
        ),
    ),
    "a node in the site": (
        (
            SITE,
            '    address: [10.10.0.20, "fd10:10::20"]\n',
            '    address: [10.10.0.20, "fd10:10::20"]\n    node: office\n',
        ),
        "node:",
        (
            '"node" no longer stands here: the lab\'s own file says which node it is, by the label islandmode.vantage: NAME on that node. '
            "Take it out."
        ),
    ),
    "a management address of no node": (
        (SITE, "address: 172.31.255.1\n", "address: 172.31.255.2\n"),
        "172.31.255.2",
        (
            "conduit-firewall is managed at 172.31.255.2, but its node fw in the lab (plant.clab.yml) has 172.31.255.1 and fd10:ff::1; "
            "write that here, or give the node `mgmt-ipv4: 172.31.255.2`."
        ),
    ),
    "a management address of another node": (
        (SITE, "address: 172.31.255.1\n", 'address: "fd10:ff::0:100"\n'),
        '"fd10:ff::0:100"',
        (
            "conduit-firewall is managed at fd10:ff::100, but its node fw in the lab (plant.clab.yml) has 172.31.255.1 and fd10:ff::1; "
            "write that here, or give the node `mgmt-ipv6: fd10:ff::100`."
        ),
    ),
    "an interface without a link": (
        (SITE, "vendors: [eth2]", "vendors: [eth2, eth7]"),
        "eth7",
        (
            "Interface eth7 of conduit-firewall, towards zone vendors, has no link in the lab (plant.clab.yml) on its node fw; interfaces "
            "with one: eth1, eth2, eth3, eth4. Name one of them, or add the link."
        ),
    ),
    "a label for an unknown zone": (
        (LAB, "conduit firewall, islandmode.zone: line3", "conduit firewall, islandmode.zone: line33"),
        "line33",
        (
            "Node fw has the label islandmode.zone: line33, which is no zone of site riverside; known: corporate, dmz, line3, vendors. "
            'Did you mean "line3"?'
        ),
    ),
    "a label for an unknown point": (
        (
            LAB,
            "    rtr:\n      network-mode: none",
            "    rtr:\n      network-mode: none\n      labels: {islandmode.isolation-point: rtr}",
        ),
        "rtr}",
        "Node rtr has the label islandmode.isolation-point: rtr, which is no isolation point of site riverside; known: conduit-firewall.",
    ),
    "a label for another lab's point": (
        (SITE, "  conduit-firewall:\n", "  edge-firewall:\n"),
        "edge-firewall:\n",
        (
            "No node of the lab (plant.clab.yml) is isolation point edge-firewall; give the node that stands for it the label "
            "islandmode.isolation-point: edge-firewall."
        ),
    ),
}


TOLD_IN_SITE = "a vantage without a node"
"""The row whose change stands in the lab's file, and whose complaint in the site's."""
WITHOUT_THE_OTHER = {"a label for another lab's point", "a vantage of another site", "a node in the site"}
"""Rows in which the other file has a fault too, or cannot be held against this one."""


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_stands_in_the_file_in_which_it_is_mended(workspace: Path, name: str) -> None:
    (file, old, new), at, sentence = ROWS[name]
    if name == "a label for an unknown point":
        edit(workspace / LAB, "      labels: {islandmode.role: plant router, islandmode.zone: line3}\n", "")
    edit(workspace / file, old, new)
    said = f"{placed(workspace, SITE if name == TOLD_IN_SITE else file, at.strip())}: {sentence}"
    everything = complaints(workspace)
    assert said in everything
    # Of the file alone, and of the other one that does not fit it, the same is said.
    for one in (SITE, LAB) if name != "a node in the site" else (SITE,):
        assert said in complaints(workspace, "validate", str(one))
    if name not in WITHOUT_THE_OTHER:
        assert everything == [said]


def test_every_fault_of_both_files_is_told_at_once_in_order(workspace: Path) -> None:
    for name in ("a vantage without a node", "an interface without a link", "a label for an unknown zone"):
        (file, old, new), _, _ = ROWS[name]
        edit(workspace / file, old, new)
    edit(workspace / SITE, "password: lab:conduit-firewall", "password: lab:firewall")
    told = [line.split(": ")[1][:36] for line in complaints(workspace)]
    assert told == [
        '"password" names a secret that no la',
        "Interface eth7 of conduit-firewall, ",
        "No node of the lab (plant.clab.yml) ",
        "Node fw has the label islandmode.zon",
    ]


@pytest.mark.parametrize("interface", ["eth0", "eth2.40", "wg0"])
def test_an_interface_that_the_node_has_without_a_link_of_its_own_is_good(workspace: Path, interface: str) -> None:
    """The management network's, a VLAN on a link, and what a line of exec makes."""
    edit(
        workspace / LAB, '"sh /run/plant/start.sh fw"', '"sh /run/plant/start.sh fw", "ip link add wg0 type wireguard"'
    )
    edit(workspace / SITE, "vendors: [eth2]", f"vendors: [eth2, {interface}]")
    assert command(["validate", "--workspace", str(workspace)]) == 0


def test_interfaces_of_a_vendor_s_own_image_have_names_of_their_own(workspace: Path) -> None:
    edit(workspace / LAB, "    fw:\n", "    fw:\n      kind: vendor_os\n")
    edit(workspace / SITE, "vendors: [eth2]", "vendors: [ge0]")
    assert command(["validate", "--workspace", str(workspace)]) == 0


def second_site(workspace: Path) -> None:
    """Write another site that shares the lab: it has a zone, a point and a vantage of its own there."""
    lakeside = workspace / "inventory" / "lakeside.yaml"
    shutil.copy(workspace / SITE, lakeside)
    text = lakeside.read_text(encoding="utf-8")
    for old, new in (
        ("site: riverside", "site: lakeside"),
        ("conduit-firewall", "lake-firewall"),
        ("172.31.255.1\n", "172.31.255.2\n"),
        ("vendors:", "makers:"),
        ("vendors,", "makers,"),
        ("zone: vendors", "zone: makers"),
    ):
        assert old in text
        text = text.replace(old, new)
    lakeside.write_text(text, encoding="utf-8")
    edit(
        workspace / LAB,
        "    # line 3, levels 1 to 3\n",
        "    lake:\n      mgmt-ipv4: 172.31.255.2\n"
        "      labels: {islandmode.zone: makers, islandmode.isolation-point: lake-firewall}\n"
        "    # line 3, levels 1 to 3\n",
    )
    links = "".join(f'    - endpoints: ["lake:eth{number}", "sw-corp:eth1{number}"]\n' for number in range(1, 5))
    edit(workspace / LAB, "  links:\n", f"  links:\n{links}")


def test_what_belongs_to_another_site_of_the_same_lab_is_no_fault(workspace: Path) -> None:
    second_site(workspace)
    assert command(["validate", "--workspace", str(workspace)]) == 0
    edit(workspace / LAB, "islandmode.zone: makers", "islandmode.zone: makerz")
    (told,) = complaints(workspace)
    assert told.endswith(
        "Node lake has the label islandmode.zone: makerz, which is no zone of site lakeside or riverside; known: corporate, dmz, line3, "
        'makers, vendors. Did you mean "makers"?'
    )


@pytest.mark.parametrize("text", ["site: lakeside\nzones: 7\n", "site: [\n"])
def test_what_may_belong_to_a_site_that_cannot_be_read_is_not_called_wrong(workspace: Path, text: str) -> None:
    second_site(workspace)
    (workspace / "inventory" / "lakeside.yaml").write_text(text, encoding="utf-8")
    assert {line.split(":")[0] for line in complaints(workspace)} == {"inventory/lakeside.yaml"}


def test_a_site_that_leaves_its_lab_to_the_command_line_may_have_its_labels_there(workspace: Path) -> None:
    second_site(workspace)
    edit(workspace / "inventory" / "lakeside.yaml", "lab:\n  topology: lab/plant.clab.yml\n  name: plant\n", "")
    assert command(["validate", "--workspace", str(workspace)]) == 0


NEEDED = ["a vantage without a node"]


@pytest.mark.parametrize("name", [*NEEDED, "a management address of no node", "a label for another lab's point"])
def test_a_rehearsal_that_would_end_there_is_refused_before_a_lab_comes_up(workspace: Path, name: str) -> None:
    (file, old, new), at, sentence = ROWS[name]
    edit(workspace / file, old, new)
    if name == "a label for another lab's point":
        edit(workspace / SITE, "password: lab:conduit-firewall", "password: lab:edge-firewall")
        edit(workspace / SITE, "    conduit-firewall:\n", "    edge-firewall:\n")
    said = [f"{placed(workspace, SITE if name == TOLD_IN_SITE else file, at.strip())}: {sentence}"]
    assert complaints(workspace, *REHEARSAL) == said
    assert complaints(workspace, "validate", DRILL) == said
    assert not (workspace / ".lab").exists()


def test_what_a_drill_does_not_use_does_not_stop_it(workspace: Path) -> None:
    edit(workspace / SITE, "vantages:\n", "vantages:\n  unused: {zone: corporate, address: 10.10.0.77}\n")
    assert complaints(workspace)[0].startswith(
        f"{placed(workspace, SITE, 'unused:')}: No node of the lab (plant.clab.yml) is vantage unused"
    )
    assert command(["validate", DRILL, "--workspace", str(workspace)]) == 0


def test_the_secret_of_another_point_is_named_with_the_one_that_is_meant(workspace: Path) -> None:
    second_site(workspace)
    text = (workspace / "inventory" / "lakeside.yaml").read_text(encoding="utf-8")
    point = text[text.index("  lake-firewall:") : text.index("# Places to look from.")]
    other = point.replace("  lake-firewall:", "  third:").replace("172.31.255.2", "172.31.255.3")
    edit(workspace / "inventory" / "lakeside.yaml", "# Places to look from.", other + "# Places to look from.")
    told = (
        '"password" is lab:lake-firewall, the password of another isolation point; a lab keeps the password of third under that name, so write '
        "lab:third."
    )
    assert any(line.endswith(told) for line in complaints(workspace))
