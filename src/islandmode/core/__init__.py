"""Pure values and decisions: no I/O, clock, logging or threads."""
