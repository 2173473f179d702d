"""Tensor and Storage: the array, its geometry, who shares its memory and how it came about. No op names here."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import backend, dtypes
from .backend import Array, asarray, device, ndarray
from .errors import TensorError, TensorTypeError, TensorValueError
from .graph import AccumulateGrad, Node, RemovableHandle, grad_fn_of
from .layout import Size
from .modes import is_inference_mode_enabled
from .spec import Spec, spec_of


class Storage:
    """Memory that one or more tensors look at. `version` counts the in-place writes through any of them."""

    __slots__ = ("__weakref__", "device", "itemsize", "keep", "nbytes", "raw", "version")

    def __init__(self, raw: Array | None, nbytes: int, where: device, itemsize: int, keep: Any = None):
        self.raw, self.nbytes, self.device, self.itemsize = raw, nbytes, where, itemsize
        self.version = 0
        self.keep = keep

    def data_ptr(self) -> int:
        """Address of the first byte; 0 where there is none."""
        if self.raw is None or not self.nbytes:
            return 0
        return int(self.raw.ctypes.data if self.raw.__class__ is ndarray else self.raw.data.ptr)


class Tensor:
    """An n-dim array with torch's attributes. `a` is the array (None on meta), `spec` its dtype, device, shape and strides.

    `offset` counts elements from the start of `storage`, which is made when first shared. `node` is the graph node
    that gets this tensor's gradient: AccumulateGrad for a leaf that requires grad, None when nothing is recorded.
    """

    __slots__ = ("__dict__", "__weakref__", "a", "node", "offset", "spec", "storage")
    a: Array
    spec: Spec
    storage: Storage | None
    offset: int
    node: Node | None
    base: Tensor | None = None
    _grad: Tensor | None = None
    inference = False

    if TYPE_CHECKING:
        # ops and operators are installed by methods.install
        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...

    def __new__(cls, *args: Any) -> Tensor:
        """`Tensor(2, 3)` gives zeros of that size, `Tensor([1, 2])` the data, both in the default dtype."""
        from .data import legacy_tensor

        return legacy_tensor(*args)

    # --- geometry -------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """Sizes of the dims."""
        return self.spec.shape

    @property
    def dtype(self) -> dtypes.dtype:
        """Element type."""
        return self.spec.dtype

    @property
    def device(self) -> device:
        """Where the memory is."""
        return self.spec.device

    @property
    def ndim(self) -> int:
        """Number of dims."""
        return self.spec.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.spec.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.spec.nbytes

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is a GPU's."""
        return self.spec.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether the memory is the host's."""
        return self.spec.device.type == "cpu"

    @property
    def is_meta(self) -> bool:
        """Whether there is no memory at all, only a spec."""
        return self.spec.device.type == "meta"

    def numel(self) -> int:
        """Number of elements."""
        return self.spec.numel

    nelement = numel

    def dim(self) -> int:
        """Number of dims."""
        return self.spec.ndim

    ndimension = dim

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.spec.dtype.itemsize

    def storage_offset(self) -> int:
        """Elements between the start of the storage and the first element."""
        return self.offset

    def get_storage(self) -> Storage:
        """The storage, made on first demand: until then no one else looks at the memory."""
        storage = self.storage
        if storage is None:
            raw = None if self.a is None else backend.bytes_of(self.a)
            nbytes = self.spec.nbytes if raw is None else raw.size
            storage = self.storage = Storage(raw, nbytes, self.spec.device, self.spec.dtype.itemsize)
        return storage

    def data_ptr(self) -> int:
        """Address of the first element; 0 where there is none."""
        start = self.get_storage().data_ptr()
        return start + self.offset * self.itemsize if start else 0

    @property
    def _base(self) -> Tensor | None:
        return self.base

    @property
    def _version(self) -> int:
        storage = self.storage
        return 0 if storage is None else storage.version

    # --- autograd -------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TensorError("requires_grad must be a bool", "requires_grad", {"self": self})
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start or stop recording operations on this leaf; returns it.

        Raises RuntimeError for a non-float dtype, and for switching off on a computed tensor.
        """
        if not isinstance(requires_grad, bool):
            raise TensorTypeError(
                f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type(requires_grad).__name__}", "requires_grad_"
            )
        node = self.node
        if node is not None and not isinstance(node, AccumulateGrad):
            if not requires_grad:
                raise TensorError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't"
                    " require differentiation use var_no_grad = var.detach().",
                    "requires_grad_",
                    {"self": self},
                )
            return self
        if not requires_grad:
            self.node = None
        elif node is None:
            if not self.spec.dtype.is_floating_point:
                raise TensorError("only Tensors of floating point dtype can require gradients", "requires_grad_", {"self": self})
            if self.inference and not is_inference_mode_enabled():
                raise TensorError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.", "requires_grad_")
            self.node = AccumulateGrad(self)
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        return grad_fn_of(self.node)

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was not computed from tensors that require grad."""
        node = self.node
        return node is None or isinstance(node, AccumulateGrad)

    @property
    def output_nr(self) -> int:
        """Which output of grad_fn this is."""
        return getattr(self.node, "index", 0)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward accumulated here, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is None:
            self.__dict__.pop("_grad", None)
            return
        if not isinstance(value, Tensor):
            raise TensorTypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
        mine, given = self.spec, value.spec
        if value is self:
            raise TensorError("can't assign Variable as its own grad")
        if given.dtype is not mine.dtype:
            raise TensorError(
                f"attempting to assign a gradient with dtype '{given.dtype.kernel_name.lower()}' to a tensor with grad_dtype"
                f" '{mine.dtype.kernel_name}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set the"
                " tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the"
                " dtypes of a tensor and its gradient may break downstream systems that assume they match."
            )
        if given.device is not mine.device:
            raise TensorError(
                f"attempting to assign a gradient with device type '{given.device.type}' to a tensor with device type '{mine.device.type}'."
                " Please ensure that the gradient and the tensor are on the same device"
            )
        if given.shape != mine.shape:
            raise TensorError(
                f"attempting to assign a gradient of size '{list(given.shape)}' to a tensor of size '{list(mine.shape)}'. Please ensure that the"
                " gradient and the tensor are the same size",
                "grad",
                {"self": self, "grad": value},
            )
        self._grad = value

    @property
    def retains_grad(self) -> bool:
        """Whether retain_grad() was asked for on this non-leaf."""
        retained = getattr(self.node, "retained", None)
        return any(ref() is self for ref in retained or ())

    def retain_grad(self) -> None:
        """Keep the gradient of a non-leaf in `.grad` at the next backward.

        Raises RuntimeError when this tensor does not require grad.
        """
        node = self.node
        if node is None:
            raise TensorError("can't retain_grad on Tensor that has requires_grad=False", "retain_grad", {"self": self})
        if not isinstance(node, AccumulateGrad) and not self.retains_grad:
            node.watched = True
            node.retained = [*(node.retained or ()), weakref.ref(self)]

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` whenever this tensor's gradient is known; a Tensor it returns takes its place.

        Raises RuntimeError when this tensor does not require grad.
        """
        node = self.node
        if node is None:
            raise TensorError("cannot register a hook on a tensor that doesn't require gradient", "register_hook", {"self": self})
        if not callable(hook):
            raise TensorTypeError(f"register_hook(): a hook is a function of the gradient, not {type(hook).__name__}", "register_hook")
        node.watched = True
        if node.pre_hooks is None:
            node.pre_hooks = {}
        return RemovableHandle(node.pre_hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(self)` after a gradient was added to this leaf's `.grad`.

        Raises RuntimeError unless this is a leaf that requires grad.
        """
        node = self.node
        if node is None:
            raise TensorError("cannot register a hook on a tensor that doesn't require gradient")
        if not isinstance(node, AccumulateGrad):
            raise TensorError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if node.post_hooks is None:
            node.post_hooks = {}
        return RemovableHandle(node.post_hooks, hook)

    def detach(self) -> Tensor:
        """A tensor on the same memory, without history."""
        return alias(self)

    @property
    def data(self) -> Tensor:
        """The same memory without history; assigning replaces memory and geometry, unseen by autograd."""
        t = alias(self)
        storage = self.get_storage()
        if self.a is not None:  # torch gives .data a version counter of its own
            t.storage = Storage(storage.raw, storage.nbytes, storage.device, storage.itemsize, keep=storage)
        return t

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TensorTypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.node is not None and not value.spec.dtype.is_floating_point:
            raise TensorError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self.a, self.spec, self.storage, self.offset = value.a, value.spec, value.get_storage(), value.offset

    # --- leaving the engine ---------------------------------------------------------------------------------------

    def item(self) -> bool | int | float:
        """The one element as a Python number.

        Raises RuntimeError when there is not exactly one.
        """
        if self.spec.numel != 1:
            raise TensorError(f"a Tensor with {self.spec.numel} elements cannot be converted to Scalar", "item", {"self": self})
        self._need_values("item")
        return backend.to_host(self.a).item()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; a number for a 0-dim tensor."""
        self._need_values("tolist")
        values = backend.to_host(self.a)
        return values.astype("float32").tolist() if self.spec.dtype is dtypes.bfloat16 else values.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """The values as a numpy array on the same memory; `force` detaches and copies to the host first.

        Raises RuntimeError when this tensor requires grad, TypeError when it is not on the CPU or is bfloat16.
        """
        if not force:
            if self.node is not None:
                raise TensorError(
                    "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.", "numpy", {"self": self}
                )
            if self.spec.device.type != "cpu":
                raise TensorTypeError(
                    f"can't convert {self.spec.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
                    "numpy",
                    {"self": self},
                )
        self._need_values("numpy")
        if self.spec.dtype is dtypes.bfloat16:
            raise TensorTypeError("Got unsupported ScalarType BFloat16", "numpy", {"self": self})
        return backend.to_host(self.a)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        values = self.numpy()
        return values if dtype is None else values.astype(dtype)

    def _need_values(self, op: str) -> None:
        if self.a is None:
            raise TensorError(f"Tensor.{op}() cannot be called on meta tensors", op, {"self": self})

    def __bool__(self) -> bool:
        if self.spec.numel != 1:
            problem = "no values" if self.spec.numel == 0 else "more than one value"
            raise TensorError(f"Boolean value of Tensor with {problem} is ambiguous", "bool", {"self": self})
        return bool(self.item())

    def _only(self) -> bool | int | float:
        if self.spec.numel != 1:
            raise TensorValueError("only one element tensors can be converted to Python scalars", "item", {"self": self})
        return self.item()

    def __int__(self) -> int:
        return int(self._only())

    def __float__(self) -> float:
        return float(self._only())

    def __index__(self) -> int:
        if self.spec.numel != 1 or self.spec.dtype.is_floating_point:
            raise TensorTypeError("only integer tensors of a single element can be converted to an index", "index", {"self": self})
        return int(self.item())

    def __len__(self) -> int:
        if not self.spec.ndim:
            raise TensorTypeError("len() of a 0-d tensor", "len", {"self": self})
        return self.spec.shape[0]

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        from .printing import tensor_repr

        return tensor_repr(self)

    def __format__(self, spec: str) -> str:
        from .printing import format_scalar

        return format_scalar(self, spec)


