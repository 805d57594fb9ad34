"""Whether a run's word that its restoration is unproven was taken back by a later one: judged anew, and only where the ledger has it."""

from __future__ import annotations

from islandmode.core.errors import InputError
from islandmode.core.ledger import KEPT_CLOSED, attempt_of
from islandmode.operate.ledger import unlike_ledger
from islandmode.store.ledger import ledger_of
from islandmode.store.rundir import RunDirectory


def is_kept_closed(run: RunDirectory) -> bool:
    """Tell whether what stayed dead after a run is kept closed by somebody: by the ledger's last word, and by its record judged with what the ledger has.

    What stands in the run's own folder counts for nothing by itself.
    """
    try:
        ledger = ledger_of(run.workspace)
        attempt = attempt_of(ledger, run.run)
        if ledger.why or attempt is None or attempt.restoration_now != KEPT_CLOSED:
            return False
        if unlike_ledger(run.workspace, ledger, attempt):
            return False
        # What judges is slow to import, and hardly any run needs it here.
        from islandmode.operate.judge import judge_run  # noqa: PLC0415 - only where there is something to judge

        return judge_run(run, len(attempt.addenda)).restoration.value == KEPT_CLOSED
    except (InputError, OSError):
        return False
