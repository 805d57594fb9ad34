"""The templates of report and card: every value that is put into one is escaped, wherever it stands, and none may be missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC
from enum import Enum
from html.parser import HTMLParser
from pathlib import Path, PurePath
from typing import Any

import pytest
from jinja2 import UndefinedError
from pydantic import BaseModel

from islandmode.core.episodes import Heard, Seen
from islandmode.core.refusal import Refusal
from islandmode.ui import card, templates
from islandmode.ui.report import judged, refused
from islandmode.ui.templates import page
from tests.core.given import given
from tests.core.story import CORPORATE, MIDDLE, SECOND, Story
from tests.ui.cards import card_of
from tests.ui.test_report import told
from tests.ui.test_show_refused import BEGUN, FOUND, LOOKED, WHY, records

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}&lt;"
FOLDER = Path(templates.__file__).parent


def spoiled(value: Any) -> Any:
    """Give the same value with something hostile behind every text in it."""
    if isinstance(value, str) and not isinstance(value, Enum):
        # What is left out stays left out.
        return value and value + EVIL
    if isinstance(value, PurePath):
        return PurePath(f"{value}{EVIL}")
    if isinstance(value, Mapping):
        return {spoiled(key): spoiled(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return tuple(spoiled(one) for one in value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: spoiled(getattr(value, name)) for name in type(value).model_fields})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: spoiled(getattr(value, field.name)) for field in fields(value)})
    return value


def page_of_hostile_values(template: str, **values: object) -> str:
    """Fill a template in as the product does, with hostile values."""
    return page(template, **{name: spoiled(value) for name, value in values.items()})


class Elements(HTMLParser):
    """Counts the elements of a page, and notes their attributes' names."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.texts += sum((value or "").count(EVIL) for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self.texts += data.count(EVIL)


def elements(document: str) -> Elements:
    found = Elements()
    found.feed(document)
    return found


def many_things_failed() -> str:
    story = Story()
    for probe in story.plan.stages[1].dead:
        story.see(probe, Seen.GOOD, MIDDLE, MIDDLE + SECOND)
    story.see("plc-filler", Seen.BAD, MIDDLE, MIDDLE + 2 * SECOND, "exception 4", heard=Heard.ANSWER)
    for at_us in range(CORPORATE, CORPORATE + 10 * SECOND, SECOND // 10):
        story.look(at_us)
    story.records.sort(key=lambda one: one.monotonic_us)
    return told(story)


def nothing_was_sampled() -> str:
    story = Story()
    return judged.render_report(story.plan, story.judge(), story.records[:1], {}, configuration_diffs={"a": "b"})


def it_was_refused() -> str:
    why = Refusal(WHY, "baseline-not-good", ("office-to-plc",))
    return refused.render_refusal(given().plan(), "run", why, records(BEGUN, FOUND, LOOKED), lab=True, zone=UTC)


PAGES: dict[str, Callable[[], str]] = {
    "held": lambda: told(Story()),
    "breached": many_things_failed,
    "nothing sampled": nothing_was_sampled,
    "refused": it_was_refused,
    "card": lambda: card_of(given().plan(), "run"),
}


@pytest.mark.parametrize("name", PAGES)
def test_no_value_changes_a_page(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    meant = elements(PAGES[name]())
    for module in (judged, refused, card):
        monkeypatch.setattr(module, "page", page_of_hostile_values)
    document = PAGES[name]()
    assert "<script" not in document
    assert "<img" not in document
    found = elements(document)
    assert found.tags == meant.tags
    assert found.attributes == meant.attributes
    assert found.texts > 20
    assert "{{ 7 * 7 }}" in document


def test_escaping_is_never_switched_off_and_every_value_in_a_tag_is_quoted() -> None:
    files = [path for path in FOLDER.iterdir() if path.suffix in templates.ENDINGS]
    assert len(files) > 5
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", text), path.name
        assert not re.search(r"=\s*\{\{", text.replace("{% set of_whom = ", "")), path.name


def test_a_value_that_is_missing_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError):
        page("refused.html", title="a", site="b")
