"""What pydantic found wrong, said in an operator's words: what stands there, what was expected, what to do."""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from islandmode.core.conduit import FLOW_END, SERVICE_PATTERN
from islandmode.core.drill import NOT_READ_YET
from islandmode.core.errors import InputError
from islandmode.core.ledger_receiver import MAILBOX, WITHIN_MAX_S
from islandmode.core.live.values import SHA256_PATTERN
from islandmode.core.moments import MOMENT_PATTERN
from islandmode.core.policy import AGE_MAX_S
from islandmode.core.probe import PATH_PATTERN
from islandmode.core.quantities import DRIVER_PATTERN, HAND_LINE_PATTERN, KEY_PATTERN, NAME_PATTERN, written
from islandmode.core.secret_reference import FORMS, SECRET_PATTERN
from islandmode.core.signers import PRINCIPAL_PATTERN
from islandmode.core.vantage_login import ACCOUNT, FAR_PATH, FAR_PROGRAM
from islandmode.store.yaml_tree import PathInFile, YamlTree, show

PATH_SHOWN_MAX = 80
PATTERNS = {
    NAME_PATTERN: "a name: lower-case letters, digits and inner hyphens, at most 40",
    SECRET_PATTERN: f"a reference, {FORMS}; a secret itself never stands in a file",
    SERVICE_PATTERN: 'a service such as "tcp/502", "tcp/49152-65535", "udp/53", "icmp" or "esp", with ports from 1 to 65535',
    HAND_LINE_PATTERN: "one line, of at most 250 characters",
    SHA256_PATTERN: "64 digits and letters from a to f, as sha256sum prints them",
    DRIVER_PATTERN: "netmiko:KIND, napalm:KIND or https:KIND",
    KEY_PATTERN: "a word of lower-case letters, digits and _, at most 31, that begins with a letter",
    MAILBOX: "a mail address of plain letters, such as audit@corp.example",
    ACCOUNT: "an account's name: letters, digits, ., _ and -, at most 64, that begins with a letter or _",
    FAR_PATH: 'a path from "/" of letters, digits, ., _, - and /, at most 201',
    FAR_PROGRAM: "a program's name or path of letters, digits, ., _, - and /, at most 200",
    MOMENT_PATTERN: 'a time with its zone, such as "2027-01-09T06:00:00Z" or "2027-01-09T06:00:00-08:00"',
    PRINCIPAL_PATTERN: "a principal: letters, digits, ., _, @, + and -, at most 100, that begins with a letter or digit",
    PATH_PATTERN: 'a path that begins with "/", with everything but plain letters, digits and marks written with %',
}
TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": 'a list, such as ["one", "two"]',
    "dict_type": 'a mapping, lines such as "name: value"',
    "model_type": 'a mapping, lines such as "name: value"',
    "model_attributes_type": 'a mapping, lines such as "name: value"',
}
INTERNET = {
    "network": 'a network such as 10.10.0.0/24 or "fd10:10::/64"',
    "address": 'an address such as 10.10.0.10 or "fd10:10::10"',
}
NOT_SUPPORTED_YET = {"Drill": NOT_READ_YET, "Zone": ("criticality", "trust")}
"""Keys that nothing reads, by the part of a file in which earlier versions took them."""
MOVED = {
    "VantagePoint": {
        "node": "the lab's own file says which node it is, by the label islandmode.vantage: NAME on that node"
    }
}
"""Keys that stand elsewhere now, by the part of a file in which earlier versions took them."""
UPPER_BOUNDS = {
    f"{90 * 86400.0:g}": "90 d",
    f"{AGE_MAX_S:g}": written(AGE_MAX_S),
    f"{WITHIN_MAX_S:g}": written(WITHIN_MAX_S),
}
"""The upper bounds of durations, as they are written."""
MAPPINGS = frozenset({"dict_type", "model_type", "model_attributes_type"})
BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def complaint(model: type[BaseModel], tree: YamlTree, error: Mapping[str, Any]) -> InputError:
    """Turn one of pydantic's errors into one placed sentence."""
    location = error["loc"]
    path, schema = _walk(model, tree, location)
    kind = str(error["type"])
    if kind == "extra_forbidden":
        return InputError(_unwanted(model, schema, location), tree.place(path, of_key=True))
    if kind == "missing":
        return InputError(_missing(location), tree.place(path))
    if kind.startswith("union_tag"):
        return _wrong_kind(tree, path, schema, kind)
    if location and location[-1] == "[key]":
        expected = PATTERNS.get(error.get("ctx", {}).get("pattern", ""), "a name")
        return InputError(f'"{show(str(path[-1]))}" must be {expected}.', tree.place(path, of_key=True))
    given = value_at(tree.document, path)
    if location and location[-1] in schema.get("properties", {}) and path[-1:] != location[-1:]:
        # A key that is not there, and must be because of another key.
        return InputError(f"{_what(location[-1:])} must {_expected(error, None, schema)}.", tree.place(path))
    found = "" if SECRET_PATTERN in json.dumps(schema) else _found(kind, given)
    sentence = f"{_what(path)} must {_expected(error, given, schema)}{found}.{_meant(error, given)}"
    return InputError(sentence, tree.place(path))


