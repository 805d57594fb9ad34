"""The report of a run, as one HTML file: of a judged one, and of a refused one."""
