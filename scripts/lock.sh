#!/bin/sh
# Writes requirements-dev.lock anew: the newest versions of what tcalc, its tests and its build need, for every platform and every Python
# that pyproject.toml allows, with the hashes of their files. Run it when pyproject.toml changes, or to move on; then run the tests.
set -eu
. "$(dirname "$0")/venv.sh"

install 'uv>=0.5'
UV_CUSTOM_COMPILE_COMMAND='sh scripts/lock.sh' "$python" -m uv pip compile --quiet --upgrade --universal --generate-hashes \
    --extra dev --output-file requirements-dev.lock pyproject.toml
