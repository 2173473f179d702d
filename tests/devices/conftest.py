"""Lets these tests import the helpers of the conformance and engine tests, and gives them stand-in devices."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "conformance", HERE.parent / "engine", HERE.parent / "cli"):
    sys.path.insert(0, str(folder))


@pytest.fixture
def two_devices() -> Iterator[None]:
    """Two simulated cuda devices."""
    from tcalc.engine import backend

    backend.simulate(2)
    yield
    backend.simulate(0)
