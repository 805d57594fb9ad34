"""`devices check` on a member of a pair that goes by a recipe: its role and its sync are told, and judged as preflight judges them."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.resources import files
from io import StringIO
from pathlib import Path

import pytest

from islandmode.ui.program import command
from tests.core.recipe_plant import recipe
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.kirkby import SITE, device_of, served_beside
from tests.more import first_of
from tests.operate.test_check_by_recipe import FORTI, RANGE, REVERT, ready

ASKED = {
    FORTI: {"get system status", "get system ha status"},
    RANGE: {"show standby brief"},
    REVERT: {"show standby brief"},
}


def primary(device: FortiDevice) -> None:
    """It is as it was formed."""


def secondary(device: FortiDevice) -> None:
    device.hand_over()


def out_of_sync(device: FortiDevice) -> None:
    device.pair = "out-of-sync"


def lost_the_other(device: FortiDevice) -> None:
    device.members = [device]


def standalone(device: FortiDevice) -> None:
    device.ha_mode = "standalone"


IN_ORDER = "in-sync"
CLUSTER: dict[str, tuple[Callable[[FortiDevice], None], str, str, set[str]]] = {
    "primary": (primary, "active", IN_ORDER, set()),
    "secondary": (secondary, "standby", IN_ORDER, set()),
    "out of sync": (out_of_sync, "active", "out-of-sync", {"pair-out-of-sync", "point-not-ready"}),
    "alone": (lost_the_other, "active", "unknown", {"pair-sync-unread"}),
    "no member of a cluster": (standalone, "unknown", IN_ORDER, {"pair-role-unread"}),
}


@pytest.mark.parametrize(("spoil", "role", "sync", "codes"), CLUSTER.values(), ids=CLUSTER)
def test_a_member_of_a_cluster_is_told_and_refused_as_preflight_does(
    tmp_path: Path, spoil: Callable[[FortiDevice], None], role: str, sync: str, codes: set[str]
) -> None:
    with ready(tmp_path, FORTI) as kirkby, served_beside(device_of(FORTI)) as second:
        device, other = kirkby.server.device, second.device
        assert isinstance(device, FortiDevice)
        assert isinstance(other, FortiDevice)
        device.form_cluster(other)
        name = kirkby.pair_with(second)
        spoil(device)
        code, told = kirkby.checked()
        assert ASKED[FORTI] <= set(device.received())
        assert other.log == []
    assert {finding["code"] for finding in told["findings"] if finding["refuses"]} == codes
    assert (code, told["ready"]) == ((4, False) if codes else (0, True))
    pair = told["pair"]
    assert (pair["name"], pair["not_asked"], pair["role"], pair["sync"]) == ("edge", [name], role, sync)
    assert (pair["role_why"] is None, pair["sync_why"] is None) == (role != "unknown", sync != "unknown")


@pytest.mark.parametrize("platform", first_of([RANGE, REVERT]))
@pytest.mark.parametrize(
    ("groups", "role", "codes"),
    [
        (["Active", "Active"], "active", []),
        (["Standby"], "standby", []),
        (["Active", "Standby"], "divided", ["pair-out-of-step"]),
        ([], "unknown", ["pair-role-unread"]),
    ],
)
def test_a_router_is_told_by_hsrp_and_keeps_nothing_in_sync(
    tmp_path: Path, platform: str, groups: list[str], role: str, codes: list[str]
) -> None:
    with ready(tmp_path, platform) as kirkby, served_beside(device_of(platform)) as second:
        device = kirkby.server.device
        assert isinstance(device, IosDevice)
        device.hsrp = groups
        kirkby.pair_with(second)
        code, told = kirkby.checked()
        assert ASKED[platform] <= set(device.received())
    assert code == (4 if codes else 0)
    assert [finding["code"] for finding in told["findings"] if finding["refuses"]] == codes
    assert (told["pair"]["role"], told["pair"]["sync"], told["pair"]["sync_why"]) == (role, "not-kept", None)


def test_a_person_reads_the_same_words(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as kirkby, served_beside(device_of(RANGE)) as second:
        device = kirkby.server.device
        assert isinstance(device, IosDevice)
        device.hsrp = ["Standby"]
        kirkby.pair_with(second)
        with redirect_stdout(StringIO()) as said:
            assert command(["devices", "check", kirkby.name, "--workspace", str(kirkby.root)]) == 0
    told = "Member of pair edge (role: standby, sync: not-kept); vendor-router-b was not asked, and preflight asks every member.\n"
    assert told in said.getvalue()


def test_of_a_recipe_that_has_no_question_nothing_is_told(tmp_path: Path) -> None:
    with ready(tmp_path, RANGE) as kirkby, served_beside(device_of(RANGE)) as second:
        kirkby.pair_with(second)
        shipped = files("islandmode").joinpath("recipes", f"{RANGE}.yaml").read_text(encoding="utf-8")
        own = re.sub(r"(?m)^pair:\n(?: .*\n)+|^  standby: \{.*\n", "", shipped).replace(RANGE, "own-range")
        (kirkby.root / "inventory" / "recipes").mkdir(exist_ok=True)
        (kirkby.root / "inventory" / "recipes" / "own-range.yaml").write_text(own, encoding="utf-8")
        site = kirkby.root / SITE
        site.write_text(site.read_text(encoding="utf-8").replace(RANGE, "own-range"), encoding="utf-8")
        code, told = kirkby.checked()
    (finding,) = (finding for finding in told["findings"] if finding["code"] == "pair-role-untold")
    assert (code, finding["refuses"]) == (0, False)
    assert told["pair"]["role"] == "unknown"


def test_a_device_that_is_no_member_of_a_pair_is_not_asked(tmp_path: Path) -> None:
    with ready(tmp_path, FORTI) as kirkby:
        code, told = kirkby.checked()
        assert recipe(FORTI).pair is not None
    assert (code, told["pair"]) == (0, None)
