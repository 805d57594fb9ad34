"""FIDO keys: what their flags say is demanded by us, because ssh-keygen does not. The keys are fakes; no hardware was at hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from islandmode.core.approval import Approval, document_bytes
from islandmode.store import people
from islandmode.store.approvals import keep
from tests.operate.approvals_given import Plant, copy_of, make_plant
from tests.signing import VALID, FakeFido

HARDWARE = "base: two-people\nhardware: true\n"


@pytest.fixture(scope="module")
def hardware(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plant, FakeFido]:
    """Give a plant whose policy demands hardware, and whose shift lead has a FIDO key in software only."""
    plant, fido = make_plant(tmp_path_factory.mktemp("hardware"), HARDWARE), FakeFido.make()
    signers = people.folder_of(plant.workspace) / "allowed_signers"
    lines = [line for line in signers.read_text().splitlines() if not line.startswith("shift-lead@")]
    signers.write_text("\n".join((*lines, f"shift-lead@riverside {VALID} {fido.public}", "")), encoding="utf-8")
    plant.request()
    return plant, fido


@pytest.fixture
def approval(hardware: tuple[Plant, FakeFido], tmp_path: Path) -> tuple[Plant, FakeFido, Approval]:
    """Give what the shift lead would sign."""
    plant = copy_of(hardware[0], tmp_path)
    made = plant.approve("security-lead")
    return (
        plant,
        hardware[1],
        made.model_copy(update={"id": "approval-fido", "person": "shift-lead", "role": "plant-operations"}),
    )


SAID = {
    0x05: "",
    0x00: "it was made by a FIDO key without a touch and its PIN (flags 0x00); sign with a key that was made with -O verify-required",
    0x01: "it was made by a FIDO key without its PIN (flags 0x01); sign with a key that was made with -O verify-required",
    0x04: "it was made by a FIDO key without a touch (flags 0x04); sign with a key that was made with -O verify-required",
}


@pytest.mark.parametrize("flags", SAID)
def test_a_touch_and_a_pin_are_demanded(approval: tuple[Plant, FakeFido, Approval], flags: int) -> None:
    plant, fido, made = approval
    signature = fido.sign(document_bytes(made), "approval@islandmode", flags)
    keep(plant.workspace, made, signature)
    assert plant.why(made) == SAID[flags]
    folder, name = people.folder_of(plant.workspace), f"{made.id}.json.sig"
    words = ("-I", "shift-lead@riverside", "-n", "approval@islandmode", "-s", str(plant.workspace / "approvals" / name))
    argv = ("ssh-keygen", "-Y", "verify", "-f", str(folder / "allowed_signers"), "-r", str(folder / "revoked_keys"))
    # Whatever the flags are: this is why they are looked at here.
    assert subprocess.run((*argv, *words), input=document_bytes(made), capture_output=True, check=False).returncode == 0


def test_a_key_without_hardware_does_not_count_beside_it(approval: tuple[Plant, FakeFido, Approval]) -> None:
    plant, fido, made = approval
    keep(plant.workspace, made, fido.sign(document_bytes(made), "approval@islandmode", 0x05))
    (told,) = (told for told in plant.against() if "does not count" in told)
    assert told.endswith("does not count: it was signed without a FIDO key, and the policy demands hardware.")
    assert len(plant.standing().counting) == 1
