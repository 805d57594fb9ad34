"""How a worker's host is reached: where programs are started on it, and what it means when one could not be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

import islandmode
from islandmode.observe import last_words, worker_host
from islandmode.system.process import EMPTY_ENVIRONMENT

Verb = Literal["run", "live", "look", "collect", "end", "forget"]
"""What is asked of a worker's host; each is one short program, but for the worker that `run` and `live` begin."""
WORKER = "islandmode.observe.worker"
"""Named, and not imported: a worker's probes are of no use to the process that starts it."""


class Reach(Protocol):
    """A way to a worker's host. Nothing of it stays open between two verbs."""

    @property
    def call_s(self) -> float:
        """Seconds within which one verb is answered by a host that is well."""
        ...

    def argv(self, verb: Verb) -> list[str]:
        """Give the command that starts a verb's program there."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Give the whole environment of that command."""
        ...

    async def prepare(self) -> str:
        """Make the host ready for a worker; say why that cannot be, or nothing."""
        ...

    def trouble(self, code: int | None) -> str:
        """Say why the way itself failed in the verb that ended last, with its exit code; nothing where it did not."""
        ...

    @property
    def proves_start(self) -> bool:
        """Tell whether a worker that said ready must be seen alive by a new login, because its session may take it along."""
        ...

    @property
    def keeps_spool(self) -> bool:
        """Tell whether a spool stays on its host until it is told to forget it."""
        ...

    def spools_in(self, folder: Path) -> bool:
        """Tell whether a worker there writes its spool into a folder of this machine itself."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class LocalReach:
    """Programs of this installation, started here, or in a node of a lab that a prefix enters."""

    call_s = 10.0
    proves_start = False
    keeps_spool = False

    def __init__(self, spool: Path, prefix: tuple[str, ...] = (), environment: Mapping[str, str] | None = None) -> None:
        """Know the worker's folder there; `environment` is what the prefix needs to find its way."""
        self._spool, self._prefix, self._given = spool, prefix, dict(environment or {})

    def argv(self, verb: Verb) -> list[str]:
        """Start a module of this installation by its name."""
        words = {
            "run": (WORKER, "run", str(self._spool)),
            "live": (WORKER, "live", str(self._spool)),
            "look": (last_words.__name__, str(self._spool)),
            "collect": (worker_host.__name__, "collect", str(self._spool)),
            "end": (worker_host.__name__, "end", str(self._spool)),
        }
        return [*self._prefix, sys.executable, "-m", *words[verb]]

    def environment(self) -> Mapping[str, str]:
        """Inherit nothing: a worker stays for hours on hosts that need not learn the operator's environment."""
        code = {"PYTHONPATH": str(Path(islandmode.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**EMPTY_ENVIRONMENT, **self._given, **code}

    async def prepare(self) -> str:
        """Do nothing: this installation is there already."""
        return ""

    def trouble(self, code: int | None) -> str:
        """Say nothing: a prefix that fails gives no answer, and that is said of the answer."""
        del code
        return ""

    def spools_in(self, folder: Path) -> bool:
        """Tell whether that is the folder of its spool."""
        return self._spool == folder

    def close(self) -> None:
        """Hold nothing."""
