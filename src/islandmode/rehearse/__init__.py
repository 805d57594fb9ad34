"""Rehearsal: the lab, in network namespaces or in containers."""
