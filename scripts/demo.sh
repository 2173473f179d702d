#!/bin/sh
# Installs tcalc into .venv and runs one line of it.
set -eu
. "$(dirname "$0")/venv.sh"

install --editable .
set -- 'x = ones(2, 3, requires_grad=True); y = (x @ x.T).sum(); y.backward(); x.grad'
echo "\$ tcalc '$1'"
.venv/bin/tcalc "$1"
echo "Type .venv/bin/tcalc for the prompt."
