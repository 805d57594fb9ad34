"""A simulated plant on a virtual clock: devices, packets, disk and processes as they really are, for the tests of run/."""
