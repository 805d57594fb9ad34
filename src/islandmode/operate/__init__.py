"""Use cases as functions that take and return values; the library entry too. Nothing here prints."""
