"""How each platform says it: pure rendering, a file per platform."""
