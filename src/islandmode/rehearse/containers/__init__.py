"""The lab in containers: containerlab brings it up, Docker holds it."""
