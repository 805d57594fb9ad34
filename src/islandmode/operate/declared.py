"""What a site declares for its live drills, held against this machine's calendar and the backups that can be reached from it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.live.refusals import FoundFile, dated_ahead, refused_by_site
from islandmode.core.live.values import Backup
from islandmode.core.problem import Problem
from islandmode.core.site import Site
from islandmode.store.catalog import Loaded
from islandmode.system.clock import MachineClock

FIRST_TO_BEGIN = timedelta(hours=14)
"""How far ahead of UTC a day begins where it begins first."""
FILE_MAX_BYTES = 4 * 1024**3
PIECE_BYTES = 1024 * 1024


def refused_by_declared(workspace: Path, loaded: Loaded) -> tuple[str, ...]:
    """Say with its place everything in the site's and the drill's files that a live run would be refused for."""
    site = loaded.site
    backups = [backup for _, _, backup in site.backups.each()] if site.backups is not None else []
    problems = refused_by_site(loaded.drill, site, today(), latest_day(), dict(_looked_at(workspace, backups)))
    return tuple(str(InputError(each.sentence, loaded.place(each.source, each.path))) for each in problems)


def ahead_of_calendar(site: Site) -> tuple[Problem, ...]:
    """Find what a site dates on a day that is still to come; `validate` says so, and no rescue ever asks: this machine's clock may be wrong."""
    return tuple(dated_ahead(site, latest_day()))


def today() -> date:
    """Give the day by UTC."""
    return _now().date()


def latest_day() -> date:
    """Give the last day that has begun anywhere on earth."""
    return (_now() + FIRST_TO_BEGIN).date()


def _now() -> datetime:
    return datetime.fromtimestamp(MachineClock.of_this_boot().utc_us() / 1_000_000, UTC)


def _looked_at(workspace: Path, backups: Iterable[Backup]) -> Iterator[tuple[str, FoundFile]]:
    """Read each file once that a backup names."""
    for name in dict.fromkeys(backup.file for backup in backups if backup.file is not None):
        try:
            yield name, FoundFile(sha256=_sha256(workspace / name))
        except OSError as error:
            yield name, FoundFile(why=f"cannot be read ({error.strerror or error})")
        except ValueError:
            yield name, FoundFile(why="is no path")


def _sha256(path: Path) -> str:
    # Without waiting: what stands there may be a pipe, which nobody writes to.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is no file")
        if found.st_size > FILE_MAX_BYTES:
            raise OSError(f"it has more than {FILE_MAX_BYTES // 1024**3} GiB")
        digest = hashlib.sha256()
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
        return digest.hexdigest()
