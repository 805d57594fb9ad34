"""A site names its lab and the file that it comes up from; what is given by hand comes first, and what is wrong has its place."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.rehearse.lab_place import LabPlace, lab_meant, names_meant
from islandmode.ui.program import command
from islandmode.ui.workspace import start_workspace

OWN = "lab:\n  topology: lab/plant.clab.yml\n  name: plant\n"
FILLING, PLANT = Path("lab/filling.clab.yml"), Path("lab/plant.clab.yml")
LINK = '  links:\n    - endpoints: ["opsy:eth9", "fw:eth9"]\n'
SITE = Path("inventory") / "riverside.yaml"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace whose site has a lab of its own, in a file of its own."""
    folder = tmp_path / "plant"
    assert start_workspace(folder) == 0
    edit(folder / SITE, OWN, "lab: {topology: lab/filling.clab.yml, name: filling}\n")
    shutil.copy(folder / PLANT, folder / FILLING)
    edit(folder / FILLING, "name: plant", "name: filling-hall")
    return folder


def second_site(workspace: Path) -> None:
    shutil.copy(workspace / SITE, workspace / "inventory" / "lakeside.yaml")
    edit(workspace / "inventory" / "lakeside.yaml", "site: riverside", "site: lakeside")
    edit(workspace / "inventory" / "lakeside.yaml", "filling.clab.yml, name: filling", "plant.clab.yml, name: lake")


def meant(place: LabPlace) -> tuple[str, Path]:
    return place.name, place.topology


def test_the_site_s_lab_is_meant_where_none_is_given(workspace: Path) -> None:
    place = lab_meant(workspace)
    assert (meant(place), str(place.said_at), place.site) == (
        ("filling", FILLING),
        "inventory/riverside.yaml:8:17",
        "riverside",
    )


@pytest.mark.parametrize(
    ("name", "topology", "expected"),
    [
        ("other", None, ("other", FILLING)),
        (None, PLANT, ("filling", PLANT)),
        ("other", PLANT, ("other", PLANT)),
        (None, FILLING, ("filling", FILLING)),
    ],
)
def test_what_is_given_by_hand_comes_first(
    workspace: Path, name: str | None, topology: Path | None, expected: tuple[str, Path]
) -> None:
    assert meant(lab_meant(workspace, name, topology)) == expected


def test_of_several_labs_the_one_that_fits_is_meant(workspace: Path) -> None:
    second_site(workspace)
    assert meant(lab_meant(workspace, "lake")) == ("lake", PLANT)
    assert meant(lab_meant(workspace, None, FILLING)) == ("filling", FILLING)
    assert meant(lab_meant(workspace, site="lakeside")) == ("lake", PLANT)
    several = (
        "The sites of this workspace name several labs: lake from lab/plant.clab.yml (site lakeside), filling from "
        "lab/filling.clab.yml (site riverside). Say which with --lab or --topology."
    )
    with pytest.raises(InputError, match=re.escape(several)):
        lab_meant(workspace)
    assert names_meant(workspace, None) == ("lake", "filling")
    assert names_meant(workspace, None, "riverside") == ("filling",)


def test_a_workspace_whose_sites_name_none_has_the_usual_lab(tmp_path: Path) -> None:
    assert meant(lab_meant(tmp_path)) == ("plant", PLANT)
    assert names_meant(tmp_path, None) == ("plant",)


