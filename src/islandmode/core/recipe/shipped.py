"""Names that a site's own recipe cannot take: those of the recipes that ship, and of what is no recipe."""

from __future__ import annotations

SHIPPED = ("fortios-schedule", "ios-revert", "ios-time-range")
"""The recipes in islandmode/recipes/, by name."""
NOT_RECIPES = ("ansible", "hand", "manual", "nftables")
"""Platforms that are code, or are going to be."""
