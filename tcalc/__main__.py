"""`python -m tcalc` is the command `tcalc`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working directory: a numpy.py that lies there is none of ours
    from .cli.main import main

    sys.exit(main())
