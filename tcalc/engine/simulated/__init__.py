"""Stand-in cuda devices over NumPy for machines without a GPU: CuPy's names, CuPy's refusals, and worse where CuPy promises nothing."""

from .array import ndarray
from .devices import STATE
from .module import SCIPY, cupyx, simulate, xp

__all__ = ["SCIPY", "STATE", "cupyx", "ndarray", "simulate", "xp"]
