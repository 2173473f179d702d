"""What `type(x)` gives: a token that prints as Python's class would, compares, and makes values when called."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from tcalc.lang import library
from tcalc.lang.bounded import BigRange

EXCEPTIONS: tuple[type[Exception], ...] = (
    Exception, ArithmeticError, AssertionError, AttributeError, IndexError, KeyError, LookupError, NameError,
    NotImplementedError, OverflowError, RecursionError, RuntimeError, StopIteration, TypeError, ValueError,
    ZeroDivisionError,
)  # fmt: skip

# How the file names of compiled statements begin.
USER_CODE = "<tcalc "

_PARALLEL = {"DataParallel": "data_parallel", "DistributedDataParallel": "distributed"}
_NN_FILES = {
    "Module": "module", "Linear": "linear", "Bilinear": "linear", "Identity": "linear", "NonDynamicallyQuantizableLinear": "linear",
    "Flatten": "flatten", "Unflatten": "flatten", "Sequential": "container", "ModuleList": "container", "ModuleDict": "container",
    "ParameterList": "container", "ParameterDict": "container", "Embedding": "sparse", "EmbeddingBag": "sparse",
    "LayerNorm": "normalization", "GroupNorm": "normalization", "RMSNorm": "normalization", "LocalResponseNorm": "normalization",
    "MultiheadAttention": "activation", "RNN": "rnn", "LSTM": "rnn", "GRU": "rnn", "Upsample": "upsampling", "Fold": "fold", "Unfold": "fold",
    "CosineSimilarity": "distance", "PairwiseDistance": "distance", "ChannelShuffle": "channelshuffle", "NLLLoss2d": "loss",
}  # fmt: skip
_NN_BEGINNINGS = {
    "ConvTranspose": "conv", "InstanceNorm": "instancenorm", "MaxUnpool": "pooling", "Pixel": "pixelshuffle", "Upsampling": "upsampling",
    "Transformer": "transformer",
}  # fmt: skip
_NN_ENDINGS = {
    "Loss": "loss", "Pool1d": "pooling", "Pool2d": "pooling", "Pool3d": "pooling", "Norm1d": "batchnorm",
    "Norm2d": "batchnorm", "Norm3d": "batchnorm", "Conv1d": "conv", "Conv2d": "conv", "Conv3d": "conv",
    "Dropout": "dropout", "Dropout1d": "dropout", "Dropout2d": "dropout", "Dropout3d": "dropout",
    "Pad1d": "padding", "Pad2d": "padding", "Pad3d": "padding", "Cell": "rnn",
}  # fmt: skip


class TypeToken:
    """Stands for one class. It has no attributes in the language; `==` and `is` compare the class."""

    __slots__ = ("cls", "make", "name")

    def __init__(self, cls: type, name: str, make: Callable[..., Any] | None) -> None:
        self.cls, self.name, self.make = cls, name, make

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.make is None:
            raise TypeError(f"cannot create '{self.name}' instances")
        try:
            return self.make(*args, **kwargs)
        except TypeError as error:
            trace = error.__traceback__
            if trace is None or trace.tb_next is not None:
                raise
            # the call itself did not fit: said of the class, without the `self` that only a class body shows
            raise TypeError(_about_class(str(error), self.name.rpartition(".")[2])) from None

    def __repr__(self) -> str:
        return f"<class '{self.name}'>"


_CONSTRUCTOR = re.compile(r"[\w.<>]*\b__(?:init|new)__\(\)|[\w.<>]+\(\)(?= (?:missing|takes|got))")
_COUNTS = re.compile(r"takes (?:from )?(\d+)(?: to (\d+))? positional arguments? but (\d+) (?:was|were) given")


def _about_class(message: str, name: str) -> str:
    """CPython's sentence about the arguments of `Name.__init__` as one about the arguments of `Name`."""
    bound = "__init__()" in message or "__new__()" in message
    counts = _COUNTS.search(message)
    if bound and counts is not None:
        low, high, given = (None if each is None else int(each) - 1 for each in counts.groups())
        takes = f"from {low} to {high}" if high is not None else str(low)
        plural = "" if takes == "1" else "s"
        were = "was" if given == 1 else "were"
        text = f"takes {takes} positional argument{plural} but {given} {were} given"
        message = message[: counts.start()] + text + message[counts.end() :]
    return _CONSTRUCTOR.sub(f"{name}()", message, count=1)


_TOKENS: dict[type, TypeToken] = {}
_NAMED: dict[str, TypeToken] = {}
_ANSWERS: dict[type, Callable[[Any], TypeToken]] = {}
# Classes of ours that stand for a class of Python or NumPy.
_STANDS_FOR: dict[type, type] = {BigRange: range}


def register(cls: type, make: Callable[..., Any] | None, name: str | None = None) -> TypeToken:
    """The one token of a class, made now with what calling it shall do."""
    token = _TOKENS.get(cls)
    if token is None:
        token = _TOKENS[cls] = TypeToken(cls, name or class_name(cls), make)
    # `type(x)` may have made it before a namespace said how to call it.
    token.make = token.make or make
    return token


def stands_for(cls: type, shown: type) -> None:
    """Let `type()` of an instance of `cls` answer `shown`."""
    _STANDS_FOR[cls] = shown


