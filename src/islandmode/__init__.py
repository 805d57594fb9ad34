"""Islandmode proves that a plant can cut itself off from the corporate network and keep running."""

__version__ = "0.1.0"
