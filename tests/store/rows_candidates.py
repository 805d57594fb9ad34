"""Bad recipes whose lines are a candidate configuration, and what is said of each."""

from __future__ import annotations

Row = tuple[str, str, str, str]

CANDIDATE = """\
recipe: plain-candidate
version: 1
title: A commit that goes back
driver: napalm:nftables
cycle: pending
undo_tier: B
reverts: commit
further: confirms
families: [4, 6]
covers: [forward]
not_covered: what the device itself sends
witness: none
cuts_established: itself
atomic_stage: true
after_restart: gone
after_failover: passes
timer: {shown: remaining, least: 5 s, most: 2 h, grain: 1 s, renewable: false}
late: {at_most: 12 s, source: book, confidence: documented}
sources:
  book: {what: The manual}
names:
  object: {form: "im_{conduit}", most: 20}
versions: {ask: show version, pattern: 'v(\\d+)', source: book, confidence: documented}
isolate:
  - lines:
      - {send: "deny {object}", source: book, confidence: documented}
restore:
  - lines:
      - {send: "no deny {object}", source: book, confidence: documented}
by_hand:
  - lines:
      - {send: "tool no deny {object}", source: book, confidence: documented}
difference:
  - {pattern: 'deny {object}', source: book, confidence: documented}
errors: [^error]
reads:
  state:
    - ask: show {object}
      whole: ^done$
      source: book
      confidence: documented
      finds:
        - {gives: isolating, pattern: 'denies {object}'}
        - {gives: pending, pattern: waits}
        - {gives: left, pattern: 'waits (\\d+) s'}
lock: device
card:
  become: Log in.
  looks: [{ask: "show {object}", must_not_show: denies, otherwise: Type it again.}]
  last_resort: Restart it.
"""
DENY = '"deny {object}"'
LINE = 'send: "deny {object}", source'

CANDIDATES: dict[str, Row] = {
    "a driver whose device takes nothing back": (
        CANDIDATE,
        "napalm:nftables",
        "napalm:nxos",
        "4:9: NAPALM's driver nxos cannot be used: it refuses revert_in, so that no timer would take the isolation back.",
    ),
    "a driver of which nothing is known": (
        CANDIDATE,
        "napalm:nftables",
        "napalm:acme",
        "4:9: NAPALM's driver acme cannot be used: whether its device takes a commit back by revert_in is not known here.",
    ),
    "a maker that nothing speaks to": (
        CANDIDATE,
        "napalm:nftables",
        "https:panos",
        "4:9: Nothing here speaks https to a device yet; write netmiko:KIND, ssh:shell, or napalm:nftables.",
    ),
    "a candidate under timers of its own": (
        CANDIDATE,
        "cycle: pending",
        "cycle: own-timer",
        "5:8: A candidate is committed with one timer for the whole device, which is a pending change: say cycle: pending.",
    ),
    "a candidate that would be followed by another": (
        CANDIDATE,
        "further: confirms",
        "further: keeps",
        "8:10: A commit through NAPALM takes the timer off the commit before it, or is refused: say further: confirms,",
    ),
    "a timer that NAPALM cannot set again": (
        CANDIDATE,
        "renewable: false",
        "renewable: true",
        "17:73: NAPALM has no call that sets a running timer again; say renewable: false.",
    ),
    "a timer in parts of a second": (
        CANDIDATE,
        "grain: 1 s",
        "grain: 500 ms",
        "17:57: revert_in is a whole number of seconds, so the grain must be whole seconds.",
    ),
    "a candidate that arms": (
        CANDIDATE,
        "isolate:\n",
        'arm:\n  - lines:\n      - {send: "ready {for_s}", source: book, confidence: documented}\nisolate:\n',
        "25:3: A candidate has no lines under arm: arming and isolating are one commit, and nothing is sent beside it; take them out.",
    ),
    "a difference that nobody can judge": (
        CANDIDATE,
        "difference:\n  - {pattern: 'deny {object}', source: book, confidence: documented}\n",
        "",
        "1:1: Nothing says which lines of a difference are the run's own, so that somebody else's uncommitted edits would be committed",
    ),
    "a restore that nobody can type": (
        CANDIDATE,
        'by_hand:\n  - lines:\n      - {send: "tool no deny {object}", source: book, confidence: documented}\n',
        "",
        "1:1: The lines of restore are a candidate, which nobody can type; say under by_hand what a person types at the device's console.",
    ),
    "a command in a candidate": (
        CANDIDATE,
        DENY,
        '"configure"',
        '26:16: "configure" is a command, and a candidate holds configuration only; how it is committed is not the recipe\'s.',
    ),
    "a commit in a candidate that restores": (
        CANDIDATE,
        '"no deny {object}"',
        '"commit"',
        '29:16: "commit" is a command, and a candidate holds configuration only; how it is committed is not the recipe\'s.',
    ),
    "a rollback in a candidate that restores": (
        CANDIDATE,
        '"no deny {object}"',
        '"rollback 1"',
        '29:16: "rollback 1" is a command, and a candidate holds configuration only',
    ),
    "a timer in a candidate": (
        CANDIDATE,
        DENY,
        '"deny {object} {for_s}"',
        "26:16: The timer is the commit's own, so that no line of a candidate has {for_s} or {for_min}; take it out.",
    ),
    "a look at what a candidate does not answer": (
        CANDIDATE,
        LINE,
        'send: "deny {object}", must: ready, source',
        "26:39: A line of a candidate answers nothing, so that there is nothing to look for under must; take it out.",
    ),
    "a difference of a console's recipe": (
        CANDIDATE,
        "napalm:nftables",
        "netmiko:plain",
        "34:3: Only a recipe whose driver is napalm has difference, because only its lines are a candidate configuration; take it out.",
    ),
    "what a person types that names by number": (
        CANDIDATE,
        "tool no deny {object}",
        "no 7",
        '32:16: "no 7" names what it removes by its number',
    ),
    "a difference with what only a run knows": (
        CANDIDATE,
        "pattern: 'deny {object}'",
        "pattern: 'deny {object} {run}'",
        "34:15: {run} cannot stand here: it has no value in difference of a pending recipe; known there:",
    ),
}
