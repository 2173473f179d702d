"""Helpers for the language's tests, and a tensor library of a few lines so that they need no engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tcalc.lang import library, namespaces
from tcalc.lang.compile import compile_statement
from tcalc.lang.parse import parse
from tcalc.lang.run import Environment
from tcalc.lang.text import echo_repr


class Program:
    """An environment, and what statements run in it have shown."""

    def __init__(self) -> None:
        self.env = Environment()
        self.shown: list[str] = []

    def __call__(self, text: str) -> str:
        """Run a text; what it echoed and printed, line by line. Exceptions come through."""
        self.shown.clear()
        for statement in parse(text):
            self.env.run(compile_statement(statement), self._echo, self.shown.append)
        return "".join(self.shown)

    def value(self, text: str) -> Any:
        """The value of an expression."""
        found: list[Any] = []
        for statement in parse(text):
            self.env.run(compile_statement(statement), found.append, self.shown.append)
        return found[-1]

    def _echo(self, value: object) -> None:
        if value is not None:
            self.shown.append(echo_repr(value) + "\n")


@pytest.fixture
def program() -> Program:
    """A fresh environment."""
    return Program()


class Tensor:
    """A stand-in: a number with a few of a tensor's ways."""

    secret = "not listed"

    def __init__(self, number: float = 0.0) -> None:
        self.number = number
        self.grad: Any = None
        self.requires_grad = False
        self.device = Device()

    def __repr__(self) -> str:
        return f"tensor({self.number})"

    def __add__(self, other: Any) -> Tensor:
        return Tensor(self.number + (other.number if isinstance(other, Tensor) else other))

    def __iadd__(self, other: Any) -> Tensor:
        self.number += other.number if isinstance(other, Tensor) else other
        return self

    def __mul__(self, other: Any) -> Tensor:
        return Tensor(self.number * (other.number if isinstance(other, Tensor) else other))

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, other: Any) -> Tensor:
        return Tensor(self.number**other)

    def __getitem__(self, key: object) -> object:
        return key

    def dim(self) -> int:
        """Number of dims."""
        return 0

    def item(self) -> float:
        """The number."""
        return self.number

    def to(self, *args: Any) -> tuple[Any, ...]:
        """What it was given."""
        return args


class Device:
    """A stand-in device."""

    type = "cpu"


class Sub:
    """A stand-in marker of a namespace."""

    def __init__(self, path: str) -> None:
        self.path = path


def tensor(value: float, dtype: object = None) -> Tensor:
    """Makes a stand-in tensor."""
    return Tensor(value)


def ones(*shape: int, dtype: object = None) -> object:
    """Gives back its dtype, to show what arrives."""
    return dtype


def tensor_sum(value: Tensor, dim: int | None = None) -> str:
    """Shows that the library's sum was called."""
    return f"torch.sum {value.number} {dim}"


TABLES: dict[str, dict[str, object]] = {
    "torch": {
        "tensor": tensor,
        "ones": ones,
        "Tensor": Tensor,
        "sum": tensor_sum,
        "linalg": Sub("torch.linalg"),
        "float32": "torch.float32",
        "_hidden": 1,
        "e": 2.718281828459045,
    },
    "torch.nn": {"functional": Sub("torch.nn.functional")},
    "torch.nn.functional": {"relu": abs},
    "torch.linalg": {"det": abs},
}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Tensor]]:
    """Puts the stand-in library behind the language's door."""
    monkeypatch.setattr(library, "loaded", lambda: True)
    monkeypatch.setattr(library, "table", TABLES.__getitem__)
    monkeypatch.setattr(
        library, "attributes", lambda: {Tensor: frozenset({"grad", "requires_grad", "item", "to", "_x"})}
    )
    monkeypatch.setattr(library, "sub_path", lambda value: value.path if isinstance(value, Sub) else None)
    monkeypatch.setattr(library, "tensor_type", lambda: Tensor)
    monkeypatch.setattr(library, "node_type", lambda: Sub)
    monkeypatch.setattr(library, "constructor", lambda cls: cls)
    monkeypatch.setattr(namespaces, "_NAMESPACES", {})
    return Tensor
