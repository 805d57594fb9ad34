"""A device that a person isolates by hand: the site's own lines in plan and card, and nothing that logs in."""
