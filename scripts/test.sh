#!/bin/sh
# Installs tcalc with what its tests need into .venv, hash by hash, then runs ruff, mypy and the tests; arguments go to pytest.
# Tests that compare with PyTorch or look at CuPy are skipped unless .venv has them. Fails when any of the three does.
set -eu
. "$(dirname "$0")/venv.sh"

install_dev
status=0
"$python" -m ruff check . || status=1
"$python" -m mypy --strict tcalc || status=1
"$python" -m pytest "$@" || status=1
exit $status
