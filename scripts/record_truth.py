"""Record what real torch answers, into tests/conformance/recorded, so that every op is tested where torch is absent.

Run with a Python that has torch 2.13, from anywhere: python scripts/record_truth.py
"""

from __future__ import annotations

import base64
import sys
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "conformance")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import opdb
    import torch

import recorded
from program_texts import player, programs
from programs import torch_names
from sweep import Failed, attempt, leaves_of, tensors_in, weights_for

from tcalc.engine.registry import PUBLIC

SMALL = 130  # elements of all tensors of a recorded call
CALLS = {torch.float64: 3, torch.float32: 1, torch.int64: 1, torch.bool: 1}


def tensor_facts(t: Any, grad: bool = True) -> dict[str, Any]:
    """An input tensor: geometry and its storage's bytes."""
    return {
        "dtype": str(t.dtype).removeprefix("torch."),
        "shape": list(t.shape),
        "stride": list(t.stride()),
        "offset": t.storage_offset(),
        "bytes": base64.b64encode(bytes(t.untyped_storage())).decode(),
        "grad": bool(t.requires_grad and grad),
    }


def encode(value: Any) -> Any:
    """A value of a call as JSON.

    Raises TypeError for what recorded.py cannot read back.
    """
    if isinstance(value, torch.Tensor):
        if not (value.layout is torch.strided and value.untyped_storage().nbytes() < 4096) or value.dtype.is_complex:
            raise TypeError("too large")
        return {"tensor": tensor_facts(value)}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [encode(v) for v in value]}
    return recorded.encode(value)


def result_facts(t: Any, node: bool = True) -> dict[str, Any]:
    """An output tensor: geometry, node name, values in row-major order."""
    facts: dict[str, Any] = {
        "dtype": str(t.dtype).removeprefix("torch."),
        "shape": list(t.shape),
        "stride": list(t.stride()),
        "bytes": base64.b64encode(bytes(t.detach().clone(memory_format=torch.contiguous_format).untyped_storage())).decode(),
    }
    if node:
        facts["grad_fn"] = None if t.grad_fn is None else t.grad_fn.name().rpartition(":")[2]
    return facts


def one_call(name: str, form: str, path: str, call: Any, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any] | None:
    """The record of one call, or None when it is too large or torch refuses it."""
    kwargs = dict(sorted(kwargs.items()))  # as the file keeps them: the order of the leaves
    given = tensors_in([args, kwargs])
    if sum(t.numel() for t in given) > SMALL:
        return None
    try:
        record: dict[str, Any] = {
            "name": name,
            "form": form,
            "path": path,
            "args": [encode(a) for a in args],
            "kwargs": {k: encode(v) for k, v in kwargs.items()},
        }
    except TypeError:
        return None
    torch.manual_seed(recorded.SEED)
    result = attempt(call, *args, **kwargs)
    outs = tensors_in(result)
    if isinstance(result, Failed) or not outs or sum(t.numel() for t in outs) > 2 * SMALL or any(t.dtype.is_complex for t in outs):
        return None
    record["results"] = [result_facts(t) for t in outs]
    graded = [t for t in outs if t.grad_fn is not None]
    leaves = leaves_of(given)
    if graded and leaves:
        weights = weights_for(graded)
        grads = attempt(torch.autograd.grad, graded, leaves, weights, allow_unused=True)
        if not isinstance(grads, Failed):
            record["weights"] = [encode(w) for w in weights]
            record["grads"] = [None if g is None else result_facts(g, node=False) for g in grads]
    return record


def calls() -> list[dict[str, Any]]:
    """A few samples of op_db for each public name, function or method."""
    found = []
    for name in opdb.swept_names():
        public = PUBLIC[name]
        kinds = opdb.forms(name, public)[:1]
        for info in opdb.infos_of(name):
            for dtype, limit in CALLS.items():
                if dtype not in info.dtypes:
                    continue
                taken = 0
                for sample in opdb.samples(info, dtype, None):
                    for form, call, _ in kinds:
                        record = one_call(name, form, public.ops[0].namespace, call, [sample.input, *sample.args], sample.kwargs)
                        if record is not None:
                            found.append(record)
                            taken += 1
                    if taken >= limit:
                        break
    return found


def program_results() -> list[dict[str, Any]]:
    """What each program prints, or how it fails."""
    found = []
    for name, text in programs():
        torch.manual_seed(0)
        play, _ = player(text, torch_names())
        result = attempt(play)
        record = {"name": name, "program": text}
        if isinstance(result, Failed):
            kinds = [t for t in type(result.error).__mro__ if t.__module__ == "builtins"]
            record |= {"error": kinds[0].__name__, "sentence": result.text}
        else:
            record["shown"] = repr(result)
        found.append(record)
    return found


def main() -> None:
    """Write both files."""
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = calls()
        recorded.save("calls", found)
        recorded.save("programs", program_results())
    for path in sorted(recorded.FOLDER.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")
    print(f"{len(found)} calls of {len({c['name'] for c in found})} names")


if __name__ == "__main__":
    main()
