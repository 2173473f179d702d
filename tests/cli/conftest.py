"""Lets the tests of this folder import their helpers `cli_run` and `cli_screen`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
