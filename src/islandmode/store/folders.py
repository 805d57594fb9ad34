"""Names of the operators' folders in a workspace; apart from what reads them, so that asking whether they are there is quick."""

from __future__ import annotations

DRILLS, INVENTORY, PROBES = "drills", "inventory", "probes"
RECIPES = "inventory/recipes"
PEOPLE = "inventory/people"
