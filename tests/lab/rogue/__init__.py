"""Things that go wrong in a plant, made on purpose."""
