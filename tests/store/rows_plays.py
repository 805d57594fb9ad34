"""Bad recipes with Ansible plays, and what is said of each; and bad playbooks."""

from __future__ import annotations

Row = tuple[str, str, str, str]

PLAYS = """\
recipe: plain-plays
version: 1
title: Plays
driver: ssh:shell
cycle: own-timer
undo_tier: A
reverts: own
lock: atomic
families: [4, 6]
covers: [forward]
not_covered: what the device itself sends
witness: none
cuts_established: itself
atomic_stage: true
after_restart: gone
after_failover: passes
timer: {shown: remaining, least: 10 s, most: 2 h, grain: 1 s, renewable: false}
calls: {arm: 30 s, isolate: 30 s}
sources:
  book: {what: The manual}
names:
  object: {form: "im_{conduit}", most: 20}
versions: {ask: show version, pattern: 'v(\\d+)', source: book, confidence: documented}
plays:
  steps: [arm, isolate]
  facts: playbooks/look.yml
arm:
  - lines:
      - {send: "playbooks/arm.yml table={object} run={run} for_s={for_s}", source: book, confidence: documented}
isolate:
  - lines:
      - {send: "playbooks/isolate.yml table={object} run={run}", source: book, confidence: documented}
restore:
  - lines:
      - {send: "remove {object}", source: book, confidence: documented}
errors: [^error]
reads:
  state:
    - ask: show {object}
      whole: ^done$
      source: book
      confidence: documented
      finds:
        - {gives: isolating, pattern: denies}
        - {gives: left, pattern: 'left (\\d+)'}
        - {gives: owner, pattern: 'of (\\S+)'}
card:
  become: Log in.
  looks: [{ask: "show {object}", must_not_show: denies, otherwise: Type it again.}]
  last_resort: Restart it.
"""
STEPS = "  steps: [arm, isolate]\n"
ARM = "playbooks/arm.yml table={object} run={run} for_s={for_s}"
ISOLATE = "playbooks/isolate.yml table={object} run={run}"
RESTORE = """restore:
  - lines:
      - {send: "remove {object}", source: book, confidence: documented}
"""
ARMING = f"""arm:
  - lines:
      - {{send: "{ARM}", source: book, confidence: documented}}
"""

