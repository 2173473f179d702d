# Sourced by the other scripts: goes to the repository root and makes .venv there with any Python 3.11 or later, unless it exists.
# Sets `python` to its interpreter.

cd "$(dirname "$0")/.." || exit 1

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "$0: needs Python 3.11 or later, with venv, on PATH" >&2
    return 1
}

python=.venv/bin/python
if ! "$python" -c 'import pip' >/dev/null 2>&1; then
    found=$(find_python) || exit 1
    "$found" -m venv --clear .venv
fi

install() {
    "$python" -m pip install --quiet --disable-pip-version-check "$@"
}

# tcalc itself, editable, with what its tests need: the versions and files that requirements-dev.lock names, and no others
install_dev() {
    install --require-hashes --requirement requirements-dev.lock
    install --no-deps --no-build-isolation --editable .
}
