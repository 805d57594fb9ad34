"""What stands on the card for one device, to the word: these sentences are read at night by somebody who never used Islandmode."""

from __future__ import annotations

import pytest

from islandmode.isolation.by_hand import ByHand, Look
from islandmode.isolation.table import by_hand, mend_saved
from tests.isolation.nftables.plant import planned

MEND = (
    "sed -i '/^table inet islandmode_.*}$/d;/^table inet islandmode_/,/^}/d' /etc/nftables.conf "
    "&& nft -c -f /etc/nftables.conf"
)


def test_the_card_of_a_linux_firewall_says_what_to_type_and_how_to_look() -> None:
    assert by_hand(planned(("corporate-line3", "corporate-dmz"))) == ByHand(
        become="Log in as root, or become root with: sudo -i",
        commands=(
            "nft 'add table inet islandmode_corporate_line3; delete table inet islandmode_corporate_line3'",
            "nft 'add table inet islandmode_corporate_dmz; delete table inet islandmode_corporate_dmz'",
        ),
        answer="A command that worked answers nothing.",
        looks=(
            Look(
                "nft list tables",
                ("islandmode_corporate_line3", "islandmode_corporate_dmz"),
                "Type the command with that name again, letter by letter.",
            ),
            Look(
                "grep -rs islandmode_ /etc/nftables.conf /etc/nftables.d",
                ("islandmode_",),
                "Somebody saved the isolation, and a restart isolates again. Type, with the file that was shown: "
                + MEND,
            ),
        ),
        last_resort="A restart of the device clears it, unless somebody saved it (step 3): Islandmode itself saves nothing "
        "there. ALL traffic through the device stops while it starts.",
        console="ssh YOU@127.0.0.1",
        breaks_after="; ",
    )


def test_a_platform_that_we_know_no_look_for_still_has_its_commands() -> None:
    nftables = planned(("corporate-line3",))
    rendering = nftables.rendering.model_copy(update={"platform": "another", "restore": ("undo",)})
    assert by_hand(nftables.model_copy(update={"platform": "another", "rendering": rendering})) == ByHand(
        become="Log in with the right to change its configuration.",
        commands=("undo",),
        answer="",
        looks=(),
        last_resort="Remove whatever has islandmode in its name. A restart of the device clears it.",
    )


@pytest.mark.parametrize(
    ("after_restart", "told"),
    [
        ("gone", "A restart of the device clears it."),
        (
            "reverts",
            "A restart of the device loads what was saved before, which clears it, with all that was not saved.",
        ),
        ("stays", "A restart of the device does NOT clear it."),
        ("unknown", "Whether a restart of the device clears it is not known."),
    ],
)
def test_the_last_resort_says_what_a_restart_does_on_this_platform(after_restart: str, told: str) -> None:
    point = planned(("corporate-line3",))
    able = point.capabilities.model_copy(update={"after_restart": after_restart})
    hands = by_hand(point.model_copy(update={"platform": "another", "capabilities": able}))
    assert hands.last_resort == f"Remove whatever has islandmode in its name. {told}"


def test_what_a_linux_firewall_s_card_says_of_a_restart_is_what_its_platform_says() -> None:
    point = planned(("corporate-line3",))
    assert point.capabilities.after_restart == "gone"
    assert by_hand(point).last_resort.startswith("A restart of the device clears it, unless somebody saved it")


@pytest.mark.parametrize(
    ("platform", "files", "command"),
    [
        ("nftables", (), MEND),
        ("nftables", ("/etc/a b.nft",), MEND.replace("d' /etc/nftables.conf", "d' '/etc/a b.nft'")),
        ("another", ("/etc/x",), ""),
    ],
)
def test_saved_files_are_mended_by_one_command(platform: str, files: tuple[str, ...], command: str) -> None:
    assert mend_saved(planned(("corporate-line3",)).model_copy(update={"platform": platform}), files) == command
