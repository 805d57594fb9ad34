"""Plant small faults in what judges, runs and isolates, and count how many the tests find: a sample, from a seed.

    python scripts/mutants.py [--sample N] [--seed S]

mutmut plants them (`[tool.mutmut]` in pyproject.toml says where, and which tests are asked); this draws as many from each of
the three rooms, and leaves out those that only spell a sentence in another way. Ends with 1 where fewer than 95 % are found.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mutmut.stats import status_by_exit_code

MUTMUT = str(Path(sys.executable).with_name("mutmut"))
WORK = Path("mutants")
ROOMS = ("islandmode.core.", "islandmode.run.", "islandmode.isolation.")
FOUND = {"killed", "timeout", "caught by type check", "segfault"}
SHARE_MIN = 0.95
PROSE = re.compile(r"""(?:[rbf]*)("(?:[^"\\]|\\.)* (?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)* (?:[^'\\]|\\.)*')""")
"""A text with a space in it is for people; words without one are keys and codes."""


def mutmut(*words: str) -> str:
    """Call mutmut and give what it printed."""
    return subprocess.run([MUTMUT, *words], check=False, capture_output=True, text=True).stdout


def planted() -> dict[str, int | None]:
    """Read every fault that was planted, with how the tests ended that were asked about it."""
    found: dict[str, int | None] = {}
    for path in sorted(WORK.rglob("*.meta")):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def changed(name: str) -> tuple[str, str]:
    """Give the lines that a fault takes away and puts in."""
    lines = mutmut("show", name).splitlines()
    old = [line[1:] for line in lines if line.startswith("-") and not line.startswith("---")]
    new = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")]
    return "\n".join(old), "\n".join(new)


def is_prose(name: str) -> bool:
    """Tell whether a fault changes nothing but the words of a sentence."""
    old, new = (PROSE.sub('""', text) for text in changed(name))
    return old == new


def drawn(names: list[str], room: str, count: int, dice: random.Random) -> Iterator[str]:
    """Draw faults of one room."""
    mine = [name for name in names if name.startswith(room)]
    dice.shuffle(mine)
    for name in mine:
        if count and not is_prose(name):
            count -= 1
            yield name


def main() -> int:
    """Plant, draw, ask the tests, and say what they missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, default=240)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    # A name that matches no fault: all are planted and the tests' paths are learnt, nothing is asked yet.
    mutmut("run", "islandmode.nothing*")
    names = sorted(planted())
    if not names:
        print(mutmut("run", "islandmode.nothing*"))
        return 1
    dice = random.Random(given.seed)  # noqa: S311 - a sample needs no secret
    chosen = [name for room in ROOMS for name in drawn(names, room, given.sample // len(ROOMS), dice)]
    print(f"seed {given.seed}: {len(chosen)} of {len(names)} faults", flush=True)
    mutmut("run", *chosen)
    ended = {name: status_by_exit_code[code] for name, code in planted().items() if name in chosen}
    for room in ROOMS:
        mine = [status for name, status in ended.items() if name.startswith(room)]
        print(f"{room:24} {sum(status in FOUND for status in mine)} of {len(mine)} found")
    missed = {name: status for name, status in ended.items() if status not in FOUND}
    for name, status in missed.items():
        old, new = changed(name)
        print(f"\n{name}: {status}\n-{old}\n+{new}")
    share = 1 - len(missed) / max(len(ended), 1)
    print(f"\n{share:.1%} of {len(ended)} planted faults were found; {SHARE_MIN:.0%} are wanted.")
    return 0 if share >= SHARE_MIN and ended else 1


if __name__ == "__main__":
    sys.exit(main())
