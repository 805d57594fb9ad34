"""The recipes that ship with Islandmode, each a YAML file by its name."""
