"""What every test of the suite stands on: the --full flag, and a check that no test leaves global settings changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full` runs every sample and the tests marked slow; the others are for a longer run of one test."""
    parser.addoption("--full", action="store_true", help="run all samples of the sweeps, and the tests marked slow")
    parser.addoption("--machine-steps", type=int, help="steps of tests/conformance/test_machine.py (at least 20000)")
    parser.addoption("--machine-seed", type=int, help="the random seed of its programs")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "slow: runs with --full only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow tests out unless --full is given."""
    if not config.getoption("--full"):
        skip = pytest.mark.skip(reason="needs --full")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether --full was given."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture
def same_random_numbers() -> Iterator[None]:
    """Start with seed 0, and leave to later tests the state they would have had."""
    from tcalc.engine.random import default_generator

    state = default_generator.state()
    default_generator.manual_seed(0)
    yield
    default_generator.restore(state)


def _settings() -> dict[str, object]:
    """Everything global that a program can change, as far as the engine is loaded."""
    import sys

    if "tcalc.engine.tensor" not in sys.modules:
        return {}
    from tcalc.engine import dtypes, modes, printing
    from tcalc.engine.backend import np
    from tcalc.engine.families import creation

    return {
        "grad mode": modes.is_grad_enabled(),
        "inference mode": modes.is_inference_mode_enabled(),
        "default dtype": dtypes.get_default_dtype(),
        "print options": printing.get_printoptions(),
        "default device": str(creation.current_device()),
        "numpy error state": np.geterr(),
    }


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fail a test that leaves grad mode, default dtype, default device, print options or numpy's error state changed."""
    before = _settings()
    yield
    after = _settings()
    leaked = [name for name, value in after.items() if before and before[name] != value]
    assert not leaked, f"left changed by this test: {', '.join(leaked)}"
