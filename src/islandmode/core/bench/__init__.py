"""The record of a bench, and when it counts. Pure."""
