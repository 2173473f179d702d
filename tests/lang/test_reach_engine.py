"""The walk over reachable values once more, with the real tensor library behind the door."""

from __future__ import annotations

import types
from typing import Any

import pytest

from tcalc.lang import gate, namespaces
from tcalc.lang.check import MODULES
from tcalc.lang.errors import LangError

pytest.importorskip("numpy")

_RAW = (types.ModuleType, type, types.FrameType, types.CodeType, types.TracebackType, types.GeneratorType)


def _is_raw(value: object) -> bool:
    return isinstance(value, _RAW) or type(value).__module__.partition(".")[0] in ("numpy", "cupy", "ml_dtypes")


@pytest.mark.parametrize("path", sorted(MODULES))
def test_namespaces_hold_nothing_raw(path: str) -> None:
    space = namespaces.namespace(path)
    try:
        names = space.names()
    except LangError:
        pytest.skip(f"{path} is not built yet")
    for name in names:
        assert not _is_raw(space.member(name)), f"{path}.{name}"


SAMPLES = [
    "tensor([[1., 2.], [3., 4.]], requires_grad=True)",
    "tensor([1., 2.], requires_grad=True)[0]",
    "tensor([1, 2])",
    "ones(2, device='meta')",
    "(tensor([1.], requires_grad=True) * 2).grad_fn",
    "tensor([1., 2.]).max(dim=0)",
    "float32",
    "device('cpu')",
    "ones(2, 3).shape",
    "nn.Linear(2, 3)",
    "manual_seed(0)",
]


@pytest.mark.parametrize("text", SAMPLES)
def test_attributes_give_nothing_raw(program: Any, text: str) -> None:
    value = program.value(text)
    names = {
        *gate.known(value),
        "__class__",
        "__dict__",
        "a",
        "spec",
        "storage",
        "node",
        "get_storage",
        "untyped_storage",
    }
    for name in sorted(names):
        try:
            found = gate.get(value, name)
        except (AttributeError, RuntimeError, TypeError, ValueError):
            continue
        assert not _is_raw(found), f"{text}.{name}"
        assert name not in ("a", "spec", "storage", "node"), name
    assert not _is_raw(value)


def test_no_call_without_arguments_gives_a_raw_value(program: Any) -> None:
    for text in SAMPLES:
        for name in sorted(gate.known(program.value(text))):
            if name in ("item", "tolist", "backward"):
                continue
            try:
                found = gate.get(program.value(text), name)
                found = found() if callable(found) else found
            except Exception:
                continue
            assert not _is_raw(found), f"{text}.{name}()"
            assert not (type(found) is tuple and any(map(_is_raw, found))), f"{text}.{name}()"
