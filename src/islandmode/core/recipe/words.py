r"""Placeholders in the lines of a recipe, and moments as devices write them.

`{object}` stands for a value, `{end(%H:%M %Y/%m/%d)}` for one that is written in a form; `{{` and `}}` are braces. In a pattern braces
that hold no word are the pattern's own, as in `\d{4}`, and a value is looked for as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from islandmode.core.frozen import Network

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?:\(([^(){}]*)\))?\}")
_IN_LINE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(?:\(([^(){}]*)\))?\}")

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CODES = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>\d{1,2})",
    "b": rf"(?P<b>{'|'.join(month[:3] for month in MONTHS)})[a-z]*",
    "B": rf"(?P<B>{'|'.join(month[:3] for month in MONTHS)})[a-z]*",
    "d": r"(?P<d>\d{1,2})",
    "e": r"(?P<e>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2})",
}
NETWORK_FORMS = ("prefix", "netmask", "wildcard")


@dataclass(frozen=True)
class Placeholder:
    """A placeholder as it stands in a line; `form` is None where it has no parentheses."""

    name: str
    form: str | None


def placeholders(text: str, *, in_line: bool = True) -> Iterator[Placeholder]:
    """Give the placeholders of a line, or of a pattern."""
    for found in (_IN_LINE if in_line else _PLACEHOLDER).finditer(text):
        if found[1] is not None:
            yield Placeholder(found[1], found[2])


def odd_brace(line: str) -> str | None:
    """Give what follows a brace that is neither a placeholder's nor doubled; None where there is no such brace."""
    left = re.search(r"[{}].{0,20}", _IN_LINE.sub(lambda found: " " * len(found[0]), line))
    return None if left is None else line[left.start() : left.end()]


def filled(text: str, value_of: Callable[[Placeholder], str]) -> str:
    """Write a line with its values."""
    return _IN_LINE.sub(
        lambda found: found[0][0] if found[1] is None else value_of(Placeholder(found[1], found[2])), text
    )


def filled_pattern(text: str, value_of: Callable[[Placeholder], str]) -> re.Pattern[str]:
    """Make a pattern that looks for its values as they stand, whatever spaces part their words."""
    return compiled(_PLACEHOLDER.sub(lambda found: _literally(value_of(Placeholder(found[1], found[2]))), text))


def _literally(value: str) -> str:
    return r"[ \t]+".join(re.escape(word) for word in value.split(" "))


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern as all patterns of a recipe are; raises `re.error`."""
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


def without_placeholders(pattern: str) -> str:
    """Give a pattern with a word where each placeholder stands, so that it can be checked by itself."""
    return _PLACEHOLDER.sub("x", pattern)


def codes_of(form: str) -> tuple[str, ...]:
    """List the codes of a moment's form, in order."""
    return tuple(re.findall(r"%(.)", form))


def form_trouble(form: str) -> str:
    """Say what keeps a form from telling a moment; empty where nothing does."""
    codes = codes_of(form)
    odd = [code for code in codes if code not in _CODES]
    if odd:
        return f"%{odd[0]} is not known; known: {', '.join('%' + code for code in _CODES)}"
    plain = {"e": "d", "B": "b"}
    told = [plain.get(code, code) for code in codes]
    told = ["m" if code == "b" else code for code in told]
    missing = [code for code in "YmdHM" if code not in told]
    if missing:
        return f"%{missing[0]} is missing, without which a form tells no moment"
    return "a part stands in it twice" if len(set(told)) < len(told) else ""


def write_moment(form: str, moment: datetime) -> str:
    """Write a moment in a form; months are in English, as devices have them."""
    month = MONTHS[moment.month - 1]
    values = {
        "Y": f"{moment.year:04}",
        "m": f"{moment.month:02}",
        "b": month[:3],
        "B": month,
        "d": f"{moment.day:02}",
        "e": f"{moment.day}",
        "H": f"{moment.hour:02}",
        "M": f"{moment.minute:02}",
        "S": f"{moment.second:02}",
    }
    return re.sub(r"%(.)", lambda found: values[found[1]], form)


def read_moment(form: str, text: str) -> datetime | None:
    """Read a moment that is written in a form; None where the text has another form, or tells no day of the calendar."""
    spaced = " ".join(text.split())
    found = re.fullmatch(_moment_pattern(" ".join(form.split())), spaced, re.IGNORECASE)
    if found is None:
        return None
    told = found.groupdict()
    month = told.get("b") or told.get("B")
    shorts = [name[:3].lower() for name in MONTHS]
    try:
        return datetime(  # noqa: DTZ001 - a device's clock tells local time, without a zone
            int(told["Y"]),
            int(told["m"]) if month is None else shorts.index(month.lower()) + 1,
            int(told.get("d") or told["e"]),
            int(told["H"]),
            int(told["M"]),
            int(told.get("S") or 0),
        )
    except ValueError:
        return None


def moments_in(form: str, line: str) -> list[datetime]:
    """Read every moment in a line that is written in a form."""
    pattern = _moment_pattern(form).replace("\\ ", r"[ \t]+")
    found = (read_moment(form, match[0]) for match in re.finditer(pattern, line, re.IGNORECASE))
    return [moment for moment in found if moment is not None]


def _moment_pattern(form: str) -> str:
    parts = re.split(r"%(.)", form)
    return "".join(_CODES[part] if index % 2 else re.escape(part) for index, part in enumerate(parts))


def write_network(network: Network, form: str | None) -> str:
    """Write a network as a device has it: with its length, with a mask, or as an access list has it."""
    if form in (None, "prefix"):
        return str(network)
    if form == "netmask":
        return f"{network.network_address} {network.netmask}"
    if network.prefixlen == network.max_prefixlen:
        return f"host {network.network_address}"
    if network.prefixlen == 0:
        return "any"
    return str(network) if network.version == 6 else f"{network.network_address} {network.hostmask}"
