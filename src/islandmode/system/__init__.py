"""The machine's edges, shared by those above: clock, disk, processes, secrets."""