def answers(cls: type, token: Callable[[Any], TypeToken]) -> None:
    """Let `type(x)` of instances of `cls` be what `token(x)` says."""
    _ANSWERS[cls] = token


def type_of(value: object) -> TypeToken:
    """What `type(value)` gives."""
    answer = _ANSWERS.get(type(value))
    if answer is not None:
        return answer(value)
    if library.loaded() and isinstance(value, library.node_type()):
        return named(value.name(), type(value))
    return token_of(type(value))


def named(name: str, cls: type) -> TypeToken:
    """A token that exists only to be printed and compared: a kind of `cls` that has no class here."""
    return _NAMED.setdefault(name, TypeToken(cls, name, None))


def is_users(function: FunctionType) -> bool:
    """Whether a program defined the function."""
    inner = getattr(function, "__wrapped__", function)  # decorated with a grad mode
    return isinstance(inner, FunctionType) and inner.__code__.co_filename.startswith(USER_CODE)


def token_of(cls: type) -> TypeToken:
    """The token that `type(x)` gives for a value of exact class `cls`."""
    cls = shown_class(cls)
    token = _TOKENS.get(cls)
    return token if token is not None else register(cls, None)


def shown_class(cls: type) -> type:
    """The class a program sees: ours and the engine's that are details stand for the public ones."""
    if cls in _STANDS_FOR:
        return _STANDS_FOR[cls]
    if issubclass(cls, BaseException):
        return shown_exception(cls)
    if library.loaded() and issubclass(cls, library.tensor_type()) and cls.__name__ != "Parameter":
        return library.tensor_type()
    return cls


def shown_exception(cls: type[BaseException]) -> type[BaseException]:
    """The class a program sees for an exception: the engine's own are torch's, which are Python's."""
    return next(each for each in cls.__mro__ if each.__module__ == "builtins")


def class_name(cls: type) -> str:
    """A class's name as Python with torch prints it."""
    if cls.__module__ == "builtins":
        return cls.__qualname__
    if cls.__name__ in _PARALLEL:
        return f"torch.nn.parallel.{_PARALLEL[cls.__name__]}.{cls.__name__}"
    if cls.__module__.startswith("tcalc.engine.nn") and cls.__name__ != "Parameter":
        name = cls.__name__
        begun = next((file for start, file in _NN_BEGINNINGS.items() if name.startswith(start)), None)
        ended = next((file for ending, file in _NN_ENDINGS.items() if name.endswith(ending)), "activation")
        file = _NN_FILES.get(name) or begun or ended
        return f"torch.nn.modules.{file}.{cls.__name__}"
    if cls.__name__ == "Parameter":
        return "torch.nn.parameter.Parameter"
    if cls.__module__.startswith("tcalc.engine.optim"):
        return f"torch.optim.{cls.__name__.lower()}.{cls.__name__}"
    if issubclass(cls, tuple) and cls.__name__ != "Size":
        return f"torch.return_types.{cls.__name__}"
    return _ENGINE_NAMES.get(cls.__name__, f"torch.{cls.__name__}")


_ENGINE_NAMES = {
    **dict.fromkeys(("Generator", "CudaGenerator", "DefaultGenerator"), "torch._C.Generator"), "RemovableHandle": "torch.utils.hooks.RemovableHandle",
    **{name: f"torch.distributed.distributed_c10d.{name}" for name in ("Work", "ProcessGroup")}, "RedOpType": "torch._C._distributed_c10d.ReduceOp.RedOpType",
}  # fmt: skip


def is_instance(value: object, kinds: Any) -> bool:
    """`isinstance(value, kinds)` with tokens; raises TypeError for anything else."""
    if type(kinds) is tuple:
        return any(is_instance(value, each) for each in kinds)
    if type(kinds) is not TypeToken:
        raise TypeError("isinstance() arg 2 must be a type, a tuple of types, or a union")
    return issubclass(shown_class(type(value)), kinds.cls)


def as_dtype(value: object) -> object:
    """A `dtype=` argument: the types int, float, bool and complex are meant as dtypes there."""
    return value.cls if type(value) is TypeToken and value.cls in _DTYPES else value


_DTYPES = (int, float, bool, complex)


def catchable(kinds: Any) -> Any:
    """The class or classes behind the expression of an `except`; None stands for a bare one."""
    if kinds is None:
        return Exception
    if type(kinds) is tuple:
        return tuple(catchable(each) for each in kinds)
    if type(kinds) is TypeToken and issubclass(kinds.cls, Exception):
        return kinds.cls
    raise TypeError("catching classes that do not inherit from BaseException is not allowed")


def raisable(value: Any) -> Any:
    """What `raise value` raises: an exception, or the class behind a token; None only for `from None`."""
    if type(value) is TypeToken and issubclass(value.cls, Exception):
        return value.cls
    if value is None or isinstance(value, Exception):
        return value
    raise TypeError("exceptions must derive from BaseException")


for _cls in EXCEPTIONS:
    register(_cls, _cls)
register(type, None)
for _name in ("int", "float", "bool", "complex"):
    register(getattr(builtins, _name), getattr(builtins, _name))
answers(MethodType, lambda value: token_of(BuiltinFunctionType))
answers(FunctionType, lambda value: token_of(FunctionType if is_users(value) else BuiltinFunctionType))
TypeToken.__name__ = "type"  # what Python's sentences call it
