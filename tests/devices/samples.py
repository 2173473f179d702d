"""torch's samples (op_db) as calls of tcalc's: ten dtypes, three layouts, in-place forms and out=."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import opdb
import sweep
import torch
from mirror import Unsupported, mirror

from tcalc.engine.registry import PUBLIC
from tcalc.engine.tensor import Tensor

DTYPES = (
    torch.float64, torch.float32, torch.int64, torch.bool, torch.complex128, torch.bfloat16, torch.float16, torch.int8, torch.uint8, torch.int32,
)  # fmt: skip
Call = tuple[str, Callable[..., Any], list[Any], dict[str, Any]]


def calls(name: str) -> Iterator[Call]:
    """(label, callable, arguments, keywords) of one public name."""
    public = PUBLIC[name]
    forms = opdb.forms(name, public)
    for info in opdb.infos_of(name) if forms else ():
        for dtype in DTYPES:
            for number, sample in enumerate(opdb.samples(info, dtype, 4 if dtype is torch.float64 else 2) if dtype in info.dtypes else ()):
                args, kwargs = [sample.input, *sample.args], sample.kwargs
                yield from _mirrored(str(dtype), forms[0][2], args, kwargs)
                if dtype is torch.float64 and number < 2:
                    for label, turned, named in sweep.layouts(args, kwargs):
                        yield from _mirrored(label, forms[0][2], turned, named)
                if number < 2 and isinstance(args[0], torch.Tensor) and hasattr(Tensor, f"{name}_") and hasattr(torch.Tensor, f"{name}_"):
                    yield from _mirrored("in place", _in_place(name), args, kwargs)
                if not number and forms[0][0] == "function" and getattr(public.ops[0], "takes_out", False) and name not in opdb.OVERRUN:
                    yield from _with_out(forms[0][1], forms[0][2], args, kwargs)


def _mirrored(label: str, call: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Iterator[Call]:
    memo: dict[Any, Any] = {}
    try:
        yield label, call, mirror(args, memo), {key: mirror(value, memo) for key, value in kwargs.items()}
    except Unsupported:
        return


def _in_place(name: str) -> Callable[..., Any]:
    return lambda x, *args, **kwargs: getattr(Tensor, f"{name}_")(x.clone(), *args, **kwargs)


def _with_out(theirs: Callable[..., Any], own: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Iterator[Call]:
    plain = [a.detach() if isinstance(a, torch.Tensor) else a for a in args]
    expected = sweep.attempt(theirs, *plain, **kwargs)
    if isinstance(expected, torch.Tensor):
        for kind, out in sweep._outs(expected):
            if out is not None:
                yield from _mirrored(f"out {kind}", lambda *a, place, **k: own(*a, **k, out=place), plain, {**kwargs, "place": out})
