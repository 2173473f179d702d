#!/bin/sh
# Builds the source archive and from it the wheel, looks into both, and installs each into a fresh environment, far from the checkout,
# where tcalc must run, with its man page beside it. Leaves nothing behind.
set -eu
. "$(dirname "$0")/venv.sh"

install 'build>=1.2'
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# from a copy: building writes into the folder that is built
mkdir "$work/copy"
git ls-files -z | tar -cf - --null -T - | tar -xf - -C "$work/copy"
"$python" -m build --outdir "$work/dist" "$work/copy" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }

"$python" - "$work/copy" "$work"/dist/*.whl "$work"/dist/*.tar.gz <<'PYTHON'
"""All modules are in the wheel, and nothing else but the man page, licence and metadata; the archive holds what the wheel is made of."""
import sys
import tarfile
import zipfile
from pathlib import Path

root, wheel, archive = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
modules = {path.relative_to(root).as_posix() for path in root.glob("tcalc/**/*.py")}
names = set(zipfile.ZipFile(wheel).namelist())
packed = {name.partition("/")[2] for name in tarfile.open(archive).getnames()}
missing = sorted((modules - names) | (modules | {"docs/tcalc.1", "LICENSE", "README.md", "pyproject.toml"}) - packed)
others = sorted(name for name in names - modules if ".dist-info/" not in name and not name.endswith(".data/data/share/man/man1/tcalc.1"))
beside = sorted(name for name in packed if name.startswith(("tests", ".ci", "scripts")))
if missing or others or beside:
    sys.exit(f"check_wheel: missing: {missing}; not to be shipped: {others + beside}")
if not any(name.endswith("/man/man1/tcalc.1") for name in names) or not any(name.endswith("/LICENSE") for name in names):
    sys.exit("check_wheel: the wheel has no man page or no licence")
print(f"{Path(wheel).name}: {len(modules)} modules, {Path(wheel).stat().st_size // 1024} KiB")
PYTHON

# try NAME WHAT: installs WHAT into an environment called NAME and uses it there
try() {
    "$python" -m venv "$work/$1"
    here=$work/$1
    "$here/bin/python" -m pip install --quiet --disable-pip-version-check "$2"
    "$here/bin/python" -m pip check >/dev/null
    mkdir "$work/$1-away"
    (
        cd "$work/$1-away"
        unset PYTHONPATH
        echo 'raise SystemExit("the working directory was searched")' >numpy.py
        expect() {
            wanted=$1
            shift
            got=$("$@" 2>&1) || { echo "check_wheel: $*: status $?: $got" >&2; exit 1; }
            [ "$got" = "$wanted" ] || { echo "check_wheel: $*: $got, not $wanted" >&2; exit 1; }
        }
        version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$root/tcalc/__init__.py")
        expect "tcalc $version" "$here/bin/tcalc" --version
        expect 2 "$here/bin/tcalc" '1 + 1'
        expect '[[3.0, 3.0], [3.0, 3.0]]' "$here/bin/tcalc" 'x = ones(2, 3)' 'x @ x.T'
        expect '[2.0, 4.0]' "$here/bin/tcalc" 'x = tensor([1., 2.], requires_grad=True)' '(x ** 2).sum().backward()' 'x.grad'
        expect '' "$here/bin/tcalc" -o x.npy 'arange(6.).view(2, 3)'
        expect 15.0 "$here/bin/python" -m tcalc -l x=x.npy 'x.sum()'
        expect 'torch.Size([2])' "$here/bin/python" -P -c 'import tcalc; print(tcalc.ones(2).shape)'
        expect 4 sh -c "\"$here/bin/tcalc\" 'nn.Linear(3, 1)(ones(1, 3)).numel() * 4'"
        [ -f "$here/share/man/man1/tcalc.1" ] || { echo "check_wheel: no man page in $1" >&2; exit 1; }
        "$here/bin/tcalc" --completion bash | grep -q _TCALC_COMPLETE
        "$here/bin/python" -c 'import sys, tcalc; sys.exit("site-packages" not in tcalc.__file__)'
    ) || exit 1
    "$here/bin/python" -m pip uninstall --quiet --yes --disable-pip-version-check tcalc
    left=$(find "$here/lib" "$here/share" -path '*tcalc*' -name '*.py' -o -name tcalc.1 | head -n 1)
    [ -z "$left" ] || { echo "check_wheel: uninstalling leaves $left" >&2; exit 1; }
    echo "$1: installed, used, uninstalled"
}

try wheel "$work"/dist/*.whl
mkdir "$work/unpacked"
tar -xf "$work"/dist/*.tar.gz -C "$work/unpacked" --strip-components 1
try source "$work/unpacked"