def _unwanted(model: type[BaseModel], schema: dict[str, Any], location: tuple[str | int, ...]) -> str:
    """Say of a key that does not belong where it stands what may have been meant."""
    key, whole = str(location[-1]), _schema(model)
    if key in NOT_SUPPORTED_YET.get(str(schema.get("title")), ()):
        return f'"{key}" is not supported yet: nothing reads it, so it would promise what does not happen; take it out.'
    moved = MOVED.get(str(schema.get("title")), {}).get(key)
    if moved is not None:
        return f'"{key}" no longer stands here: {moved}. Take it out.'
    known = sorted(schema.get("properties", {}))
    unknown = f'Unknown key "{show(key)}".'
    # A key that is known below, letter for letter, is meant rather than a known one that is only like it.
    below = [name for name, part in schema.get("properties", {}).items() if _takes(whole, part, key)]
    if below:
        return f'{unknown} It belongs under "{below[0]}": indent it there.'
    if difflib.get_close_matches(key, known, 1):
        return unknown + near(key, known)
    if location[:-1] and key in whole.get("properties", {}):
        return f"{unknown} It belongs at the top of the file: take away its indentation."
    return unknown + near(key, known)


def _takes(whole: dict[str, Any], part: dict[str, Any], key: str) -> bool:
    """Tell whether a part of a file, or an item of it, takes a key."""
    inner = _resolved(whole, part)
    inner = _resolved(whole, inner["items"]) if "items" in inner else inner
    return key in inner.get("properties", {})


