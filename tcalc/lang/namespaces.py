"""`torch`, `np`, `nn`, `F`, `math`: inert tables that hand out listed names, and the names that need no prefix."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tcalc.lang import library
from tcalc.lang.bounded import BigRange, spread
from tcalc.lang.check import CUSTOM_DERIVATIVE, MODULES
from tcalc.lang.errors import LangError
from tcalc.lang.suggest import nearest
from tcalc.lang.text import show_as
from tcalc.lang.tokens import register

NOTHING = object()

_ALIASES = {
    "torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "optim": "torch.optim", "np": "numpy",
    "numpy": "numpy", "math": "math",
}  # fmt: skip
REFUSED = {
    "open": "programs do not read or write files",
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), "text is never run as code"),
    **dict.fromkeys(("globals", "locals", "vars", "dir"), ":vars lists the names"),
    **dict.fromkeys(("getattr", "setattr", "delattr"), "write the attribute with a dot"),
    "input": "a program is not asked questions here",
    "breakpoint": "there is no debugger here",
    "super": "there are no classes here",
    "object": "there are no classes here",
    **dict.fromkeys(("bytes", "bytearray", "memoryview"), "bytes are not part of the language"),
    **dict.fromkeys(("classmethod", "staticmethod", "property"), "there are no classes here"),
    "help": "at the prompt ?NAME explains a name",
}

_VMAP = "vmap is not part of tcalc: write the batch as a dim of the tensors, or stack the results of a loop"
_FILES = "programs do not read or write files: data comes in by -l NAME=FILE or :load, and goes out by -o FILE or :save"
_EAGER = "tcalc runs each op when it is called and compiles nothing: leave the call out"
_DENSE = "tcalc has no sparse tensors: write the dense one"
_FLOATS = "tcalc has no quantized tensors: compute in float16, bfloat16 or float32"
_WIDE = "autocast is not part of tcalc: give dtype= where a tensor is made, or use .to(dtype)"
_DATA = "there are no data loaders: slice a tensor, for example for rows in x.split(32): ..."
_OTHER = "this build of tcalc runs on cpu and cuda only"
# Names of torch that programs may expect, with what there is instead.
_REFUSED_MEMBERS = {
    "torch.vmap": _VMAP, "torch.func.vmap": _VMAP, "torch.autograd.Function": CUSTOM_DERIVATIVE, "torch.autograd.function": CUSTOM_DERIVATIVE,
    **dict.fromkeys((f"torch.{name}" for name in ("save", "load", "from_file", "hub", "package", "serialization")), _FILES),
    **dict.fromkeys((f"numpy.{name}" for name in "save load savez savez_compressed savetxt loadtxt genfromtxt fromfile memmap fromregex".split()), _FILES),
    **dict.fromkeys((f"torch.{name}" for name in "compile jit fx export _dynamo compiler cond while_loop library onnx".split()), _EAGER),
    **dict.fromkeys(
        (f"torch.{name}" for name in "sparse sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor nested".split()), _DENSE
    ),
    **dict.fromkeys(
        (f"torch.{name}" for name in "quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic dequantize quantization ao qint8 quint8 qint32".split()),
        _FLOATS,
    ),
    "torch.autocast": _WIDE, "torch.amp": _WIDE, "torch.utils": _DATA,
    "torch.multiprocessing": "a program starts no processes: mpiexec -n 2 tcalc -f ddp.tc does, for torch.distributed",
    **dict.fromkeys(
        (f"torch.distributed.{name}" for name in "all_gather_object broadcast_object_list gather_object scatter_object_list send_object_list recv_object_list".split()),
        "processes exchange tensors only: pickled objects could run code",
    ),
    **dict.fromkeys(
        (f"torch.distributed.{name}" for name in "TCPStore FileStore HashStore PrefixStore Store rpc launch run elastic".split()),
        "processes are started and connected by mpiexec only: mpiexec -n 2 tcalc -f ddp.tc",
    ),
    **dict.fromkeys(
        (f"torch.distributed.{name}" for name in "fsdp tensor device_mesh pipelining checkpoint algorithms optim".split()),
        "of torch.distributed there are the communications and nn.parallel.DistributedDataParallel",
    ),
    "torch.cuda.simulate": "a program cannot claim a GPU: start tcalc with --simulate-cuda 2",
    "torch.profiler": ":time and :trace show where time goes",
    **dict.fromkeys((f"torch.{name}" for name in ("mps", "xpu", "mtia", "accelerator")), _OTHER),
    **dict.fromkeys(
        (f"torch.{name}" for name in ("get_num_interop_threads", "set_num_interop_threads")),
        "ops run one after the other: set_num_threads says how many threads share the work of one",
    ),
    **dict.fromkeys((f"torch.{name}" for name in ("from_dlpack", "to_dlpack", "frombuffer")), "memory of other libraries does not come into a program: use tensor([...]) or -l"),
    **dict.fromkeys((f"torch.{name}" for name in ("symeig", "eig", "lstsq", "matrix_rank", "solve")), "torch took this name out: the function is in torch.linalg"),
}  # fmt: skip
# Attributes of tensors that programs may expect, likewise.
REFUSED_ATTRIBUTES = {
    **dict.fromkeys("to_sparse to_sparse_coo to_sparse_csr to_sparse_csc to_sparse_bsr to_sparse_bsc coalesce sparse_mask indices values crow_indices col_indices".split(), _DENSE),
    **dict.fromkeys("dequantize q_scale q_zero_point qscheme int_repr".split(), _FLOATS),
    **dict.fromkeys("tofile dump dumps share_memory_".split(), _FILES),
    **dict.fromkeys("symeig eig lstsq solve".split(), "torch took this name out: the function is in torch.linalg"),
}


class Namespace:
    """One table of names. Not a module: it has no attributes, only members, and none can be added."""

    __slots__ = ("_known", "_path")

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<module '{self._path}'>"

    def member(self, name: str) -> Any:
        """The value of a name; raises AttributeError, with the nearest name, if there is none."""
        try:
            return self._known[name]
        except KeyError:
            value = self._find(name)
        if value is NOTHING:
            near = nearest(name, self.names())
            raise AttributeError(f"{self._path} has no '{name}'" + (f". Did you mean {near}?" if near else ""))
        self._known[name] = value
        return value

    def find(self, name: str) -> Any:
        """The value of a name, or NOTHING."""
        if name not in self._known:
            value = self._find(name)
            if value is NOTHING:
                return NOTHING
            self._known[name] = value
        return self._known[name]

    def original(self, name: str) -> Any:
        """The library's own value of a name, before anything is put around it, or NOTHING; to be asked about, not to be called."""
        inner = f"{self._path}.{name}"
        if inner in MODULES:
            return namespace(inner)
        return NOTHING if name.startswith("_") else _table(self._path).get(name, NOTHING)

    def names(self) -> list[str]:
        """All names, for completion and near misses."""
        return sorted(name for name in _table(self._path) if not name.startswith("_"))

    def _find(self, name: str) -> Any:
        path = f"{self._path}.{name}"
        if path in MODULES:
            return namespace(path)
        if path in _REFUSED_MEMBERS:
            raise LangError(_REFUSED_MEMBERS[path], kind="refused")
        raw = _table(self._path).get(name, NOTHING)
        if raw is NOTHING or name.startswith("_"):
            return NOTHING
        return _value(path, raw)


