"""Run as `python -m islandmode`."""

from islandmode.ui.program import main

if __name__ == "__main__":
    main()
