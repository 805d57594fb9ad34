"""Look, never touch: probes, and the vantages they look from."""