_NAMESPACES: dict[str, Namespace] = {}


def namespace(path: str) -> Namespace:
    """The one namespace of a path."""
    if path not in _NAMESPACES:
        _NAMESPACES[path] = Namespace(path)
    return _NAMESPACES[path]


def module(path: str) -> Namespace:
    """What `import path` binds; the check has let only known paths through."""
    return namespace(path)


def member(path: str, name: str) -> Any:
    """What `from path import name` binds."""
    value = namespace(path).find(name)
    if value is NOTHING:
        near = nearest(name, namespace(path).names())
        raise LangError(f"cannot import {name} from {path}" + (f". Did you mean {near}?" if near else ""), kind="name")
    return value


def standard(name: str) -> Any:
    """What a name means without any import, as far as that is known without loading a library, or NOTHING."""
    if name in _ALIASES:
        return namespace(_ALIASES[name])
    return namespace("torch").find(name) if library.loaded() else NOTHING


def original(name: str) -> Any:
    """What a name means without any import, a library's value as the library has it, or NOTHING."""
    return namespace(_ALIASES[name]) if name in _ALIASES else namespace("torch").original(name)


def resolve(name: str, functions: dict[str, Any]) -> Any:
    """The value of a name that the program did not define, or NOTHING; raises LangError for names refused by design."""
    if name in functions:
        return functions[name]
    if name in _ALIASES:
        return namespace(_ALIASES[name])
    if name in REFUSED:
        raise LangError(f"{name} is not part of the language: {REFUSED[name]}", kind="refused")
    return namespace("torch").find(name)


def bare_names(functions: dict[str, Any]) -> list[str]:
    """Every name that works without a prefix."""
    return sorted({*functions, *_ALIASES, *namespace("torch").names()})


def _table(path: str) -> dict[str, Any]:
    if path == "math":
        from tcalc.lang.mathematics import TABLE

        return TABLE
    if path.partition(".")[0] == "numpy":
        from tcalc.lang.arraynames import table

        return table(path)
    try:
        return library.table(path)
    except KeyError:
        raise LangError(f"{path} is not part of tcalc", kind="name") from None


def _value(path: str, raw: Any) -> Any:
    if path.startswith("torch."):
        inner = library.sub_path(raw)
        if inner is not None:
            return namespace(inner)
        if path in _TAKES_ARRAYS:
            raw = _taking_arrays(raw)
        if isinstance(raw, type):
            return register(raw, _constructor(raw))
        if callable(raw):
            show_as(raw, path)
    return raw


_TAKES_ARRAYS = {f"torch.{name}" for name in ("from_numpy", "tensor", "as_tensor", "asarray")}


def _taking_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the engine that also takes our array handles, bare (then it may share their memory) or in lists."""

    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        if type(value) is BigRange:
            spread(value)
        if arrays_loaded():
            from tcalc.lang.arraydata import opened

            value, kwargs = opened(value, kwargs, is_given=bool(args))
        return function(value, *args, **kwargs)

    call.__name__ = call.__qualname__ = function.__name__
    call.__module__ = function.__module__
    return call


def arrays_loaded() -> bool:
    """Whether the program has named NumPy: before that, no value can be a handle of an array."""
    return "tcalc.lang.arrays" in sys.modules


def _constructor(cls: type) -> Callable[..., Any]:
    """What calling a class of the library does; `Tensor(array)` copies the array."""
    make = library.constructor(cls)
    if make is cls:
        return make

    def call(*args: Any) -> Any:
        if len(args) == 1 and arrays_loaded():
            from tcalc.lang.arraydata import legacy_argument

            return legacy_argument(args[0], make)
        return make(*args)

    call.__name__ = cls.__name__
    return call


Namespace.__name__ = "module"  # what Python's sentences call it
