"""Near misses: the name that somebody who typed another one probably meant."""

from __future__ import annotations

from collections.abc import Iterable

_LONG = 6

# Slips that no measure of likeness finds: the same thing in NumPy's, Python's, MATLAB's or an older torch's words.
_SLIPS = {
    "array": "tensor", "ndarray": "tensor", "arr": "tensor", "vector": "tensor", "matrix": "tensor",
    "concatenate": "cat", "concat": "cat", "hcat": "hstack", "vcat": "vstack",
    "identity": "eye", "dim": "ndim", "rank": "ndim", "length": "numel", "len": "numel",
    "axis": "dim", "expand_dims": "unsqueeze", "swapaxes": "transpose", "moveaxis": "movedim",
    "astype": "to", "cast": "to", "copy": "clone", "repeat": "tile", "ravel": "flatten", "resize": "reshape",
    "power": "pow", "absolute": "abs", "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "invert": "inverse", "inv": "inverse", "random": "rand", "rnd": "rand", "normal": "randn", "seed": "manual_seed",
    "gradient": "grad", "require_grad": "requires_grad", "backwards": "backward", "nograd": "no_grad",
    "print_options": "set_printoptions", "product": "prod", "average": "mean", "nonzeros": "nonzero", "mat_mul": "matmul",
    "fill": "full", "argmaximum": "argmax", "Int": "int", "Float": "float", "double": "float64", "long": "int64",
}  # fmt: skip


# Other languages' spellings of the constants.
CONSTANTS = {"null": "None", "none": "None", "nil": "None", "true": "True", "false": "False"}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The best match for a name that does not exist, or None."""
    names = {each for each in known if each.isidentifier() and not each.startswith("_")}
    slip = _SLIPS.get(name) or _SLIPS.get(name.lower())
    if slip in names:
        return slip
    for form in (name.lower(), name.replace("_", ""), f"{name}_"):
        if form in names:
            return form
    slips = sorted((distance, each) for each in names if (distance := _slip(name, each)) is not None)
    return slips[0][1] if slips else None


def _slip(typed: str, meant: str) -> float | None:
    """How far a mistyped name is from a known one, None when nobody would mistype it so.

    The first letter is right, or swapped with the second. Two letters swapped, one too many or one missing are
    believable in any word, a wrong letter in one of five letters or more, two slips in a long one.
    """
    if abs(len(typed) - len(meant)) > 2 or typed[:1] not in meant[:2]:
        return None
    swapped = [typed[:i] + typed[i + 1] + typed[i] + typed[i + 2 :] for i in range(len(typed) - 1)]
    if meant in swapped:
        return 0.5
    if typed[:1] != meant[:1]:
        return None
    distance = _edits(typed, meant)
    if distance == 1 and (len(typed) != len(meant) or len(typed) > 4):
        return 1.0
    if distance == 2 and min(len(typed), len(meant)) >= _LONG:
        return 2.0
    return 1.5 if len(typed) > _LONG and any(_edits(each, meant) == 1 for each in swapped) else None


def _edits(a: str, b: str) -> int:
    """Letters to insert, remove or replace."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        last, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (left != right))
    return row[-1]
