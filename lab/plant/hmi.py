"""The HMI: polls the PLCs and shows value, quality and source time, as a page and as JSON at /api/tags.

With a PLC silent it goes on answering 200 with the old value, as real HMIs do; only quality and source time tell.
"""

from __future__ import annotations

import argparse
import asyncio
from html import escape

from polling import Plc, parse_plcs
from serving import as_json, serve

PAGE = """<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>Line 3</title>
<style>body{{font:16px sans-serif;background:#20262b;color:#e8ecef}}td{{padding:.2em 1em}}.bad{{color:#ff7b6b}}</style>
<h1>Line 3</h1><table><tr><th>tag<th>value<th>quality<th>source time</tr>{rows}</table>"""


def tags(plcs: list[Plc]) -> dict[str, dict[str, object]]:
    """Give every tag by its full name."""
    return {f"{plc.name}.{name}": vars(tag).copy() for plc in plcs for name, tag in plc.tags.items()}


def page(plcs: list[Plc]) -> bytes:
    """Draw the operator's page."""
    rows = "".join(
        f'<tr class="{escape(str(tag["quality"]))}"><td>{escape(name)}<td>{tag["value"]}<td>{tag["quality"]}<td>{tag["source_time"]}</tr>'
        for name, tag in tags(plcs).items()
    )
    return PAGE.format(rows=rows).encode()


async def run(plcs: list[Plc], port: int) -> None:
    """Poll and serve until killed."""

    def answer(path: str) -> tuple[str, bytes] | None:
        if path == "/api/tags":
            return as_json({"tags": tags(plcs)})
        return ("text/html; charset=utf-8", page(plcs)) if path == "/" else None

    await asyncio.gather(serve(port, answer), *(plc.poll_forever() for plc in plcs))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plc", action="append", default=[])
    parser.add_argument("--port", type=int, default=8080)
    given = parser.parse_args()
    asyncio.run(run(parse_plcs(given.plc), given.port))


if __name__ == "__main__":
    main()
