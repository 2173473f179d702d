"""Declarations of ops, one file a family of meaning. Importing this package declares the ops of everyday; the files that
tcalc/engine/waiting.py lists declare theirs when one of their names is wanted."""

from . import (
    compare,
    convert,
    create,
    exponentials,
    extremes,
    index,
    joining,
    linalg,
    memory,
    pointwise,
    reduce,
    shape,
)

__all__ = [
    "compare",
    "convert",
    "create",
    "exponentials",
    "extremes",
    "index",
    "joining",
    "linalg",
    "memory",
    "pointwise",
    "reduce",
    "shape",
]
