"""Lets the tests of this folder import their helpers, and has backward forget what other tests made it look for."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tcalc.engine import modes, record
from tcalc.engine.anomaly import Looked
from tcalc.engine.graph import Node, RemovableHandle


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process where nobody has used hooks, anomaly detection, inference mode or detach_ yet: backward looks for them from then on."""
    monkeypatch.setattr(RemovableHandle, "made", False)
    monkeypatch.setattr(Node, "watching", False)
    monkeypatch.setattr(Looked, "ever", False)
    marks = (record.cut, modes.entered, modes.inferring)  # lists that many modules hold
    before = [[*each] for each in marks]
    for each in marks:
        each.clear()
    yield
    for each, held in zip(marks, before, strict=True):
        each[:] = held
