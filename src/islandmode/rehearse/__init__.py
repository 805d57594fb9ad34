"""Rehearsal: the lab of network namespaces, and the simulated world of the tests."""
