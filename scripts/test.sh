#!/bin/sh
# Installs tcalc with what its tests need into .venv, then runs ruff, mypy and the tests; arguments go to pytest.
# Tests that compare with PyTorch or look at CuPy are skipped unless .venv has them.
set -eu
. "$(dirname "$0")/venv.sh"

install --editable '.[dev]'
"$python" -m ruff check .
"$python" -m mypy --strict tcalc
"$python" -m pytest "$@"
