"""What a person does, put into the stages of a drill: each conduit's own lines, in the drill's order."""

from __future__ import annotations

from islandmode.core.rendering import Rendering
from islandmode.core.site import MANUAL, HandLines, HandLook, Hands, SitePoint
from islandmode.isolation.by_hand import Look
from islandmode.isolation.manual.platform import CAPABILITIES, render
from islandmode.isolation.platform import Asked


def lines(name: str) -> HandLines:
    look = HandLook(look=f"lamp of {name}", must_show="green", must_not_show="red", otherwise="Push it in.")
    return HandLines(isolate=(f"pull {name}", f"lock {name}"), restore=(f"push {name}",), looks=(look,))


def point() -> SitePoint:
    both = {name: lines(name) for name in ("office", "vendor")}
    return SitePoint(
        platform=MANUAL,
        by_hand=Hands(where="hall", lines=both, covers=("forward", "vpn"), last_resort="call"),
        isolates=("office", "vendor"),
    )


def rendered(**stages: tuple[str, ...]) -> Rendering:
    between = {"office": ("corporate", "line"), "vendor": ("vendors", "line")}
    return render(Asked("plug", point(), between, stages, 60.0, {}))


def test_each_stage_has_the_lines_of_its_conduits_and_restore_has_all() -> None:
    found = rendered(first=("vendor",), nothing=(), then=("office",))
    assert found.conduits == ("vendor", "office")
    assert [(stage.stage, stage.isolate) for stage in found.stages] == [
        ("first", ("pull vendor", "lock vendor")),
        ("nothing", ()),
        ("then", ("pull office", "lock office")),
    ]
    assert found.restore == ("push vendor", "push office")
    assert (found.arm, found.renew, found.recipe) == ((), (), None)


def test_a_drill_of_one_conduit_has_no_line_of_the_other() -> None:
    found = rendered(only=("office",))
    assert "vendor" not in found.model_dump_json()


def test_it_can_do_what_a_person_can_and_covers_what_the_site_says() -> None:
    found = rendered(only=("office",)).capabilities
    assert found == CAPABILITIES.model_copy(update={"covers": ("forward", "vpn")})
    assert (found.undo_tier, found.timer, found.atomic_stage) == ("D", "none", False)


def test_what_is_expected_is_said_in_one_sentence() -> None:
    assert Look("lamp", ("red",), "", must_show=("green",)).expects == "must show green and must not show red"
    assert Look("lamp", ("red", "blue"), "").expects == "must not show red, blue"
    assert Look("lamp", (), "", must_show=("green",)).expects == "must show green"
