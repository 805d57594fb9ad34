"""A small workspace in which everything is right."""

from __future__ import annotations

from pathlib import Path

DRILL = """\
drill: weekly
site: north
service: {name: Filling, target: "> 0"}
# The only stage.
stages:
  - name: office
    isolate: office-line
    hold: 8 s
limits:
  isolate_within: 5 s
  restore_within: 10 s
  dead_man: 3 min
  longest_ot_gap: 500 ms
  undo_tier: A
continuity: [plc]
severed: [office-plc]
"""
SITE = """\
site: north
zones:
  office: {level: 4, owner: IT, networks: 10.0.1.0/24}
  line: {level: 2, owner: Operations, networks: 10.0.2.0/24}
vantages:
  here: {zone: line, address: 10.0.2.1}
conduits:
  office-line:
    between: [office, line]
    owner: IT
    # The allow-list.
    flows:
      # one flow
      - name: office-plc
        source: 10.0.1.9
        destination: 10.0.2.9
        service: tcp/502
        owner: Planning
isolation_points:
  firewall:
    platform: nftables
    isolates: office-line
    interfaces: {office: eth1, line: eth2}
    management: {address: 10.0.2.254, zone: line}
    # Secrets by reference.
    login:
      user: drill
      password: env:FW
"""
PACK = """\
probes:
  plc:
    kind: modbus
    target: 10.0.2.9
    port: 502
    #register: 0
    vantage: here
  hmi:
    kind: http
    target: 10.0.2.8
    vantage: here
    path: /state
  office-plc: {kind: tcp, vantage: here, target: 10.0.2.7, port: 503}
"""
FILES = {"drills/weekly.yaml": DRILL, "inventory/north.yaml": SITE, "probes/line.yaml": PACK}


def write_workspace(root: Path, **changed: str) -> Path:
    """Write the workspace; changed files are named with their text, as in `**{"drills/weekly.yaml": ""}`."""
    for name, text in {**FILES, **changed}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