RENEW = "playbooks/renew.yml table={object} run={run} for_s={for_s}"
RENEWED = (
    PLAYS.replace("renewable: false", "renewable: true")
    .replace("isolate: 30 s}\n", "isolate: 30 s, renew: 30 s}\nworks: {renew: 20 s}\n")
    .replace(STEPS, "  steps: [arm, isolate, renew]\n")
    .replace(
        "restore:\n",
        f'renew:\n  - lines:\n      - {{send: "{RENEW}", source: book, confidence: documented}}\nrestore:\n',
    )
)
"""The same, which also renews by a play."""
BAD_PLAYS: dict[str, Row] = {
    "no undo": (PLAYS, RESTORE, "", '1:1: The key "restore" is missing here; add it.'),
    "an undo that is a play": (
        PLAYS,
        '"remove {object}"',
        '"playbooks/restore.yml table={object}"',
        "35:16: A play stands under restore, where a line is sent to the device; write the device's own line.",
    ),
    "no timer that is read back": (
        PLAYS,
        "timer: {shown: remaining",
        "timer: {shown: nothing",
        "17:16: Nothing shows the timer of what a play has armed, and a play's own word proves nothing; read the timer back.",
    ),
    "no timer": (PLAYS, " for_s={for_s}", "", "28:3: arm starts no timer: none of its lines has {for_s} or {for_min}."),
    "a timer of the isolate's own": (
        PLAYS,
        ISOLATE,
        f"{ISOLATE} for_s={{for_s}}",
        "31:3: isolate starts a timer of its own ({for_s}): a line that comes late would isolate for the whole of it.",
    ),
    "nothing armed": (
        PLAYS.replace(STEPS, "  steps: [isolate]\n"),
        ARMING,
        "",
        "25:3: Nothing is armed, so that a play that comes late would isolate for the whole of a timer;",
    ),
    "no proof": (
        PLAYS,
        "        - {gives: isolating, pattern: denies}\n",
        "",
        "39:5: No state read gives isolating, so that nothing would prove that isolate isolates; add what shows it.",
    ),
    "a clock": (
        PLAYS,
        "cycle: own-timer",
        "cycle: clock",
        "5:8: What a play isolates must have a timer of its own, counted from now, which outlives Ansible; a clock recipe cannot be driven by plays yet.",
    ),
    "a candidate": (
        PLAYS,
        "driver: ssh:shell",
        "driver: napalm:nftables",
        "4:9: Beside plays the device is looked at and restored by lines, so say netmiko:KIND or ssh:shell.",
    ),
    "no time to start": (
        PLAYS,
        "calls: {arm: 30 s, isolate: 30 s}",
        "calls: {arm: 30 s}",
        "18:8: A play takes some seconds to start; say under calls how long isolate may take, at least 10 s.",
    ),
    "a run that is not told": (
        PLAYS,
        ISOLATE,
        "playbooks/isolate.yml table={object}",
        "32:16: A play must know whose isolation it makes, so that it leaves another run's alone; give it run={run}.",
    ),
    "how to log in": (
        PLAYS,
        ISOLATE,
        f"{ISOLATE} ansible_host=192.0.2.1",
        '32:16: This is no line of a play: "ansible_host=192.0.2.1" is not what a play can be given; write key=value.',
    ),
    "a playbook outside": (
        PLAYS,
        "playbooks/isolate.yml table",
        "../isolate.yml table",
        "32:16: This is no line of a play: it does not begin with a playbook, such as playbooks/isolate.yml.",
    ),
    "an odd quotation mark": (
        PLAYS,
        ISOLATE,
        f"{ISOLATE} by='",
        "32:16: This is no line of a play: a quotation mark has no other (No closing quotation).",
    ),
    "an answer to look for": (
        PLAYS,
        f'{{send: "{ISOLATE}", source',
        f'{{send: "{ISOLATE}", must: done, source',
        "32:72: A play answers nothing, so that there is nothing to look for under must; take it out.",
    ),
    "a look that is no playbook": (
        PLAYS,
        "facts: playbooks/look.yml",
        "facts: show version",
        "26:10: This is no line of a play: it does not begin with a playbook, such as playbooks/isolate.yml.",
    ),
    "a look for each conduit": (
        PLAYS,
        "facts: playbooks/look.yml",
        'facts: "playbooks/look.yml table={object}"',
        "26:10: This play is the same for all conduits, so that no placeholder has a value here.",
    ),
    "a step that is not said to be a play": (
        PLAYS,
        STEPS,
        "  steps: [isolate]\n",
        "29:16: A play stands under arm, where a line is sent to the device; say so under plays, steps.",
    ),
    "a renewal whose time is not told": (
        RENEWED,
        "works: {renew: 20 s}\n",
        "",
        "18:8: While a play renews, nobody reads the device, and its timer runs on; say under works how long renew takes, so that a drill",
    ),
    "a renewal that has no time to start": (
        RENEWED,
        "renew: 30 s}",
        "renew: 5 s}",
        "18:8: A play takes some seconds to start; say under calls how long renew may take, at least 10 s.",
    ),
    "a renewal of nobody's": (
        RENEWED,
        RENEW,
        "playbooks/renew.yml table={object} for_s={for_s}",
        "36:16: A play must know whose isolation it makes, so that it leaves another run's alone; give it run={run}.",
    ),
    "a renewal that sets no timer": (
        RENEWED,
        RENEW,
        "playbooks/renew.yml table={object} run={run}",
        "35:3: renew sets no timer: none of its lines has {for_s} or {for_min}.",
    ),
    "a renewal that is not said to be a play": (
        RENEWED,
        "  steps: [arm, isolate, renew]\n",
        STEPS,
        "36:16: A play stands under renew, where a line is sent to the device; say so under plays, steps.",
    ),
    "a renewal that is said to be a play and is not there": (
        PLAYS,
        STEPS,
        "  steps: [arm, isolate, renew]\n",
        "25:10: renew is said to be a play, and has no lines; name its playbook there, or take it out.",
    ),
    "a playbook in the recipe": (
        PLAYS,
        STEPS,
        "  steps: [arm, isolate]\n  texts: {playbooks/arm.yml: x}\n",
        "26:10: A playbook is a file of its own, which the line names; take texts out.",
    ),
}

GOOD_PLAYBOOK = """\
# include_tasks: none here
- name: Do it
  hosts: all
  tasks:
    - name: Say it
      ansible.builtin.debug: {msg: said}
"""
BAD_PLAYBOOKS: dict[str, tuple[str, str, str]] = {
    "tasks of another file": (
        "    - name: Say it\n",
        "    - ansible.builtin.include_tasks: more.yml\n    - name: Say it\n",
        "5:1: ansible.builtin.include_tasks takes something from elsewhere, and a plan carries this file whole and nothing else; write the tasks here.",
    ),
    "roles": (
        "  tasks:\n",
        "  roles: [firewall]\n  tasks:\n",
        "4:1: roles takes something from elsewhere, and a plan carries this file whole and nothing else; write the tasks here.",
    ),
    "host keys": (
        "  tasks:\n",
        "  vars: {ansible_ssh_common_args: -o StrictHostKeyChecking=no}\n  tasks:\n",
        "4:1: A play must not say how host keys are checked: they always are; take this line out.",
    ),
    "no play": (
        "- name: Do it\n  hosts: all\n",
        "name: Do it\nwhere: all\n",
        "1:1: This is no playbook: a list of plays, each with hosts; write hosts: all, which is the one device.",
    ),
}
