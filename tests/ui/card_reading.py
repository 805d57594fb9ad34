"""Read a card as a person does: its words, line by line, with no look into how the product makes them.

A person types what is printed. So the reader goes by the page alone: a command must have a command's form, there must be
as many as the page says, and they must name exactly what the page says must be gone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

from tests.patience import PATIENCE_S

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LINES = {"p", "li", "h1", "h2", "h3", "dt", "dd", "ol", "ul", "dl", "section", "table", "td", "th", "tr", "div", "br"}
UNSEEN = {"style", "title", "script"}
DEVICE = re.compile(r"Device (\d+) of (\d+): (\S+)")
COUNT = re.compile(r"2\. Type (\d+) commands?, with Enter after each")
COMMAND = re.compile(r"nft 'add table inet (islandmode_[a-z0-9_]+); delete table inet \1'")
LOOK = re.compile(r"(\S.*?) must NOT show (\S+(?:, \S+)*)\. If it does: .+")


class DamagedCard(Exception):
    """The page does not agree with itself."""


@dataclass(frozen=True)
class DevicePage:
    """What one device's page tells a person to type, and what its looks must not show."""

    name: str
    commands: tuple[str, ...]
    looks: dict[str, tuple[str, ...]]


def browse(*arguments: str) -> str:
    """Run the machine's browser without a window and return what it prints."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"this test needs a browser: one of {', '.join(BROWSERS)}"
    with tempfile.TemporaryDirectory() as profile:
        argv = [found, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    return done.stdout


def rendered(path: Path) -> str:
    """Let the browser render a page and give the document that it made of it."""
    return browse("--dump-dom", path.resolve().as_uri())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += tag in UNSEEN
        self.text += "\n" if tag in LINES else ""

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in UNSEEN
        self.text += "\n" if tag in LINES else ""

    def handle_data(self, data: str) -> None:
        self.text += data if not self._unseen else ""


def words(html: str) -> tuple[str, ...]:
    """Take the tags away; give the lines of what is left."""
    parser = _Words()
    parser.feed(html)
    lines = (" ".join(line.split()) for line in parser.text.splitlines())
    return tuple(line for line in lines if line)


def read_card(html: str) -> tuple[DevicePage, ...]:
    """Read every device's page; raises `DamagedCard` when a page does not agree with itself."""
    lines = words(html)
    starts = [number for number, line in enumerate(lines) if DEVICE.fullmatch(line)]
    pages = [lines[start:end] for start, end in pairwise([*starts, len(lines)])]
    numbers = [match.group(1, 2) for page in pages if (match := DEVICE.fullmatch(page[0]))]
    if not pages or numbers != [(str(number), str(len(pages))) for number in range(1, len(pages) + 1)]:
        raise DamagedCard(f"device pages {numbers}")
    return tuple(_device(page) for page in pages)


def _device(page: tuple[str, ...]) -> DevicePage:
    heading = next((number for number, line in enumerate(page) if COUNT.fullmatch(line)), None)
    counted = COUNT.fullmatch(page[heading]) if heading is not None else None
    if heading is None or counted is None:
        raise DamagedCard("it does not say how many commands there are")
    commands = page[heading + 1 : heading + 1 + int(counted[1])]
    forms = [COMMAND.fullmatch(command) for command in commands]
    tables = [form[1] for form in forms if form]
    if len(tables) != int(counted[1]):
        raise DamagedCard(f"{counted[1]} commands are said, these can be read: {commands}")
    looks = {look[1]: tuple(look[2].split(", ")) for line in page if (look := LOOK.fullmatch(line))}
    if sorted(looks.get("nft list tables", ())) != sorted(tables):
        raise DamagedCard(f"commands for {tables}, and {looks} must be gone")
    return DevicePage(page[0].partition(": ")[2], commands, looks)
