"""Near misses: the name that somebody who typed another one probably meant."""

from __future__ import annotations

from collections.abc import Iterable

_CUTOFF = 0.7

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


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The best match for a name that does not exist, or None."""
    names = {each for each in known if each.isidentifier() and not each.startswith("_")}
    slip = _SLIPS.get(name) or _SLIPS.get(name.lower())
    if slip in names:
        return slip
    for form in (name.lower(), name.replace("_", ""), f"{name}_"):
        if form in names:
            return form
    from difflib import get_close_matches

    found = get_close_matches(name, names, n=1, cutoff=_CUTOFF)
    return found[0] if found else None
