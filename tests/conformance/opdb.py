"""torch's own samples (op_db) run through every public name: function, method, in-place and out= forms, four dtypes, three layouts."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from mirror import function_of
from sweep import Failed, Report, attempt, in_place, layouts, one_call, second_gradients, tensors_in, with_out
from torch.testing._internal.common_methods_invocations import op_db

from tcalc.engine import namespace
from tcalc.engine.registry import PUBLIC, Public
from tcalc.engine.tensor import Tensor

DTYPES = (torch.float64, torch.float32, torch.int64, torch.bool, torch.complex128, torch.complex64)
OVERRUN = {"tril", "triu"}  # no out=: torch 2.13 writes past the end of one laid out otherwise, and aborts
LARGE = 20_000  # elements of a sample's tensors; larger ones run with --full
DRAWS = {"scaled_dot_product_attention", "multi_head_attention_forward", "dropout3d", "fractional_max_pool2d", "fractional_max_pool3d"}  # both seeded before each call
LOOSE = {"matmul", "logcumsumexp", "matrix_exp", "cumprod", "prod", "norm", "vector_norm", "std", "var"}  # float32 kernels that add in another order
ELSEWHERE = {
    "zeros", "ones", "empty", "full", "eye", "arange", "linspace", "logspace", "empty_like", "new_empty", "empty_strided", "empty_permuted", "new_empty_strided", "zero_",
    "rand", "randn", "rand_like", "randn_like", "randint", "randint_like", "normal", "bernoulli", "multinomial", "dropout", "rrelu", "alpha_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d",
    "slice", "as_strided", "svd_lowrank", "pca_lowrank",
}  # fmt: skip  # op_db's entries are wrappers, draw numbers or read memory nobody wrote; programs.py has them


@cache
def entries() -> dict[str, list[Any]]:
    """op_db by name."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for info in op_db:
        found[info.name].append(info)
    return found


def infos_of(name: str) -> list[Any]:
    """op_db's entries for a public name, or for the name it is an alias of."""
    public = PUBLIC[name]
    if public.name in ELSEWHERE:
        return []
    prefix = f"{public.ops[0].namespace}.".removeprefix("torch.")
    return entries().get(prefix + name) or entries().get(prefix + public.ops[0].short) or entries().get(f"linalg.{name}") or []


def swept_names() -> list[str]:
    """Public names that op_db has samples for."""
    return sorted(name for name in PUBLIC if infos_of(name))


UNREACHABLE = ("jiterator_", "torch.ops.", "torch._scaled", "sparse.", "to_sparse", "chalf", "_")  # CUDA only, sparse, float8, torch's own internals
DUNDERS = {f"__{name}__" for name in "radd rand rmod rmul ror rpow rsub rxor getitem rmatmul".split()}


def in_reach() -> list[str]:
    """op_db's names that a CPU build without sparse tensors can answer."""
    return [n for n in sorted(entries()) if not n.startswith(UNREACHABLE) or n in DUNDERS]


def other_names() -> list[str]:
    """Names in reach that no public op stands for, but a function, an operator, a method or an attribute; what draws numbers left out."""
    swept = {infos_of(name)[0].name for name in swept_names()}
    return [n for n in in_reach() if n not in swept and n.rpartition(".")[2] not in ELSEWHERE and _side(n, namespace.lookup, Tensor) is not None]


def _side(name: str, lookup: Any, kind: type) -> Any:
    """One library's function, operator, method or attribute of a name; None where it has none."""
    path, _, leaf = name.rpartition(".")
    found = vars(kind).get(leaf) or getattr(kind, leaf, None)
    if isinstance(found, property) or (found is not None and not callable(found)):
        return lambda x: getattr(x, leaf)
    try:
        home = lookup(path) if path else None
        value = getattr(home, leaf) if path else lookup(leaf)
    except (AttributeError, KeyError):
        value = None
    return value if callable(value) and not isinstance(value, type) and not isinstance(value, torch.dtype) else found


def sweep_other(name: str) -> Report:
    """op_db's samples of a name that no public op stands for."""
    report = Report()
    theirs, own = _side(name, lambda n: attrgetter(n)(torch), torch.Tensor), _side(name, namespace.lookup, Tensor)
    for info in entries()[name]:
        for dtype in DTYPES:
            for sample in samples(info, dtype, 8) if dtype in info.dtypes else ():
                one_call(report, theirs, own, [sample.input, *sample.args], sample.kwargs, "")
    return report


