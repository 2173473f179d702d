"""Activations: elementwise ops with torch.nn.functional's `inplace` switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..signature import KINDS, Param
from ..tensor import Tensor
from .elementwise import Elementwise

INPLACE = Param("inplace", KINDS["Bool"], False, False, False, False)


class Activation(Elementwise):
    """An elementwise op whose last parameter `inplace` writes the result over the first operand, as its `NAME_` does."""

    def __init__(self, kernel: Callable[..., Any], **rest: Any):
        super().__init__(kernel, **rest)
        self.signature.positional += 1

    def extra_params(self) -> Sequence[Param]:
        return [INPLACE, *super().extra_params()]

    def run(self, values: list[Any]) -> Tensor:
        if values.pop(self.arguments):
            return super().run_inplace(values[0], values)
        return super().run(values)

    def run_inplace(self, target: Tensor, values: list[Any]) -> Tensor:
        values.pop(self.arguments)
        return super().run_inplace(target, values)


def activation(**options: Any) -> Callable[[Callable[..., Any]], Activation]:
    """Declare an activation of torch.nn.functional. Keywords that name a tensor parameter of the function are its derivative formulas."""

    def declare(kernel: Callable[..., Any]) -> Activation:
        names = kernel.__code__.co_varnames[: kernel.__code__.co_argcount]
        formulas = {k: v for k, v in options.items() if k in names}
        rest = {"namespace": "torch.nn.functional", "method": False} | {k: v for k, v in options.items() if k not in formulas}
        return Activation(kernel, formulas=formulas, **rest)

    return declare
