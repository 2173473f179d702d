"""The public names: what `torch`, `torch.nn`, `torch.nn.functional`, ... hold, and which attributes each type shows."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from time import perf_counter
from typing import Any

from . import anomaly, autograd, backend, blocks, data, dtypes, methods, modes, printing, random, waiting
from .errors import TensorError, TensorTypeError
from .families import creation
from .families.structural import out_type
from .graph import AccumulateGrad, Node, RemovableHandle
from .inplace import CopySlices
from .layout import Size, broadcast_shapes
from .record import OpNode
from .registry import OPS, PUBLIC, on_reading, read, read_file
from .signature import Layout, MemoryFormat, channels_last, contiguous_format, preserve_format, strided
from .tensor import Parameter, Plain, Tensor
from .views import LazyView, View


class Sub:
    """Stands in a table for a namespace inside it."""

    __slots__ = ("path",)

    def __init__(self, path: str):
        self.path = path


def manual_seed(seed: int) -> random.Generator:
    """Start torch's random streams anew from `seed`, those of GPUs too; returns the default generator.

    >>> manual_seed(0).initial_seed()
    0
    """
    generator = random.default_generator.manual_seed(int(seed) if isinstance(seed, (int, float)) else seed)
    random.seed_gpus(generator.initial_seed())
    return generator


def initial_seed() -> int:
    """The seed the default generator started from.

    >>> generator = manual_seed(7)
    >>> initial_seed()
    7
    """
    return random.default_generator.initial_seed()


def seed() -> int:
    """Start the default generators from a seed of chance; returns it.

    >>> isinstance(seed(), int)
    True
    """
    fresh = random.default_generator.seed()
    random.seed_gpus(fresh)
    return fresh


def get_rng_state() -> Tensor:
    """The state of the default generator: 5056 bytes as a uint8 tensor.

    >>> get_rng_state().shape
    torch.Size([5056])
    """
    return random.default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state that get_rng_state gave.

    Raises RuntimeError for bytes that are no state.

    >>> state = get_rng_state()
    >>> a = rand(2)
    >>> set_rng_state(state)
    >>> equal(rand(2), a)
    True
    """
    random.default_generator.set_state(new_state)


def is_tensor(obj: Any) -> bool:
    """Whether the value is a Tensor.

    >>> is_tensor(ones(2))
    True
    """
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> int:
    """Number of elements.

    >>> numel(ones(2, 3))
    6
    """
    return input.numel()


def broadcast_shape(*shapes: int | Sequence[int]) -> Size:
    """The common shape of several shapes.

    >>> broadcast_shapes((2, 1), (3,))
    torch.Size([2, 3])
    """
    return Size(broadcast_shapes(*[(s,) if isinstance(s, int) else tuple(s) for s in shapes]))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Tensors expanded to their common shape, sharing storage.

    >>> [x.shape for x in broadcast_tensors(ones(2, 1), ones(3))]
    [torch.Size([2, 3]), torch.Size([2, 3])]
    """
    shape = broadcast_shapes(*[tuple(t.shape) for t in tensors])
    return tuple(OPS["expand"].call(t, shape) for t in tensors)


def meshgrid(*tensors: Tensor | Sequence[Tensor], indexing: str = "ij") -> tuple[Tensor, ...]:
    """Vectors expanded against each other: one tensor a vector, all of shape (n1, n2, ...).

    See: broadcast_tensors, outer, linspace

    >>> meshgrid(tensor([1, 2]), tensor([3, 4]))[0]
    tensor([[1, 1],
            [2, 2]])
    """
    if indexing not in ("ij", "xy"):
        raise TensorError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    given: list[Any] = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else list(tensors)
    if not given:
        raise TensorError("meshgrid expects a non-empty TensorList")
    for i, t in enumerate(given):
        if not isinstance(t, Tensor):
            raise TensorTypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
        if t.dim() > 1:
            raise TensorError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
        if t.dtype is not given[0].dtype:
            raise TensorError("meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(given) >= 2
    if swap:
        given[0], given[1] = given[1], given[0]
    shape = tuple(t.numel() for t in given)
    grids = []
    for i, t in enumerate(given):
        column = OPS["view"].call(t, tuple(-1 if d == i else 1 for d in range(len(given))))
        grids.append(OPS["expand"].call(column, shape))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def result_type(a: Any, b: Any) -> dtypes.dtype:
    """The dtype of an operation on two tensors or numbers.

    >>> result_type(tensor([1]), 2.5)
    torch.float32
    """
    operands = (a, b)
    tensors = [t.spec for t in operands if isinstance(t, Tensor)]
    return dtypes.result_type(
        [s.dtype for s in tensors if s.ndim],
        [s.dtype for s in tensors if not s.ndim],
        [type(n) for n in operands if not isinstance(n, Tensor)],
    )


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether values of one dtype may be written into another's tensor: no fall in category, no float into ints.

    >>> can_cast(float32, int64)
    False
    """
    return from_.category <= to.category


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on.

    See: inference_mode, is_grad_enabled, no_grad

    >>> is_inference_mode_enabled()
    False
    """
    return modes.is_inference_mode_enabled()


def typename(obj: Any) -> str:
    """torch's name of a tensor's type, or the Python type of anything else.

    >>> typename(ones(2)), typename(3)
    ('torch.FloatTensor', 'int')
    """
    return obj.type() if isinstance(obj, Tensor) else type(obj).__qualname__


_deterministic: ContextVar[bool] = ContextVar("deterministic", default=False)
_precision: ContextVar[str] = ContextVar("matmul_precision", default="highest")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remember the wish: every op of tcalc gives the same result each time anyway.

    See: are_deterministic_algorithms_enabled, manual_seed

    >>> use_deterministic_algorithms(True)
    >>> are_deterministic_algorithms_enabled()
    True
    >>> use_deterministic_algorithms(False)
    """
    _deterministic.set(bool(mode))


