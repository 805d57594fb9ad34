"""Run as `python -m islandmode`."""

from islandmode.ui.cli import main

if __name__ == "__main__":
    main()
