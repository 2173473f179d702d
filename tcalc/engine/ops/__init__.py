"""Declarations of ops, one file a family of meaning; importing this package fills the registry."""

from . import compare, convert, create, index, linalg, nn, pointwise, random_ops, reduce, shape, sort, special

__all__ = ["compare", "convert", "create", "index", "linalg", "nn", "pointwise", "random_ops", "reduce", "shape", "sort", "special"]
