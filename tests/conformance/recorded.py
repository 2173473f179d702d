"""Recorded truth: how values are written to JSON and read back, and how a recorded call is made again without torch."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from tcalc.engine import backend, dtypes, namespace
from tcalc.engine.registry import PUBLIC
from tcalc.engine.spec import spec_of
from tcalc.engine.storage import Storage
from tcalc.engine.tensor import Tensor, make

SEED = 11  # of the random numbers that some calls draw
FOLDER = Path(__file__).with_name("recorded")
TOLERANCE = {"float64": (1e-7, 1e-9), "float32": (3e-5, 3e-5), "float16": (4e-3, 4e-3), "bfloat16": (3e-2, 3e-2)}


def load(name: str) -> Any:
    """A recorded file."""
    with gzip.open(FOLDER / f"{name}.json.gz", "rt") as file:
        return json.load(file)


def save(name: str, value: Any) -> None:
    """Write a file that is the same for the same content."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))


def encode(value: Any) -> Any:
    """A value of a call as JSON. A tensor needs `stride()`, `dtype`, its storage's bytes: see scripts/record_truth.py for torch's."""
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [encode(v) for v in value]}
    if isinstance(value, float):
        return {"float": repr(value)}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"cannot record {type(value).__name__}")


def decode(value: Any, memo: dict[int, Tensor] | None = None) -> Any:
    """The value of `encode`, its tensors made as tcalc's."""
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "list":
        return [decode(v) for v in inner]
    if kind == "tuple":
        return tuple(decode(v) for v in inner)
    if kind == "float":
        return float(inner)
    if kind == "dtype":
        return dtypes.BY_NAME[inner]
    return tensor(inner)


def tensor(facts: dict[str, Any]) -> Tensor:
    """A tensor of recorded geometry on recorded bytes."""
    d = dtypes.BY_NAME[facts["dtype"]]
    spec = spec_of(d, backend.CPU, tuple(facts["shape"]), tuple(facts["stride"]))
    raw = np.frombuffer(base64.b64decode(facts["bytes"]), "uint8").copy()
    t = make(backend.lens(raw, spec.shape, spec.numpy, facts["offset"] * d.itemsize, spec.byte_strides), spec)
    t.storage, t.offset = Storage(raw, raw.size, backend.CPU, d.itemsize), facts["offset"]
    if facts["grad"]:
        t.requires_grad_()
    return t


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors in nested lists, tuples and dicts, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors_in(v)] if isinstance(value, (list, tuple)) else []


def function(call: dict[str, Any]) -> Any:
    """tcalc's callable for a recorded name."""
    public = PUBLIC[call["name"]]
    name = public.ops[0].short if call["name"] == public.name else call["name"]
    if call["form"] == "function":
        return namespace.table(call["path"])[name]
    return getattr(Tensor, name)


def differences(expected: dict[str, Any], t: Tensor) -> list[str]:
    """What disagrees between a recorded tensor and one of tcalc's."""
    found = []
    facts = {"dtype": t.dtype.name, "shape": list(t.shape), "stride": list(t.stride())}
    if "grad_fn" in expected:
        facts["grad_fn"] = None if t.grad_fn is None else t.grad_fn.name().rpartition(":")[2]  # type: ignore[assignment]
    for key, value in facts.items():
        if expected[key] != value:
            found.append(f"{key}: recorded {expected[key]}, tcalc {value}")
    if not found and not close(np.frombuffer(base64.b64decode(expected["bytes"]), "uint8"), t):
        found.append(f"values: tcalc {t!r}")
    return found


def close(expected: np.ndarray[Any, Any], t: Tensor) -> bool:
    """Whether values agree within what the dtype can hold; `expected` are bytes in row-major order."""
    wanted = expected.view(t.spec.numpy).reshape(tuple(t.shape))
    if t.dtype.name not in TOLERANCE:
        return bool(np.array_equal(wanted, t.a))
    rtol, atol = TOLERANCE[t.dtype.name]
    return bool(np.allclose(np.asarray(t.a, "float64"), wanted.astype("float64"), rtol=rtol, atol=atol, equal_nan=True))
