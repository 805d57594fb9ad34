"""The record by which a run knows its place in the ledger of its workspace."""

from __future__ import annotations

from islandmode.core.entry import Entry, Text


class LedgerEntered(Entry):
    """The run stands on the workspace's ledger, from here on for good; `size`, `root` and `sha256` are of the ledger with its line.

    `earlier` says how earlier attempts at the drill ended.
    """

    record_kind = "ledger.entered"
    ledger: str
    size: int
    root: str
    sha256: str
    attempt: int
    earlier: Text


class LedgerAcknowledged(Entry):
    """The ledger's receiver off this host acknowledged a line, or did not; `said` is its word for it, or why it did not."""

    record_kind = "ledger.acknowledged"
    receiver: Text
    line: int
    acknowledged: bool
    said: Text
