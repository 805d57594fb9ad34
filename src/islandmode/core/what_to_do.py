"""What to do next about each finding, by its code: the sentence that a report puts below it. Pure."""

from __future__ import annotations

PROGRAM = "islandmode"
REPEAT = "Remove the cause and repeat the drill; this run proves nothing either way."
NO_MORE = "Nothing has to be done."
OTHER = "Read the journal records that the finding names, and repeat the drill."

URGENT = ("stranded", "guardian-disagrees", "ours-left", "not-back", "configuration-unread", "no-control-after")
"""What may mean that the plant is not back, the worst first."""

WHAT_TO_DO = {
    # The isolation.
    "leak": "Find the way that it took (a second link, a relay, another address family, a rule that comes before the isolation), close it, and "
    "repeat the drill. Until then do not count on this isolation.",
    "egress-leak": "Find which host sent these packets (log or capture on the named interfaces of the firewall), close that way, "
    "and repeat the drill. Until then do not count on this isolation.",
    "undeclared-path": "Close the way between the two zones, or declare a conduit for it in the site file; then repeat the drill.",
    "egress-unread": "See why the firewall did not answer while it isolated (load, management link); then repeat the drill.",
    "egress-gone": "Ask who changed or reset rules on the firewall during the drill; then repeat it.",
    "refused-by-unknown": "Find out which device refuses there (a capture on the firewall shows it); then repeat the drill.",
    "never-effective": "See on the device whether its rules took effect, and on which interfaces the traffic really goes; then "
    "repeat the drill.",
    "isolated-late": "See what delays the device or the way to it. If this time is acceptable, the process owner raises "
    "isolate_within in the drill.",
    "not-by-hand": "Ask the person at the device what they did, when, and what they saw there; then repeat the drill.",
    "not-isolating": "Find out in the device's own log whether the order reached it and what it did with it; then repeat the drill.",
    "isolated-too-much": "Correct what the earlier stage isolates, in the site file or on the firewall; it stops more than it should.",
    "held-short": "Repeat the drill with a longer hold, or remove what made the isolation late, or a vantage's clock coarse.",
    "stage-not-held": "See above why the drill ended early, remove that, and repeat the drill: this stage is not tested.",
    # The plant.
    "continuity-gap": "Find out what the line lost when the path was isolated (name server, time, licence, a value from outside) "
    "and keep it inside the zone; then repeat the drill.",
    "continuity-availability": "Find out what made the answers come and go while isolated, and repeat the drill.",
    "interlock": "Let plant operations bring the plant into the state that the drill declares, or run the drill that declares the state that it is in.",
    "interlock-unseen": "See why the interlock was not read (PLC, way to it, load), and repeat the drill.",
    "interlock-otherwise": "Ask plant operations what happened at that moment.",
    "backup-missing": "Take a backup of the device, keep it elsewhere, and enter it under backups in the site file; a live drill is refused without.",
    "aborted": "Find out why the named probe went bad before the isolation is tried again; the drill has put the plant back.",
    # The ways back.
    "dead-man": "Find out in the device's own log who or what removed the Islandmode object or its timer, or why the device was "
    "not heard; then repeat the drill.",
    "restored-late": "See what delays the device or the way to it. If this time is acceptable, the process owner raises "
    "restore_within in the drill.",
    "locked-out": "See that the management way is on no isolated pair of interfaces, that the device takes another login, and that "
    "this machine has room for it; then repeat the drill.",
    "stranded": "NOW: restore the device by hand with its card, then run `islandmode restore RUN`, which looks at it.",
    "ours-left": "NOW: do on the device what the finding says, then run `islandmode restore RUN`, which looks at it.",
    "not-back": "NOW: enter on the device what the finding names, unless somebody removed it on purpose, and see that traffic takes its usual way.",
    "configuration-unread": "NOW: log in to the device and see that no Islandmode object is there; then run `islandmode restore RUN`.",
    "guardian-disagrees": "NOW: run `islandmode status --devices` and see that nothing is isolated; then `islandmode restore RUN`.",
    "no-control-after": "NOW: see whether this path works again for its users. If it does not, look at the device with the card, "
    "then at the probed host.",
    "backlog-left": "Watch it until it has drained, and say so when the run is closed: `islandmode close RUN --by NAME --drained`.",
    "kept-closed": "The person who keeps it closed opens it, by the site's own deny or cable, when the reason is gone; Islandmode never does. Then repeat the drill.",
    "kept-closed-before": "Repeat the drill once the person who keeps that conduit closed has opened it.",
    "not-kept-closed": "See at once whether that conduit is closed where it was to be, by the site's own deny or cable: something passed over it.",
    "kept-closed-unseen": "See at once, on the device and over the path, whether it is closed, and by whom. " + REPEAT,
    # How the run went.
    "stopped-by-person": "Nothing is wrong with the isolation as far as it went. Repeat the drill when the reason is gone.",
    "flying-blind": "See why no continuity probe of that zone said anything good (vantage, network of the operations host), and "
    "repeat the drill.",
    "guardian": "See why the conductor was silent (load, memory, a stopped machine); the guardian has put the plant back. "
    "Repeat the drill.",
    "window-over": "See what took so long before and between the stages, and repeat the drill.",
    "not-in-order": "See why the device did not give back its conduits when it was asked; everything was then restored at once.",
    "no-word": "Ask who was to give the word why they did not, or give them longer (`within`); everything was then restored at once.",
    "stopped-otherwise": "Read in the journal why the drill was stopped (another version of Islandmode wrote it), and repeat the drill.",
    "conductor-died": "See what ended the conductor (memory, a restart, a person), and repeat the drill. Unless the finding "
    "says that every isolation point was seen back, run `islandmode restore RUN`, which looks at them.",
    "internal": "Report this fault with the run's directory; the plant was put back. Repeat the drill.",
    "journal-hole": "See why the disk did not take every record (full, slow, failing), and repeat the drill.",
    "journal-altered": "See who or what changed the run's journal; its record proves nothing. Repeat the drill.",
    "record-unread": "Judge the run with the version that wrote it, which its journal names. " + REPEAT,
    # The witnesses.
    "witness-lost": "Where its host answers again, fetch its samples: `islandmode collect RUN`. Where a person brings them, with a kit or as a "
    "copy of what its host kept, add `--from FOLDER`. Otherwise see why they are not whole (host, worker, disk), remove the cause and repeat the drill.",
    "witness-gap": "See why the probe, or its vantage, was silent. " + REPEAT,
    "witness-sparse": "See why the probe used so few of its slots (load, a timeout that is too long). " + REPEAT,
    "clock-unmeasured": "See why the vantage did not answer when its clock was asked, and repeat the drill.",
    "clock-unkept": "Let NTP keep the clock of that host and of the operations host. " + REPEAT,
    "no-control-before": "Make the probe good before the drill (its target, its port, the allow-list), and repeat it.",
    "point-not-ready": "Mend on the device what the sentence names; `islandmode devices check` looks again.",
    # What a check of one device finds.
    "point-managed-across": "Manage the device from the operations host's side, or take that conduit out of what it isolates.",
    "point-login-beside": "Let the account have two sessions at once on the device (its log says what refused the second).",
    "point-configuration-unread": "Let the login user read the configuration on the device.",
    "point-other-objects": "Find out whose these objects are; another site's run may have left them.",
    "point-bench-left": "If no bench goes on, bench the device again: what was left is taken away first.",
    "point-rights-broad": "Give the account no more than the printed lines do.",
    "point-rights-unread": "Look at the account's rights on the device by hand.",
    "point-account-elsewhere": "Give the drill an account of the device's own, so that no restore needs another machine.",
    "pair-unread": "See why a member of the pair was not read after its role changed. " + REPEAT,
    # Notes.
    "pair-role-untold": "Look on the devices which member is active before the drill, and whether that is still so after it.",
    "pair-role-changed": "Ask the owner of the pair why it failed over during the drill; every member isolated.",
    "pair-sync-lost": "Bring the members of the pair in sync again, and see why they lost it during the drill.",
    "pair-was-split": "See why the members of the pair did not hear each other during the drill: that is no state to leave a pair in.",
    "moved-with-role": "See that the pair is as it should be; its own daemon moves these addresses.",
    "edited-meanwhile": "Ask the owner of the device whether that edit was meant; it was kept.",
    "loaded-again": "Ask the owner of the device who loaded the rules again during the drill.",
    "old-connection": NO_MORE + " Plan for applications that do not connect anew by themselves.",
    "conduit-without-canary": "Add a canary across that conduit, so that the drill shows open connections stopping too.",
    "probe-without-flow": "Add the flow that this probe asks for to the site, with its owner, or correct the probe.",
    "flow-partly-tested": "Add a severed probe for the rest of that flow, with a vantage at its source.",
    "other-way-untested": "Add a severed probe by that way (`by`), from a vantage beyond it, or take the way away.",
    "configuration-drifted": "Read what changed, and who changed it; where it is meant, do the dry run again.",
    "closed-by-rule": NO_MORE + " If traffic is meant to pass there, declare the flow and probe it.",
    "kit-unseen": "See at the kit that its probes are good before the drill begins, and bring its folder back after it.",
    "clock-coarse": "See why its host answers so late (load, the way there), or watch from a host that is nearer.",
    "samples-unkeyed": NO_MORE
    + " Before you rely on this verdict, ask the person who carried the samples where they were meanwhile.",
    "no-island": "Decide who accepts what stays open (`left_open` in the drill), or isolate it too.",
    "host-forwards": "Turn forwarding off on the operations host, or see that it joins no two zones.",
    "point-part-unread": "Let the login user read that on the device, or check it by hand.",
    "point-saved-absent": "Restore the missing file on the device, or take its include out: a restart would load no rules.",
    "point-interface-unnamed": "Name the interface in the site file with its zone, or see that it leads to no zone.",
    "point-tunnel": "See where the tunnel ends; name its zone in the site file, or take it away.",
    "point-management-across": "See that nobody uses the management network as a way between zones.",
    "point-interface-unproven": "See by hand that the interface leads where the site file says.",
    "point-lock-unread": "See on the device's console that no other session has locked its configuration.",
    "point-login-prints": "Let the login files of this account print nothing: what they print stands among the device's answers.",
    "point-copies": "See where the copies go; a monitoring port that leads to another zone carries the plant's traffic there.",
    "point-offloads-elsewhere": "See that the flowtable's interfaces lead to no isolated zone.",
    "point-dhcp-client": "Give the interface a fixed address, or see that it is no outer interface of an isolated conduit.",
    # Refusals.
    "point-silent": "See that the device is up and its management address is within reach of the operations host.",
    "point-login": "Correct user, password or key in the site file's login; try it with ssh from the operations host.",
    "point-unusable": "Do on the device what the sentence says, and start again.",
    "point-state-unread": "See why the device does not show its state (rights, or the program that is asked there), and start again.",
    "point-already-isolated": "Let that run end, abort it, or take its object away as the sentence says; then start again.",
    "point-change-pending": "Ask that person to confirm the change or to take it back; then start again.",
    "point-saved-isolated": "Take the isolation out of the saved configuration with the command of the sentence; then start again.",
    "point-saved-unread": "Let the login user read the saved configuration, and start again.",
    "point-interface-missing": "Correct the interface in the site file, and start again.",
    "point-interface-carries-nothing": "Name in the site file the interface that packets really carry, and start again.",
    "point-interface-in-other-zone": "Correct the zones of the interfaces in the site file, and start again.",
    "point-way-past": "Name that interface in the site file for its zone, or close that way; then start again.",
    "point-redirects": "Take the redirect off the device, or isolate on another device; this one could be bypassed.",
    "point-bridged": "Take the zones out of the common bridge, or isolate on another device; this one could be bypassed.",
    "point-offloaded": "Take the flowtable off the named interfaces, and start again.",
    "point-speaks-to-peers": "Name the pair in the site file if it speaks VRRP (docs/pairs.md), or isolate on a device that speaks to no peers.",
    "pair-role-unread": "See why the member does not show its role, or correct the pair in the site file; then start again.",
    "pair-sync-unread": "See why the member does not show whether it is in sync (its account's rights, the other member), and start again.",
    "pair-out-of-sync": "Bring the members of the pair in sync, and start again.",
    "pair-out-of-step": "Put the interfaces that must fail over together into one sync group, or correct virtual_addresses; then start again.",
    "pair-split": "Let the members hear each other again, so that one of them is active; then start again.",
    "pair-without-active": "Let one member become active, or correct virtual_addresses in the site file; then start again.",
    "pair-address-missing": "Correct the addresses under vrrp in the site file, and start again.",
    "point-address-leased": "Give the outer interface a fixed address, and start again.",
    "baseline-silent": "See why the probe says nothing (its vantage, its worker), and start again.",
    "baseline-not-good": "Make the probe good (its target, its port, the allow-list, the plant itself), and start again.",
    "baseline-unseen": "See why the vantage cannot be looked at (address, login, worker), and start again.",
    "disk-full": "Make room in the runs directory, and start again.",
    "worker-not-started": "See why the vantage's worker does not start (address, login, Python), and start again.",
    "not-ready": "Make every layer that restores ready, as the sentence says (a busy machine starts them too slowly), and start again.",
    "not-armed": "See why the device did not take its timer; nothing is isolated without one. Then start again.",
    "no-go": "Nothing has to be done: the plant floor did not say go. Ask it why, and run the drill again in its window, or ask for another.",
    "vetoed": "Nothing has to be done: it was vetoed, and did not fail. Talk to who vetoed it before it is run again.",
    "changed-since-preflight": "Ask who changed the device while the go was waited for; then run the drill again, so that preflight sees it as it is.",
    "nobody-there": "Reach the person who is asked at the device, or name another in the site file; start again when they are there.",
    "stopped-early": "Start again when the reason is gone.",
    "refused": "Do what the sentence says, and start again.",
}


def what_to_do(code: str, run: str = "RUN", program: str = PROGRAM) -> str:
    """Say what to do about a finding of a run, with `program` as a person types it; for a finding of another version, where to look."""
    told = WHAT_TO_DO.get(code, OTHER).replace("restore RUN", f"restore {run}").replace("collect RUN", f"collect {run}")
    return told.replace(f"`{PROGRAM} ", f"`{program} ")


def is_urgent(code: str) -> bool:
    """Tell whether a finding may mean that the plant is not back."""
    return urgency(code) < len(URGENT)


def urgency(code: str) -> int:
    """Give the place of a finding among those to be acted on: what may mean that the plant is not back comes first."""
    return URGENT.index(code) if code in URGENT else len(URGENT)