def test_status_asks_for_the_lab_of_every_site(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second_site(workspace)
    assert command(["status", "--workspace", str(workspace)]) == 0
    assert capsys.readouterr().out.startswith("Lab lake is not running.\nLab filling is not running.\n")
    (workspace / SITE).write_text("lab: [", encoding="utf-8")
    assert command(["status", "--workspace", str(workspace)]) == 0
    assert capsys.readouterr().out.startswith("Lab lake is not running.\n")


NEEDS_THE_FILE = [("lab", "up"), ("lab", "graph"), ("validate",), ("run", "quarterly-isolation", "--mode", "rehearsal")]


@pytest.mark.parametrize("words", NEEDS_THE_FILE, ids=" ".join)
def test_a_topology_that_is_not_there_is_complained_of_where_the_site_names_it(
    workspace: Path, words: tuple[str, ...]
) -> None:
    (workspace / FILLING).unlink()
    said = "inventory/riverside.yaml:8:17: There is no lab topology lab/filling.clab.yml in the workspace; write it"
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        command([*words, "--workspace", str(workspace)])


@pytest.mark.parametrize("words", NEEDS_THE_FILE, ids=" ".join)
def test_a_topology_that_is_wrong_is_complained_of_in_its_own_file(workspace: Path, words: tuple[str, ...]) -> None:
    edit(workspace / FILLING, "  links:\n", LINK)
    with pytest.raises(InputError, match=r"lab/filling\.clab\.yml:\d+:\d+: There is no node opsy; known nodes: erp"):
        command([*words, "--workspace", str(workspace)])


def test_validate_checks_a_topology_outside_of_lab_that_a_site_names(workspace: Path) -> None:
    (workspace / "labs").mkdir()
    (workspace / FILLING).rename(workspace / "labs" / "filling.clab.yml")
    edit(workspace / SITE, "lab/filling.clab.yml", "labs/filling.clab.yml")
    edit(workspace / "labs" / "filling.clab.yml", "  links:\n", LINK)
    with pytest.raises(InputError, match=r"labs/filling\.clab\.yml:\d+:\d+: There is no node opsy; known nodes: erp"):
        command(["validate", "--workspace", str(workspace)])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "  historian:\n    zone: dmz",
            "  archive:\n    zone: dmz",
            "inventory/riverside.yaml:{line}:3: No node of the lab (filling.clab.yml) is vantage archive; give",
        ),
        (
            "  conduit-firewall:\n",
            "  edge-firewall:\n",
            "inventory/riverside.yaml:{line}:3: No node of the lab (filling.clab.yml) is isolation point edge-firewall; give",
        ),
        (
            "topology: lab/filling.clab.yml",
            "topology: ../filling.clab.yml",
            'inventory/riverside.yaml:{line}:17: "topology" must be a path inside the workspace, such as lab/plant.clab.yml',
        ),
        (
            "topology: lab/filling.clab.yml",
            "topology: /srv/filling.clab.yml",
            'inventory/riverside.yaml:{line}:17: "topology" must be a path inside the workspace, such as lab/plant.clab.yml',
        ),
    ],
)
def test_validate_holds_a_site_against_its_lab(workspace: Path, old: str, new: str, said: str) -> None:
    edit(workspace / SITE, old, new)
    lines = (workspace / SITE).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if new.strip().splitlines()[0] in text)
    with pytest.raises(InputError, match=re.escape(said.format(line=line))):
        command(["validate", "--workspace", str(workspace)])


def test_the_graph_is_of_the_site_s_topology_or_of_the_one_that_is_given(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, title in (
        ((), "Lab filling-hall, site riverside"),
        (("--topology", str(PLANT)), "Lab plant, site riverside"),
        (("--site", "riverside"), "Lab filling-hall, site riverside"),
    ):
        assert command(["lab", "graph", *words, "--workspace", str(workspace)]) == 0
        assert f"<title>{title}</title>" in capsys.readouterr().out
    second_site(workspace)
    assert command(["lab", "graph", "--site", "lakeside", "--workspace", str(workspace)]) == 0
    assert "<title>Lab plant, site lakeside</title>" in capsys.readouterr().out


def test_the_card_of_a_drill_names_its_site_s_lab(workspace: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.html"
    assert command(["plan", "quarterly-isolation", "--workspace", str(workspace), "--card", str(card)]) == 0
    assert "islandmode lab shell --lab filling conduit-firewall" in card.read_text(encoding="utf-8")
