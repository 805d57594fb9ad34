"""From a drill and a site to a plan: every check, what each flow loses, and the digests."""
