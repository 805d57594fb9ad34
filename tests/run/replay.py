"""Play one simulated run again and tell its story: python -m tests.run.replay SEED."""

import sys

from tests.run.simulated_run import run_seed

if __name__ == "__main__":
    for word in sys.argv[1:]:
        print(run_seed(int(word)).story())
