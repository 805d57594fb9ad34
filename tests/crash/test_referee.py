"""The referee itself: it knows nothing of the product, sees what is isolated by other means, and is not fooled by one late sample."""

from __future__ import annotations

import ast
import sys
import time
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.crash import referee
from tests.crash.referee import Referee, Spell, spells_of, tables_of
from tests.crash.scenarios import BY_GUARDIAN, BY_TIMER, POINTS, Layer
from tests.crash.sections import MATRIX
from tests.crash.ways import TARGETS, flows
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S, wait_until

BY_OTHER_MEANS = (
    "add table inet other; add chain inet other f { type filter hook forward priority -30; }; "
    'add rule inet other f iifname "eth2" drop'
)


def test_it_shares_no_code_with_the_product() -> None:
    source = Path(referee.__file__).read_text(encoding="utf-8")
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or "."] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert imported <= sys.stdlib_module_names
    assert "islandmode" not in source


def test_one_late_sample_is_no_isolation_and_two_are() -> None:
    kept = [(0.0, True), (0.1, False), (0.2, True), (0.3, False), (0.4, False), (0.5, True), (0.6, False), (0.7, False)]
    assert list(spells_of("f", kept)) == [Spell("f", 0.3, 0.5), Spell("f", 0.6, None)]


def test_a_ruleset_is_taken_apart_by_its_tables() -> None:
    text = "table inet a {\n\tset s {\n\t}\n}\ntable ip b {\n}\n"
    assert list(tables_of(text)) == ["table inet a", "table ip b"]


def test_every_layer_has_a_row_and_every_moment_has_two() -> None:
    assert {row.layer for row in MATRIX} == set(Layer)
    assert len({row.name for row in MATRIX}) == len(MATRIX)
    assert [row.at for row in BY_TIMER] == [row.at for row in BY_GUARDIAN] == [at for at, _ in POINTS]
    assert {row.layer for row in MATRIX if row.fast} >= set(Layer) - {
        Layer.NOTHING,
        Layer.REBOOT,
        Layer.CARD,
        Layer.LEAK,
    }


@pytest.mark.lab
def test_it_sees_an_isolation_that_is_not_ours(lab: Lab) -> None:
    with Referee(flows(lab), {"fw": lab.enter("fw", (), network_only=True)}) as looking:
        begun_s = time.monotonic()
        in_node(lab, "fw", "nft", BY_OTHER_MEANS)
        try:
            wait_until(lambda: not looking.passes(), "the referee sees that nothing passes")
            wait_until(lambda: set(looking.foreign()) == {"fw: table inet other"}, "the referee sees whose table it is")
            # For long enough that it is more than one late sample.
            time.sleep(1.5)
            assert not looking.passes()
        finally:
            lifted_s = time.monotonic()
            in_node(lab, "fw", "nft", "delete", "table", "inet", "other")
        assert looking.wait_passing(PATIENCE_S)
        passing_s = time.monotonic()
        wait_until(lambda: not looking.foreign(), "the referee sees that the table is gone")
    stopped = {spell.flow: spell for spell in looking.spells()}
    assert set(stopped) == {f"{conduit} {host}" for conduit, _, host, _ in TARGETS if conduit == "remote-access"}
    for spell in stopped.values():
        # In this order, and no seconds: a packet that was lost is sent again, and may be answered after the rule is gone.
        assert begun_s - 0.2 < spell.from_s < lifted_s
        assert spell.until_s is not None
        assert spell.from_s < spell.until_s <= passing_s
