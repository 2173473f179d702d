"""A tensor calculator that speaks PyTorch: `tcalc.ones(2, 3)` and the rest of torch's names, loaded when first used."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Look up one of torch's public names (`tcalc.cat`, `tcalc.float32`, `tcalc.nn`) on first use."""
    if name.startswith("_"):
        raise AttributeError(f"module 'tcalc' has no attribute '{name}'")
    from .engine.namespace import lookup

    value = lookup(name)
    globals()[name] = value
    return value
