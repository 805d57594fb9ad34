"""The record that begins an addendum: samples that were had after a run was closed."""

from __future__ import annotations

from islandmode.core.entry import Entry, Text


class SamplesBrought(Entry):
    """A person brought the samples of a vantage after the run was closed: the first record of an addendum.

    `kit` says whether that vantage was a kit, `by_login` whether its host was logged in to for them, else they are a copy of what its
    host kept. `journal` and `sums` are the SHA-256 of the
    conductor's journal and of SHA256SUMS as they were then. `unplaced` says why their times cannot be placed, or nothing.
    """

    record_kind = "samples.brought"
    vantage: str
    author: Text
    kit: bool
    plan_digest: str
    journal: str
    sums: str
    unplaced: Text = ""
    by_login: bool = False
