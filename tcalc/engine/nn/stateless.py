"""Modules as functions of their parameters: torch.func.functional_call."""

from __future__ import annotations

from typing import Any

from ..errors import TensorAttributeError, TensorError, TensorTypeError, TensorValueError
from ..tensor import Tensor
from .modules import Module


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The module called with other parameters, given by dotted name in a dict or several; the module keeps its own.

    `args` is one argument or the tuple of them. A parameter that the module holds under two names is replaced under both, unless
    `tie_weights` is False. Raises RuntimeError when `strict` and the names are not the module's, ValueError for anything but dicts.

    See: func.grad, func.vjp, nn.Module

    >>> m = nn.Linear(2, 1)
    >>> torch.func.functional_call(m, {"weight": ones(1, 2), "bias": zeros(1)}, tensor([1., 2.]))
    tensor([3.])
    """
    given = _one_dict(parameter_and_buffer_dicts)
    own = dict(module.named_parameters())
    if strict and given.keys() != own.keys():
        lines = [f"Error(s) in reparametrizing for {type(module).__name__}:"]
        for what, names in (("Unexpected", given.keys() - own.keys()), ("Missing", own.keys() - given.keys())):
            if names:
                lines.append(f"{what} key(s): {', '.join(repr(name) for name in sorted(names))}.")
        raise TensorError("\n\t".join(lines))
    for value in given.values():
        if not isinstance(value, Tensor):
            raise TensorTypeError(f"{value} is not an instance of torch.Tensor")
    if tie_weights:
        given = {name: given[same] for name in own for same in given if own.get(same) is own[name]} | given
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, value in given.items():
            *path, last = name.split(".")
            holder = module
            for i, part in enumerate(path, 1):
                if part not in vars(holder):
                    raise TensorAttributeError(f"{type(holder).__name__} has no attribute `{part}`")
                holder = vars(holder)[part]
                if not isinstance(holder, Module):
                    raise TensorTypeError(f"submodule `{'.'.join(path[:i])}`: {holder!r} is not an instance of torch.nn.Module")
            if name in own:
                replaced.append((vars(holder), last, own[name]))
                vars(holder)[last] = value
        arguments = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*arguments, **(kwargs or {}))
    finally:
        for names, last, before in reversed(replaced):
            names[last] = before


def _one_dict(given: Any) -> dict[str, Any]:
    """One dict of what was given as a dict or several.

    Raises ValueError with torch's sentences.
    """
    if isinstance(given, dict):
        return given
    if not isinstance(given, (list, tuple)):
        raise TensorValueError(f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(given)}")
    if not all(isinstance(each, dict) for each in given):
        raise TensorValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for each in given for name in each]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise TensorValueError(f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {name: value for each in given for name, value in each.items()}