def near(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant, or else list them."""
    words = list(known)
    close = difflib.get_close_matches(word, words, 1)
    if close:
        return f' Did you mean "{close[0]}"?'
    return f" Known keys: {', '.join(words)}." if words else ""


def slip_of(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that differs from a word by one slip: a letter more, less, other or swapped, "_" for "-", a capital."""
    words = list(known)
    if word in words:
        return None
    plain = word.lower().replace("_", "-")
    slips = [near for near in words if plain == near or _is_one_slip(plain, near)]
    return next(iter(difflib.get_close_matches(plain, slips, 1, cutoff=0.0)), None)


def _is_one_slip(given: str, meant: str) -> bool:
    same = next(
        (number for number, pair in enumerate(zip(given, meant, strict=False)) if pair[0] != pair[1]),
        min(len(given), len(meant)),
    )
    given, meant = given[same:], meant[same:]
    swapped = given[:2] == meant[1::-1] and given[2:] == meant[2:]
    return swapped or given[1:] == meant[1:] or given[1:] == meant or given == meant[1:]


def value_at(document: Any, path: PathInFile) -> Any:
    """Return what stands at a path; None when nothing does."""
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _missing(location: tuple[str | int, ...]) -> str:
    last = location[-1]
    if isinstance(last, int):
        return f"{_what(location[:-1])} must have at least {last + 1} items."
    return f'The key "{last}" is missing here; add it.'


def _wrong_kind(tree: YamlTree, path: PathInFile, schema: dict[str, Any], kind: str) -> InputError:
    key = schema["discriminator"]["propertyName"]
    known = [str(tag) for tag in schema["discriminator"]["mapping"]]
    listed = ", ".join(known)
    if kind == "union_tag_not_found":
        return InputError(f'The key "{key}" is missing here; it says which of {listed} this is.', tree.place(path))
    given = value_at(tree.document, (*path, key))
    close = difflib.get_close_matches(str(given), known, 1)
    hint = f' Did you mean "{close[0]}"?' if close else ""
    return InputError(f'"{key}" must be one of {listed}; found {_word(given)}.{hint}', tree.place((*path, key)))


def _expected(error: Mapping[str, Any], given: Any, schema: Mapping[str, Any]) -> str:
    """Finish a sentence that says "must"."""
    kind, about = str(error["type"]), error.get("ctx", {})
    if (form := _internet(error)) is not None:
        return f"be {INTERNET[form]}"
    if kind == "string_type" and schema.get("pattern") == SERVICE_PATTERN:
        return f"be {PATTERNS[SERVICE_PATTERN]}"
    if kind in TYPES:
        quotes = "; put it in quotes" if kind == "string_type" and isinstance(given, int | float) else ""
        return f"be {TYPES[kind]}{quotes}"
    if kind in BOUNDS:
        words, key = BOUNDS[kind]
        bound = f"{about[key]:g}"
        # A duration is written with its unit, and so is its bound.
        return f"be {words} {UPPER_BOUNDS.get(bound, bound)}"
    if kind == "string_pattern_mismatch":
        return f"be {PATTERNS.get(about['pattern'], 'of another form')}"
    if kind == "literal_error":
        return f"be {about['expected']}".replace("'", '"')
    if kind == "too_short":
        return f"have at least {about['min_length']} item{'s' * (about['min_length'] > 1)}"
    if kind == "too_long":
        return f"have at most {about['max_length']} items, not {about['actual_length']}"
    return str(error["msg"]).removeprefix("Value error, ").replace("expected", "be", 1)


def _internet(error: Mapping[str, Any]) -> str | None:
    """Tell whether an address or a network was meant; pydantic tries both versions and complains of each."""
    return next((form for form in INTERNET if f"_{form}_validator" in str(error["loc"][-1])), None)


def _meant(error: Mapping[str, Any], given: Any) -> str:
    """Guess what was meant: the network around a host's address, a path as a request can hold it, lines that are not indented."""
    if given is None and error["type"] in MAPPINGS:
        return " Indent the lines that belong to it."
    if not isinstance(given, str):
        return ""
    if error.get("ctx", {}).get("pattern") == PATH_PATTERN:
        return _path_meant(given)
    if _internet(error) != "network" and FLOW_END not in str(error["msg"]):
        return ""
    if "%" in given:
        return ""
    try:
        return f" Did you mean {ipaddress.ip_interface(given).network}?"
    except ValueError:
        return ""


def _path_meant(given: str) -> str:
    path = quote("/" + given.lstrip("/"), safe="/?%!$&'()*+,;=:@[]~")
    is_path = re.fullmatch(PATH_PATTERN, path) and len(path) <= PATH_SHOWN_MAX and given.isprintable()
    return f' Did you mean "{path}"?' if is_path else ""


def _found(kind: str, given: Any) -> str:
    # What is wrong with a mapping as a whole is not that it is one.
    about_parts = kind.startswith("too_") or (kind == "value_error" and isinstance(given, dict))
    return "" if about_parts else f"; found {_word(given)}"


def _word(given: Any) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, dict | list):
        return "a mapping" if isinstance(given, dict) else "a list"
    if isinstance(given, bool):
        return str(given).lower()
    return f'"{show(given)}"' if isinstance(given, str) else str(given)


def _what(path: PathInFile) -> str:
    """Name a value by its key, and by its number where it stands in a list."""
    names = [str(part) for part in path if isinstance(part, str)]
    name = f'"{show(names[-1])}"' if names else "the file"
    return f"Item {path[-1] + 1} of {name}" if path and isinstance(path[-1], int) else name


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _walk(model: type[BaseModel], tree: YamlTree, location: tuple[str | int, ...]) -> tuple[PathInFile, dict[str, Any]]:
    """Follow a location through schema and file together, as far as both go.

    pydantic adds parts that are not in the file: the kind of a probe, "[key]", validators' names, and the index 0 of
    what the operator wrote as one item instead of a list.
    """
    whole = _schema(model)
    schema = whole
    node: Any = tree.document
    path: list[str | int] = []
    for part in location:
        kinds = schema.get("discriminator", {}).get("mapping", {})
        if part in kinds:
            schema = _resolved(whole, {"$ref": kinds[part]})
            continue
        present = (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        if present:
            path.append(part)
            node = node[part]
        if present or isinstance(part, int):
            inner = _inner(schema, part)
            if inner is None:
                break
            schema = _resolved(whole, inner)
    return tuple(path), schema


def _inner(schema: dict[str, Any], part: str | int) -> dict[str, Any] | None:
    """Go one level down; None where the schema ends, which is at an unknown key."""
    if isinstance(part, int):
        inner = schema.get("items") or next(iter(schema.get("prefixItems", ())), None)
        return dict(inner) if inner else None
    if part in schema.get("properties", {}):
        return dict(schema["properties"][part])
    more = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
    return more if isinstance(more, dict) else None


def _resolved(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and an optional value to the value."""
    while "$ref" in node or "anyOf" in node:
        if "anyOf" in node:
            some = [option for option in node["anyOf"] if option.get("type") != "null"]
            if len(some) != 1:
                return node
            node = some[0]
        else:
            node = whole["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node