new_tensor = object.__new__  # Tensor(...) itself parses arguments, for users

NO_GRAD_VIEW, MULTI_VIEW = "no_grad", "multi"  # why a view may not be written in place while history is recorded


class View(Tensor):
    """A tensor that autograd knows to share its base's memory, so that a write through either updates the other's history.

    `seen` is the storage's version for which `held` is the right node; `made` says why it may not be written in place.
    """

    __slots__ = ("base", "held", "made", "seen")
    base: Tensor
    held: Node | None
    made: str | None
    seen: int

    @property
    def node(self) -> Node | None:
        """The node, remade as AsStridedBackward0 of the base when the memory was written since."""
        storage = self.storage
        if storage is not None and storage.version != self.seen and (self.held is not None or self.base.node is not None):
            from .inplace import regenerate

            regenerate(self)
        return self.held

    @node.setter
    def node(self, value: Node | None) -> None:
        self.held = value
        self.seen = self._version


View.__name__ = View.__qualname__ = "Tensor"  # what Python's own sentences show


class Parameter(Tensor):
    """A leaf that a module owns and an optimiser updates; requires grad unless told otherwise."""

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        t = new_tensor(Parameter)
        source = data if data is not None else wrap(backend.empty((0,), backend.NUMPY[dtypes.get_default_dtype()], backend.CPU))
        t.a, t.spec, t.storage, t.offset, t.node = source.a, source.spec, source.get_storage(), source.offset, None
        if requires_grad:
            t.node = AccumulateGrad(t)
        return t

    def __repr__(self) -> str:
        from .printing import tensor_repr

        return tensor_repr(self, prefix="Parameter containing:\n")


