#!/bin/sh
# Runs tests in a fresh environment with the lowest versions of the dependencies that pyproject.toml allows, and in another with the newest
# that there are. Wants the lowest Python, too: later ones have no files of such old versions. Arguments go to pytest.
set -eu
. "$(dirname "$0")/venv.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if python3.11 -c 'import venv, ensurepip' >/dev/null 2>&1; then lowest=python3.11; else lowest=$python; fi

"$lowest" - "$work" <<'PYTHON'
"""The dependencies of pyproject.toml, once at their bounds (numpy>=2.3 is numpy==2.3), once as they stand."""
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
bounds = project["dependencies"] + project["optional-dependencies"]["safetensors"]
folder = Path(sys.argv[1])
(folder / "lowest").write_text("\n".join(bound.replace(">=", "==") for bound in bounds), encoding="utf-8")
(folder / "newest").write_text("\n".join(bounds), encoding="utf-8")
PYTHON

for kind in lowest newest; do
    "$lowest" -m venv "$work/$kind-venv"
    here=$work/$kind-venv/bin/python
    "$here" -m pip install --quiet --disable-pip-version-check --requirement "$work/$kind" hypothesis pexpect pyte 'pytest>=8.2'
    echo "$kind: $("$here" -m pip list --disable-pip-version-check --format freeze | grep -iE '^(click|ml_dtypes|numpy|prompt_toolkit|rich|safetensors|scipy)=' | tr '\n' ' ')"
    "$here" -m pytest -q -p no:cacheprovider "$@"
done
