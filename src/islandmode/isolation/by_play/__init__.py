"""Isolation by Ansible plays: ansible-runner in a process of its own, and a point whose steps are plays."""
