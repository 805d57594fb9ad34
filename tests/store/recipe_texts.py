"""Three small recipes that are good, one for each cycle, for tests that spoil them. Their devices do not exist."""

from __future__ import annotations

CLOCK = """\
recipe: plain-clock
version: 1
title: A clock
driver: netmiko:plain
cycle: clock
undo_tier: B
reverts: own
families: [4, 6]
covers: [forward]
not_covered: what the device itself sends
witness: none
cuts_established: itself
atomic_stage: true
after_restart: gone
after_failover: passes
timer: {shown: until, least: 2 min, most: 2 h, grain: 1 min, renewable: true}
sources:
  book: {what: The manual}
names:
  object: {form: "im_{conduit}", most: 20}
versions: {ask: show version, pattern: 'v(\\d+)', source: book, confidence: documented}
device_time: {ask: show clock, pattern: '(.+)', format: "%Y-%m-%d %H:%M:%S", source: book, confidence: documented}
provision:
  - lines:
      - {send: "deny while {object}", source: book, confidence: documented}
arm:
  - lines:
      - {send: "window {object} {starts(%Y-%m-%d %H:%M)} {armed_until(%Y-%m-%d %H:%M)}", source: book, confidence: documented}
isolate:
  - lines:
      - {send: "window {object} {starts(%Y-%m-%d %H:%M)} {end(%Y-%m-%d %H:%M)}", source: book, confidence: documented}
renew:
  - lines:
      - {send: "window {object} {starts(%Y-%m-%d %H:%M)} {end(%Y-%m-%d %H:%M)}", source: book, confidence: documented}
restore:
  - lines:
      - {send: "window {object} {rest_starts(%Y-%m-%d %H:%M)} {rest_end(%Y-%m-%d %H:%M)}", source: book, confidence: documented}
errors: [^error]
reads:
  state:
    - ask: show window {object}
      whole: ^done$
      source: book
      confidence: documented
      finds:
        - {gives: starts, pattern: 'from (\\S+ \\S+)', format: "%Y-%m-%d %H:%M"}
        - {gives: ends, pattern: 'until (\\S+ \\S+)', format: "%Y-%m-%d %H:%M"}
        - {gives: in-place, pattern: 'denies {object}'}
lock: checked
card:
  become: Log in.
  looks: [{ask: "show {object}", must_not_show: linked, otherwise: Type it again.}]
  last_resort: Restart it.
"""

OWN_TIMER = """\
recipe: plain-timer
version: 1
title: A timer
driver: netmiko:plain
cycle: own-timer
undo_tier: A
reverts: own
families: [4]
covers: [forward, to_device, vpn]
witness: none
cuts_established: itself
atomic_stage: true
after_restart: gone
after_failover: passes
timer: {shown: remaining, least: 5 s, most: 2 h, grain: 1 s, renewable: true}
sources:
  book: {what: The manual}
names:
  object: {form: "im_{conduit}", most: 20}
versions: {ask: show version, pattern: 'v(\\d+)', source: book, confidence: documented}
arm:
  - lines:
      - {send: "list {object} timeout {for_s}", source: book, confidence: documented}
isolate:
  - lines:
      - {send: "link {object}", source: book, confidence: documented}
renew:
  - lines:
      - {send: "list {object} timeout {for_s}", source: book, confidence: documented}
restore:
  - lines:
      - {send: "remove {object}", source: book, confidence: documented}
errors: [^error]
reads:
  state:
    - ask: show list {object}
      whole: ^done$
      source: book
      confidence: documented
      finds:
        - {gives: isolating, pattern: linked}
        - {gives: left, pattern: 'left (\\d+)'}
        - {gives: owner, pattern: 'by (\\S+)'}
lock: atomic
card:
  become: Log in.
  looks: [{ask: "show {object}", must_not_show: linked, otherwise: Type it again.}]
  last_resort: Restart it.
"""

PENDING = """\
recipe: plain-pending
version: 1
title: A pending change
driver: netmiko:plain
cycle: pending
undo_tier: B
reverts: everything
families: [4]
covers: [forward, to_device, vpn]
witness: none
cuts_established: itself
atomic_stage: true
after_restart: reverts
after_failover: passes
timer: {shown: started-and-length, least: 1 min, most: 2 h, grain: 1 min, renewable: true}
late: {at_most: 30 s, source: book, confidence: documented}
sources:
  book: {what: The manual}
names:
  object: {form: "im_{conduit}", most: 20}
versions: {ask: show version, pattern: 'v(\\d+)', source: book, confidence: documented}
device_time: {ask: show clock, pattern: '(.+)', format: "%Y-%m-%d %H:%M:%S", source: book, confidence: documented}
arm:
  - each: point
    lines:
      - {send: "begin {for_min}", source: book, confidence: documented}
isolate:
  - each: network4-pair
    lines:
      - {send: "{line} deny {outer_network4} {inner_network4}", source: book, confidence: documented}
renew:
  - each: point
    lines:
      - {send: "again {for_min}", source: book, confidence: documented}
restore:
  - each: network4-pair
    lines:
      - {send: "no deny {outer_network4} {inner_network4}", source: book, confidence: documented}
  - each: point
    lines:
      - {send: commit, source: book, confidence: documented}
errors: [^error]
reads:
  state:
    - ask: show pending
      each: network4-pair
      whole: ^done$
      source: book
      confidence: documented
      finds:
        - {gives: pending, pattern: waits}
        - {gives: started, pattern: 'since (\\S+ \\S+)', format: "%Y-%m-%d %H:%M:%S"}
        - {gives: length, pattern: 'for (\\d+) min', units: min}
        - {gives: isolating, pattern: 'deny {outer_network4} {inner_network4}'}
lock: device
card:
  become: Log in.
  looks: [{ask: "show {object}", must_not_show: linked, otherwise: Type it again.}]
  last_resort: Restart it.
"""
