"""Whether this machine itself forwards packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.system.forwarding import forwards


@pytest.mark.parametrize(
    ("four", "six", "found"),
    [
        ("0\n", "0\n", ()),
        ("1\n", "0\n", ("IPv4",)),
        ("0\n", "1\n", ("IPv6",)),
        ("1\n", None, ("IPv4",)),
        (None, None, ()),
    ],
)
def test_each_family_is_asked_of_the_kernel(
    tmp_path: Path, four: str | None, six: str | None, found: tuple[str, ...]
) -> None:
    switches = {"IPv4": tmp_path / "four", "IPv6": tmp_path / "six"}
    for path, text in zip(switches.values(), (four, six), strict=True):
        if text is not None:
            path.write_text(text, encoding="ascii")
    assert forwards(switches) == found


def test_this_machine_is_asked_without_being_told_where() -> None:
    said = Path("/proc/sys/net/ipv4/ip_forward").read_text(encoding="ascii").strip()
    assert ("IPv4" in forwards()) == (said != "0")
