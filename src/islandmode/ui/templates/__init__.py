"""The pages that people read as HTML, from the templates in this folder. Every value is escaped where it is put in."""

from __future__ import annotations

from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined

ENDINGS = (".html", ".css", ".svg")
# All of them are read here and now: a report is written after a restore, and must not wait for one more disk.
_TEMPLATES = {
    path.name: path.read_text(encoding="utf-8") for path in Path(__file__).parent.iterdir() if path.suffix in ENDINGS
}
_PAGES = Environment(
    loader=DictLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(template: str, **values: object) -> str:
    """Fill in a template; a value that it asks for and does not get is an error, and no gap in the page."""
    return _PAGES.get_template(template).render(values)
