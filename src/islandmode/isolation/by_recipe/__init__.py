"""Isolation by a recipe: data says which lines a device takes, and what its answers mean."""
