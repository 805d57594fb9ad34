"""The words by which a lab's file says what a node is: its labels, and the name of the operations host."""

from __future__ import annotations

CLOCK_LABEL = "islandmode.clock-offset-s"
READY_LABEL = "islandmode.ready-check"
POINT_LABEL = "islandmode.isolation-point"
ROLE_LABEL = "islandmode.role"
VANTAGE_LABEL = "islandmode.vantage"
ZONE_LABEL = "islandmode.zone"
OUR_LABELS = "islandmode."
READY_WITHIN_LABEL = "islandmode.ready-within-s"
LABELS = {
    POINT_LABEL: ("The isolation point of the site that this node is; each has one node.", "conduit-firewall"),
    VANTAGE_LABEL: (
        "The vantage of the site that this node is, from which its probes look; each has one node.",
        "office",
    ),
    ZONE_LABEL: ("The zone of the site in which the node is drawn.", "line3"),
    ROLE_LABEL: ("What the node is, for `lab status` and the picture.", "PLC"),
    READY_LABEL: (
        "A Python program that is run in the node once the lab is up, and ends with 0 when the plant answers.",
        "/run/plant/ready.py",
    ),
    READY_WITHIN_LABEL: (
        "In containers, how many seconds the node may take until it can be logged in to; 15 if not given.",
        "120",
    ),
    CLOCK_LABEL: ("In namespaces, how many seconds the node's monotonic clock is ahead; 0 if not given.", "7200"),
}
"""Labels that are read of a node: what each means, and an example."""
OPERATIONS_HOST = "ops"
WITHOUT_CONTAINER = {"bridge", "ovs-bridge", "host", "ext-container"}
"""Kinds of node that are no machine of the lab."""
