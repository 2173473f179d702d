"""Classes of modules are called what PyTorch calls them, file by file."""

from __future__ import annotations

import pytest

from tcalc.engine.namespace import table
from tcalc.lang.tokens import class_name

MODULES = [cls for cls in table("torch.nn").values() if isinstance(cls, type)]


@pytest.mark.parametrize("cls", MODULES, ids=lambda cls: cls.__name__)
def test_as_torch(cls: type) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, cls.__name__)
    assert class_name(cls) == f"{theirs.__module__}.{theirs.__qualname__}"
