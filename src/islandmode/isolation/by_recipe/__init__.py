"""Recipes as platforms: devices that are driven by lines which are data."""
