"""The only place with order and concurrency: the conductor, restore, the dead-man."""
