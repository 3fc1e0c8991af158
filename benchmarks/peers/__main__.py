"""`python -m benchmarks.peers`: makes the peers' environments; `--lock` resolves them anew."""

import argparse
import sys
from pathlib import Path

from benchmarks.peers.environments import ENVIRONMENTS, LeftOut, make, write_lock


def main() -> int:
    """Makes or locks the chosen environments; 0 even when some are left out, with the reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [each.name for each in ENVIRONMENTS]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--lock", action="store_true", help="resolve the requirement files anew")
    options = parser.parse_args()
    for wanted in ENVIRONMENTS:
        if wanted.name not in options.only:
            continue
        try:
            if options.lock:
                write_lock(wanted, Path(sys.executable).parent / "uv")
            else:
                make(wanted)
        except LeftOut as reason:
            print(f"{wanted.name:16} left out: {reason}")
        else:
            print(f"{wanted.name:16} ready: Python {wanted.python}, {wanted.why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