def are_deterministic_algorithms_enabled() -> bool:
    """Whether deterministic algorithms were asked for.

    >>> are_deterministic_algorithms_enabled()
    False
    """
    return _deterministic.get()


def set_float32_matmul_precision(precision: str) -> None:
    """Remember how precisely float32 products may be computed: "highest", "high" or "medium"; they are always computed in float32 here.

    Raises RuntimeError for another word.

    See: get_float32_matmul_precision, matmul

    >>> set_float32_matmul_precision('high')
    >>> get_float32_matmul_precision()
    'high'
    >>> set_float32_matmul_precision('highest')
    """
    if precision not in ("highest", "high", "medium"):
        raise TensorError(f"{precision} is not one of 'highest', 'high', or 'medium'. Current precision is not changed.")
    _precision.set(precision)


def get_float32_matmul_precision() -> str:
    """The word that set_float32_matmul_precision was given, "highest" until then.

    >>> get_float32_matmul_precision()
    'highest'
    """
    return _precision.get()


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a float.

    >>> is_floating_point(ones(2))
    True
    """
    return input.spec.dtype.is_floating_point


def enter_device(self: backend.device) -> backend.device:
    """`with device(...)`: tensors are made there inside the block."""
    creation.default_devices.set((*creation.default_devices.get(), backend.resolve(self)))
    return self


def exit_device(self: backend.device, *error: object) -> None:
    """The former default device comes back."""
    creation.default_devices.set(creation.default_devices.get()[:-1])


setattr(backend.device, "__enter__", enter_device)
setattr(backend.device, "__exit__", exit_device)

_LEGACY = {
    f"{d.kernel_name}Tensor": d for d in dtypes.ALL if d.name != "bfloat16" and not d.is_complex
}  # FloatTensor(2, 3): torch's oldest spelling, still in tutorials


def _legacy(d: dtypes.dtype) -> Callable[..., Tensor]:
    def make_tensor(*args: Any) -> Tensor:
        return data.legacy_tensor(*args, d=d)

    make_tensor.__name__ = f"{d.kernel_name}Tensor"
    make_tensor.__doc__ = f"A {d!r} tensor of the given sizes (zeros) or data."
    return make_tensor


class Later:
    """Stands in a Table for what is fetched when it is asked for."""

    def __init__(self, fetch: Callable[[str], Any]):
        self.fetch = fetch


_op = Later(lambda name: PUBLIC[name].call)
_in_place = Later(lambda name: getattr(Tensor, name))


class Table(dict[str, Any]):
    """The names of a namespace. What comes from files of ops that wait to be read is there, and fetched when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value.__class__ is Later:
            value = self[name] = value.fetch(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def values(self) -> Any:
        return [self[name] for name in self]


def _ops(namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file, waits in waiting.FILES.items():
        if file not in read:
            if namespace == "torch":
                found |= dict.fromkeys(waits.functions.split(), _op)
            elif namespace in waits.namespaces.split():
                read_file(file)
    for name, public in PUBLIC.so_far():
        own = next((op for op in public.ops if op.function and op.namespace == namespace), None)
        if own is not None and not name.endswith("_"):
            found[own.short if name == public.name else name] = public.call
    return found


_ALSO_IN_TORCH = (
    "selu", "celu", "threshold", "rrelu", "hardshrink", "prelu", "alpha_dropout", "feature_alpha_dropout", "layer_norm", "rms_norm", "group_norm",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d",
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "cosine_similarity", "pairwise_distance", "pdist", "bilinear", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
)  # fmt: skip  # functions of nn.functional that torch has without it, too


_IN_PLACE_FUNCTIONS = (
    "abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ as_strided_ asin_ asinh_ atan_ atanh_ ceil_"
    " clamp_ clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ detach_ erf_ erfc_ exp2_ exp_ expm1_"
    " fill_ fix_ floor_ frac_ gcd_ i0_ index_put_ lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_ rad2deg_ reciprocal_ relu_"
    " resize_as_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ xlogy_ zero_"
).split()  # methods that torch has as functions, too


def _torch() -> dict[str, Any]:
    found: dict[str, Any] = _ops("torch")
    found |= dtypes.BY_NAME | {"bool": dtypes.bool_, "finfo": dtypes.finfo, "iinfo": dtypes.iinfo}
    functions: list[Any] = [
        data.tensor, data.as_tensor, data.from_numpy, data.scalar_tensor, manual_seed, initial_seed, seed, get_rng_state, set_rng_state, is_tensor, numel,
        broadcast_tensors, meshgrid, result_type, can_cast, is_floating_point, dtypes.get_default_dtype, dtypes.set_default_dtype,
        dtypes.promote_types, methods.allclose, methods.equal, methods.is_nonzero, methods.is_complex, methods.is_conj, methods.is_neg, methods.is_signed, methods.is_inference,
        methods.is_same_size, methods.get_device, typename,
        use_deterministic_algorithms, are_deterministic_algorithms_enabled, set_float32_matmul_precision, get_float32_matmul_precision, modes.no_grad, modes.enable_grad, modes.set_grad_enabled,
        modes.inference_mode, creation.set_default_device, printing.set_printoptions, blocks.get_num_threads, blocks.set_num_threads, anomaly.is_anomaly_enabled, anomaly.is_anomaly_check_nan_enabled,
    ]  # fmt: skip
    found |= {f.__name__: f for f in functions}
    found |= {
        "asarray": data.as_tensor, "broadcast_shapes": broadcast_shape, "is_grad_enabled": modes.grad_mode,
        "is_inference_mode_enabled": is_inference_mode_enabled, "device": backend.device, "dtype": dtypes.dtype, "Size": Size, "Tensor": Tensor,
        "Generator": random.Generator, "contiguous_format": contiguous_format, "preserve_format": preserve_format, "channels_last": channels_last,
        "strided": strided, "layout": Layout, "memory_format": MemoryFormat, "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan,
        "newaxis": None, "default_generator": random.default_generator, "nn": Sub("torch.nn"), "autograd": Sub("torch.autograd"), "func": Sub("torch.func"),
        "cuda": Sub("torch.cuda"), "distributed": Sub("torch.distributed"), "optim": Sub("torch.optim"), "linalg": Sub("torch.linalg"), "fft": Sub("torch.fft"), "special": Sub("torch.special"),
        "masked": Sub("torch.masked"), "signal": Sub("torch.signal"),
        "random": Sub("torch.random"), "get_default_device": creation.current_device,
    }  # fmt: skip
    found |= {name: _legacy(d) for name, d in _LEGACY.items()}
    return Table(found | dict.fromkeys(_ALSO_IN_TORCH, _op) | dict.fromkeys(_IN_PLACE_FUNCTIONS, _in_place) | {"detach": Tensor.detach})


def _functional() -> dict[str, Any]:
    found = _ops("torch.nn.functional")
    return found | {name: PUBLIC[name].call for name in ("relu", "sigmoid", "tanh", "softmax", "log_softmax")}


def _of(module: str, names: str) -> dict[str, Any]:
    """Some functions of a module of the engine that is loaded only now."""
    found = import_module(f"tcalc.engine.{module}")
    return {name: getattr(found, name) for name in names.split()}


def _nn() -> Any:
    """torch.nn and torch.optim, which are loaded when a program first names something of them: start-up does not pay for them."""
    return import_module("tcalc.engine.nn.names")


def _distributed() -> Any:
    """torch.distributed, loaded likewise."""
    return import_module("tcalc.engine.distributed_names")


_SPECIAL = {
    "erf": "erf", "erfc": "erfc", "erfinv": "erfinv", "gammaln": "lgamma", "digamma": "digamma", "psi": "digamma", "expit": "sigmoid", "exp2": "exp2",
    "expm1": "expm1", "log1p": "log1p", "logit": "logit", "logsumexp": "logsumexp", "sinc": "sinc", "i0": "i0", "xlogy": "xlogy", "round": "round",
    "softmax": "softmax", "log_softmax": "log_softmax", "gammainc": "igamma", "gammaincc": "igammac", "multigammaln": "mvlgamma", "polygamma": "polygamma",
}  # fmt: skip


@cache
def table(path: str) -> dict[str, Any]:
    """The names of a namespace, such as "torch" or "torch.nn.functional".

    Raises KeyError for an unknown one.
    """
    return _TABLES[path]()


_TABLES: dict[str, Callable[[], dict[str, Any]]] = {
    "torch": _torch,
    "torch.nn": lambda: _nn().layers(),
    "torch.nn.functional": _functional,
    "torch.nn.init": lambda: _nn().initial(),
    "torch.nn.utils": lambda: _nn().helpers(),
    "torch.autograd": lambda: {
        **_of("gradcheck", "gradcheck gradgradcheck"),
        "backward": autograd.backward, "grad": autograd.grad,
        "functional": Sub("torch.autograd.functional"), "set_detect_anomaly": anomaly.set_detect_anomaly, "detect_anomaly": anomaly.detect_anomaly,
        **{m.__name__: m for m in (modes.no_grad, modes.enable_grad, modes.set_grad_enabled, modes.inference_mode)},
    },
    "torch.autograd.functional": lambda: _of("functional", "jacobian hessian vjp jvp hvp vhp"),
    "torch.func": lambda: _of("func", "grad grad_and_value vjp jvp jacrev jacfwd hessian") | _of("nn.stateless", "functional_call"),
    "torch.cuda": lambda: import_module("tcalc.engine.cuda").names(),
    "torch.distributed": lambda: _distributed().functions(),
    "torch.distributed.ReduceOp": lambda: _distributed().reduce_ops(),
    "torch.distributed.group": lambda: _distributed().groups(),
    "torch.nn.parallel": lambda: _nn().parallel_names(),
    "torch.optim": lambda: _nn().optimizers(),
    "torch.optim.lr_scheduler": lambda: _nn().lr_schedulers(),
    "torch.linalg": lambda: {**_ops("torch.linalg"), "matmul": PUBLIC["matmul"].call, "diagonal": PUBLIC["diagonal"].call},
    "torch.fft": lambda: _ops("torch.fft"),
    "torch.special": lambda: {**_ops("torch.special"), **{name: PUBLIC[op].call for name, op in _SPECIAL.items()}},
    "torch.masked": lambda: _ops("torch.masked"),
    "torch.signal": lambda: {"windows": Sub("torch.signal.windows")},
    "torch.signal.windows": lambda: _ops("torch.signal.windows"),
    "torch.random": lambda: {f.__name__: f for f in (manual_seed, initial_seed, seed, get_rng_state, set_rng_state)},
}  # fmt: skip


def forget_names() -> None:
    """Read the registry anew when next asked: an op was declared."""
    for found in (table, tensor_attributes, _attributes):
        found.cache_clear()
    _later[:] = LATER


def _new_kinds(names: list[str]) -> None:
    """Ops were read, and some give tuples with names of their own."""
    _attributes.cache_clear()
    _later[:] = LATER


on_reading.append(_new_kinds)


def lookup(name: str) -> Any:
    """A name of the torch namespace for `tcalc.NAME`; a namespace inside it as a plain object with attributes.

    `tcalc.declare` is the module for ops of one's own, which no program in the language can reach.
    Raises AttributeError for an unknown name.
    """
    if name == "declare":
        from . import declare

        return declare
    try:
        value = table("torch")[name]
    except KeyError:
        raise AttributeError(f"module 'tcalc' has no attribute '{name}'") from None
    return Members(value.path) if isinstance(value, Sub) else value


class Members:
    """A namespace as Python code sees it: `tcalc.nn.Linear`."""

    def __init__(self, path: str):
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if f"{self._path}.{name}" == "torch.cuda.simulate":  # for Python only: a program in the language cannot claim a GPU
            return backend.simulate
        try:
            value = table(self._path)[name]
        except KeyError:
            raise AttributeError(f"'{self._path}' has no attribute '{name}'") from None
        return Members(value.path) if isinstance(value, Sub) else value

    def __dir__(self) -> list[str]:
        return sorted(table(self._path))


_TENSOR_PROPERTIES = frozenset(
    "shape dtype device ndim itemsize nbytes is_cuda is_cpu is_meta requires_grad grad_fn is_leaf output_nr grad retains_grad data layout T mT H mH real imag _version _base is_sparse".split()
)
_TENSOR_METHODS = frozenset(
    "numel nelement dim ndimension element_size storage_offset data_ptr requires_grad_ retain_grad register_hook"
    " register_post_accumulate_grad_hook backward detach item tolist numpy".split()
)


@cache
def tensor_attributes() -> frozenset[str]:
    """Every attribute of a Tensor that a program may read."""
    from_ops = {name for name, own in vars(Tensor).items() if not name.startswith("_") and (callable(own) or own.__class__ is methods.Waiting)}
    hidden = {"become", "get_storage", "keep_expected", "refuse_stale", "retain_in", "twin", "untyped_storage"}
    return frozenset((from_ops - hidden) | _TENSOR_PROPERTIES | _TENSOR_METHODS)


def attributes() -> dict[type, frozenset[str]]:
    """Attributes a program may read, by the exact type of the value; those of modules and transforms once these are loaded."""
    found = _attributes()
    for module in [name for name in _later if name in sys.modules]:
        _later.remove(module)
        found |= sys.modules[module].attributes()
    return found


NODE_ATTRIBUTES = frozenset(("name", "next_functions", "register_hook", "register_prehook"))
LATER = ("tcalc.engine.nn.names", "tcalc.engine.standins", "tcalc.engine.cuda", "tcalc.engine.distributed_names", "tcalc.engine.nn.averaging")  # modules with kinds of values of their own
_later = [*LATER]  # those not loaded yet


@cache
def _attributes() -> dict[type, frozenset[str]]:
    node, tensor = NODE_ATTRIBUTES, tensor_attributes()
    found: dict[type, frozenset[str]] = {
        Tensor: tensor, Plain: tensor, View: tensor, LazyView: tensor, Parameter: tensor, OpNode: node, Node: node, AccumulateGrad: node | {"variable"}, CopySlices: node,
        RemovableHandle: frozenset(("remove", "id")), Size: frozenset(("numel", "count", "index")),
        dtypes.dtype: frozenset(("is_floating_point", "is_complex", "is_signed", "itemsize", "to_real", "to_complex")),
        backend.device: frozenset(("type", "index")),
        **dict.fromkeys(
            (random.Generator, random.CudaGenerator, random.DefaultGenerator), frozenset("manual_seed initial_seed seed device get_state set_state clone_state get_offset set_offset".split())
        ),
        dtypes.FloatInfo: frozenset(dtypes.FloatInfo._fields), dtypes.IntInfo: frozenset(dtypes.IntInfo._fields),
    }  # fmt: skip
    for _, op in OPS.so_far():
        result = getattr(op, "result_type", None)
        if result is not None:
            found[result] = frozenset(op.fields) | {"count", "index"}  # type: ignore[attr-defined]  # a structural op
            if op.takes_out:  # type: ignore[attr-defined]  # as above
                found[out_type(op.public, op.fields)] = found[result]  # type: ignore[attr-defined]  # as above
    return found


ready = perf_counter()  # the engine is loaded