def samples(info: Any, dtype: Any, limit: int | None) -> Iterator[Any]:
    """op_db's samples with fixed seeds, spread over the list when limited."""
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)
    grad = bool((dtype.is_floating_point or dtype.is_complex) and info.supports_autograd)
    found = attempt(lambda: list(islice(info.sample_inputs("cpu", dtype, requires_grad=grad), 400)))
    if isinstance(found, Failed):
        return
    if limit is not None:
        found = [s for s in found if sum(t.numel() for t in tensors_in([s.input, *s.args])) <= LARGE]
    if limit is not None and len(found) > limit:
        found = [found[i * len(found) // limit] for i in range(limit)]
    yield from found


def forms(name: str, public: Public) -> list[tuple[str, Any, Any]]:
    """(kind, torch's callable, tcalc's) for the function and the method."""
    path = public.ops[0].namespace
    name = public.ops[0].short if name == public.name else name
    home = attrgetter(path.partition(".")[2])(torch) if "." in path else torch
    found = []
    own = function_of(path, name)
    if own is not None and hasattr(home, name):
        found.append(("function", getattr(home, name), own))
    if any(op.method for op in public.ops) and hasattr(Tensor, name) and hasattr(torch.Tensor, name):
        found.append(("method", getattr(torch.Tensor, name), getattr(Tensor, name)))
    return found


def sweep(name: str, full: bool = False) -> Report:
    """Everything op_db has for one public name."""
    report = Report()
    public = PUBLIC[name]
    kinds = forms(name, public)
    is_alias = name != public.name
    limit = None if full else 3 if is_alias else 8
    for info in infos_of(name):
        for dtype in DTYPES[:1] if is_alias else DTYPES:
            if dtype not in info.dtypes:
                _refused_dtype(report, info, dtype, kinds)
                continue
            for number, sample in enumerate(samples(info, dtype, limit if dtype is DTYPES[0] else limit and max(limit // 2, 3))):
                args, kwargs = [sample.input, *sample.args], sample.kwargs
                _one_sample(report, name, public, kinds, args, kwargs, dtype, number, full)
        if not is_alias:
            _errors(report, info, kinds)
    return report


def _one_sample(
    report: Report, name: str, public: Public, kinds: Any, args: list[Any], kwargs: dict[str, Any], dtype: Any, number: int, full: bool
) -> None:
    loose = 10 if name in LOOSE else 1
    seed = 11 if name in DRAWS else None
    exact = dtype in (torch.float64, torch.complex128)
    for kind, theirs, own in kinds if exact or full else kinds[:1]:
        one_call(report, theirs, own, args, kwargs, "", seed, loose)
        if not exact:
            continue
        if kind == kinds[0][0] and (number < 4 or full):
            second_gradients(report, theirs, own, args, kwargs, "", seed)
        if kind == kinds[0][0] and (number < 5 or full):
            for label, turned, named in layouts(args, kwargs):
                one_call(report, theirs, own, turned, named, "", seed, loose)
                if label == "turned":
                    _written(report, name, turned, named)
    if kinds and kinds[0][0] == "function" and (number < 4 or full) and getattr(public.ops[0], "takes_out", False) and name not in OVERRUN:
        with_out(report, kinds[0][1], kinds[0][2], args, kwargs, "")
    _written(report, name, args, kwargs)


def _written(report: Report, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    form = name + "_"
    if hasattr(Tensor, form) and hasattr(torch.Tensor, form) and isinstance(args[0], torch.Tensor):
        in_place(report, getattr(torch.Tensor, form), getattr(Tensor, form), args, kwargs, "")


def _refused_dtype(report: Report, info: Any, dtype: Any, kinds: Any) -> None:
    """A dtype torch has no kernel for: the samples of float64, cast."""
    for sample in samples(info, torch.float64, 2):

        def cast(v: Any) -> Any:
            if isinstance(v, torch.Tensor) and v.dtype is torch.float64:
                return v.detach().to(dtype)
            return [cast(x) for x in v] if isinstance(v, list) else v

        for _, theirs, own in kinds[:1]:
            one_call(report, theirs, own, [cast(sample.input), *map(cast, sample.args)], {k: cast(v) for k, v in sample.kwargs.items()}, "")


def _errors(report: Report, info: Any, kinds: Any) -> None:
    """op_db's error inputs."""
    found = attempt(lambda: list(info.error_inputs("cpu")) if info.error_inputs_func else [])
    if isinstance(found, Failed):
        return
    for error in found:
        sample = error.sample_input
        for _, theirs, own in kinds[:1]:
            one_call(report, theirs, own, [sample.input, *sample.args], sample.kwargs, "")
