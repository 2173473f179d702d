#!/bin/sh
# Writes every transcript of README, CONTRIBUTING and docs (the tour's screens among them) anew from what running it prints now,
# and docs/operations.md and the man page from what the program says of itself.
set -eu
. "$(dirname "$0")/venv.sh"

install_dev
TCALC_UPDATE_DOCS=1 "$python" -m pytest -q tests/test_docs.py
