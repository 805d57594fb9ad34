"""The file that goes to a far host: what observe/far.py needs, in one zip that Python runs. The same source gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import cache
from pathlib import Path

import islandmode

MODULES = (
    "core/spool_rows",
    "core/text",
    *(
        f"observe/{name}"
        for name in (
            "answers",
            "connection",
            "far",
            "grid",
            "http",
            "kit",
            "last_words",
            "looks",
            "modbus",
            "own_clocks",
            "readiness",
            "spooling",
            "values",
            "worker",
            "worker_host",
        )
    ),
)
MAIN = """import sys
if sys.version_info < (3, 9):
    sys.stdout.write("refused: Python %d.%d is too old; 3.9 or newer is needed\\n" % sys.version_info[:2])
    sys.exit(1)
from islandmode.observe.far import main
main()
"""
"""Written so that any Python 3 can read it: an old version is told what is missing."""
WRITTEN_AT = (1980, 1, 1, 0, 0, 0)


@cache
def far_program() -> bytes:
    """Give the file's bytes."""
    source = Path(islandmode.__file__).parent
    files = {f"islandmode/{module}.py": (source / f"{module}.py").read_bytes() for module in MODULES}
    files |= {f"islandmode/{folder}__init__.py": b"" for folder in ("", "core/", "observe/")}
    files["__main__.py"] = MAIN.encode()
    data = io.BytesIO()
    # Not compressed: what a compressor gives may differ from one machine to the next, and the sum must not.
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, WRITTEN_AT)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return data.getvalue()


def sum_of_far_program() -> str:
    """Give its SHA-256."""
    return hashlib.sha256(far_program()).hexdigest()