def make(array: Array | None, spec: Spec) -> Tensor:
    """A tensor around an array that already lies as `spec` says; None for meta."""
    t = new_tensor(Tensor)
    t.a, t.spec, t.storage, t.offset, t.node = array, spec, None, 0, None
    return t


def alias(source: Tensor) -> Tensor:
    """A history-free tensor on the same memory with the same version counter."""
    t = new_tensor(Tensor)
    t.a, t.spec, t.storage, t.offset, t.node = source.a, source.spec, source.get_storage(), source.offset, None
    return t


def wrap(array: Array) -> Tensor:
    """A tensor on an array's memory with the array's own geometry.

    Raises ValueError for negative strides, TypeError for element types torch does not have.
    """
    if isinstance(array, backend.np.generic):
        array = asarray(array)
    d = backend.dtype_of(array.dtype)
    where = backend.CPU if array.__class__ is ndarray else device("cuda", int(array.device.id))
    shape = array.shape
    if array.flags.c_contiguous:
        return make(array, spec_of(d, where, shape))
    item = array.itemsize
    strides = tuple(s // item for s in array.strides)
    if any(s < 0 for s in strides):
        raise TensorValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported."
            " (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if any(s % item for s in array.strides):
        raise TensorValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory."
        )
    return make(array, spec_of(d, where, shape, strides))


def allocate(spec: Spec) -> Tensor:
    """A tensor laid out as `spec` says, values undefined; without memory on meta."""
    if spec.device is backend.META:
        return make(None, spec)
    if spec.contiguous:
        return make(backend.empty(spec.shape, spec.numpy, spec.device), spec)
    slots = 1 + sum((size - 1) * stride for size, stride in zip(spec.shape, spec.strides, strict=True)) if spec.numel else 0
    raw = backend.empty((slots * spec.dtype.itemsize,), backend.BYTE, spec.device)
    t = make(backend.lens(raw, spec.shape, spec.numpy, 0, spec.byte_strides), spec)
    t.storage = Storage(raw, raw.size, spec.device, spec.dtype.itemsize)
    return t


def on_storage(storage: Storage, spec: Spec, offset: int) -> Array | None:
    """The array that shows `spec` at `offset` elements into a storage."""
    if storage.raw is None:
        return None
    return backend.lens(storage.raw, spec.shape, spec.numpy, offset * spec.dtype.itemsize, spec.byte_strides)
