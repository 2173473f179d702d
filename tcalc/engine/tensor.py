"""Tensor: the array, its geometry, whose memory it is and how it came about. No op names here."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import backend, dtypes
from .backend import Array, asarray, device, ndarray
from .errors import TensorError, TensorTypeError, TensorValueError
from .graph import AccumulateGrad, Hooks, Node, RemovableHandle, grad_fn_of, nobody, place_of
from .layout import Size
from .modes import entered, grad_mode, inferring, is_inference_mode_enabled, transform_depth
from .notices import notice
from .spec import Spec, spec_of
from .storage import InferenceStorage, Storage, Untracked, new_storage, shown_as

_NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during"
    " autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf"
    " Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. See"
    " github.com/pytorch/pytorch/pull/30531 for more information."
)


_ONLY_LEAVES = "you can only change requires_grad flags of leaf variables."
_USE_DETACH = (
    " If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
)


class Tensor:
    """An n-dim array with torch's attributes. `a` is the array (None on meta), `spec` its dtype, device, shape and strides.

    `offset` counts elements from the start of `storage`, which is made when first shared. `node` is the graph node
    that gets this tensor's gradient: AccumulateGrad for a leaf that requires grad, None when nothing is recorded.

    See: tensor, Tensor.shape, Tensor.requires_grad, storage

    >>> tensor([1., 2.])
    tensor([1., 2.])
    >>> isinstance(ones(2), Tensor)
    True
    """

    __slots__ = ("__dict__", "__weakref__", "a", "node", "offset", "spec", "storage")
    a: Array
    spec: Spec
    storage: Storage | None
    offset: int
    node: Node | None
    base: Tensor | None = None
    _grad: Tensor | None = None
    retaining = False  # retain_grad() was called
    gradient_hooks: Hooks | None = None  # on its gradient; they stay with the node it had at the first, and with the leaf it may become
    filled_hooks: Hooks | None = None  # on this leaf, whenever a gradient was added
    detached = False  # detach_() was called on what was computed
    interior = False  # it has a history, though graphs from before lead here as to a leaf
    switched_off: weakref.ref[AccumulateGrad] | None = None  # where graphs from before lead, while requires_grad_(False) is in force

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
        """Sizes of the dims.

        See: size, numel, view, reshape

        >>> ones(2, 3).shape
        torch.Size([2, 3])
        """
        return self.spec.shape

    @property
    def dtype(self) -> dtypes.dtype:
        """Element type.

        See: to, dtype-promotion, float32

        >>> ones(2).dtype
        torch.float32
        """
        return self.spec.dtype

    @property
    def device(self) -> device:
        """Where the memory is.

        See: to, cpu, cuda, set_default_device

        >>> ones(2).device
        device(type='cpu')
        """
        return self.spec.device

    @property
    def ndim(self) -> int:
        """Number of dims.

        See: shape, unsqueeze, squeeze

        >>> ones(2, 3).ndim
        2
        """
        return self.spec.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element.

        >>> ones(2).itemsize
        4
        """
        return self.spec.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements.

        >>> ones(2, 3).nbytes
        24
        """
        return self.spec.nbytes

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is a GPU's.

        >>> ones(2).is_cuda
        False
        """
        return self.spec.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether the memory is the host's.

        >>> ones(2).is_cpu
        True
        """
        return self.spec.device.type == "cpu"

    @property
    def is_meta(self) -> bool:
        """Whether there is no memory at all, only a spec.

        >>> ones(2, device='meta').is_meta
        True
        """
        return self.spec.device.type == "meta"

    def numel(self) -> int:
        """Number of elements.

        See: shape, size, nbytes

        >>> ones(2, 3).numel()
        6
        """
        return self.spec.numel

    nelement = numel

    def dim(self) -> int:
        """Number of dims.

        See: shape, size

        >>> ones(2, 3).dim()
        2
        """
        return self.spec.ndim

    ndimension = dim

    def element_size(self) -> int:
        """Bytes of one element.

        >>> ones(2, dtype=float64).element_size()
        8
        """
        return self.spec.dtype.itemsize

    def storage_offset(self) -> int:
        """Elements between the start of the storage and the first element.

        See: storage, stride, as_strided

        >>> ones(2, 3)[1].storage_offset()
        3
        """
        return self.offset

    def get_storage(self) -> Storage:
        """The storage, made on first demand: until then no one else looks at the memory."""
        storage = self.storage
        if storage is None:
            array, spec = self.a, self.spec
            if array is not None and spec.contiguous and not spec.lazy:
                storage = new_storage(Storage)
                storage.whole, storage.device, storage.itemsize = array, spec.device, spec.dtype.itemsize
                storage.version, storage.keep, storage.known = 0, None, None
            else:
                raw = None if array is None else backend.bytes_of(array)
                storage = Storage(raw, spec.nbytes if raw is None else raw.size, spec.device, spec.dtype.itemsize)
            self.storage = storage
            end = self.node
            if end.__class__ is AccumulateGrad and end.leaf() is self:
                end.twin.storage = storage  # type: ignore[union-attr]  # made with the end
        return storage

    def become(self, array: Array, spec: Spec, storage: Storage | None, offset: int) -> None:
        """Look at other memory, or at the same in another way; the graph hears of it when this is a leaf."""
        self.a, self.spec, self.storage, self.offset = array, spec, storage, offset
        end = self._known()
        if end.__class__ is AccumulateGrad and end.leaf() is self:
            end.twin = self.twin(None)

    def twin(self, node: Node | None) -> Tensor:
        """This tensor as another object, which shares its gradient and whatever else was noted of it, with a node of its own."""
        t = new_tensor(self.__class__)
        t.a, t.spec, t.storage, t.offset, t.node, t.__dict__ = self.a, self.spec, self.storage, self.offset, node, self.__dict__
        return t

    def data_ptr(self) -> int:
        """Address of the first element; 0 where there is none.

        See: storage, storage_offset, is_set_to

        >>> x = ones(2, 3)
        >>> x.data_ptr() == x.view(6).data_ptr()
        True
        """
        start = self.get_storage().data_ptr()
        return start + self.offset * self.itemsize if start else 0

    @property
    def _base(self) -> Tensor | None:
        """The tensor this one is a view of, as far as autograd knows; None for one with memory of its own."""
        return None if self.inference else self.base

    @property
    def _version(self) -> int:
        """How many in-place writes the memory has seen, through any tensor on it.

        Raises RuntimeError for a tensor made in inference mode.
        """
        storage = self.storage
        if storage.__class__ is Untracked:
            raise TensorError("Inference tensors do not track version counter.")
        return 0 if storage is None else storage.version

    @property
    def inference(self) -> bool:
        """Whether the memory was made in inference mode: such tensors take no part in autograd."""
        return isinstance(self.storage, InferenceStorage)

    # --- autograd -------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded.

        See: requires_grad_, leaf, no_grad, backward

        >>> w = ones(2, requires_grad=True)
        >>> w.requires_grad, (w * 2).requires_grad
        (True, True)
        """
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._switch(value)

    def _switch(self, value: bool) -> None:
        """Assigning requires_grad."""
        if not isinstance(value, bool):
            raise TensorError("requires_grad must be a bool", "requires_grad", {"self": self})
        if grad_fn_of(self._known()) is not None:
            raise TensorError(f"{_ONLY_LEAVES}{'' if value else _USE_DETACH}", "requires_grad", {"self": self})
        if value and not self.spec.dtype.continuous:
            raise TensorError("only Tensors of floating point and complex dtype can require gradients", "requires_grad", {"self": self})
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start or stop recording operations on this leaf; returns it.

        Raises RuntimeError for a non-float dtype, and for switching off on a computed tensor.

        See: requires_grad, detach, leaf

        >>> ones(2).requires_grad_()
        tensor([1., 1.], requires_grad=True)
        """
        if not isinstance(requires_grad, bool):
            raise TensorTypeError(
                f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type(requires_grad).__name__}", "requires_grad_"
            )
        node = self._known()
        if node is not None and not isinstance(node, AccumulateGrad):
            if not requires_grad:
                raise TensorError(_ONLY_LEAVES + _USE_DETACH, "requires_grad_", {"self": self})
            return self
        if not requires_grad:
            if node is not None:
                self.switched_off = weakref.ref(node)
            self._settle(None)
        elif node is None:
            if not self.spec.dtype.continuous:
                raise TensorError("only Tensors of floating point dtype can require gradients", "requires_grad_", {"self": self})
            if self.inference and not is_inference_mode_enabled():
                raise TensorError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.", "requires_grad_")
            before = self.switched_off and self.switched_off()
            self._settle(self._calling(before or AccumulateGrad(self)))  # graphs from before lead here again
            self.__dict__.pop("switched_off", None)
        return self

    def _calling(self, end: AccumulateGrad) -> AccumulateGrad:
        """The end of the graph that leads here, calling the hooks that this tensor has by now."""
        hooks = self.gradient_hooks
        if hooks is not None:
            end.tensor_hooks = ((0, hooks),)
            end.watch()
        elif end.tensor_hooks:
            end.tensor_hooks = ()
        if end.post_hooks is not self.filled_hooks:
            end.post_hooks = self.filled_hooks
        return end

    def _settle(self, node: AccumulateGrad | None) -> None:
        """Become a leaf that requires grad (with the end of the graph that leads here), or one that does not."""
        self.node = node

    def _known(self) -> Node | None:
        """The node as it was last looked at."""
        return self.node

    @property
    def history(self) -> Node | None:
        """The node, up to date whether anything is recorded now or not."""
        return self.node

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf.

        See: leaf, requires_grad, backward

        >>> w = ones(2, requires_grad=True)
        >>> (w * 2).grad_fn.name()
        'MulBackward0'
        """
        return grad_fn_of(self.node)

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was not computed from tensors that require grad.

        See: leaf, grad_fn, retain_grad

        >>> w = ones(2, requires_grad=True)
        >>> w.is_leaf, (w * 2).is_leaf
        (True, False)
        """
        return grad_fn_of(self.node) is None

    @property
    def output_nr(self) -> int:
        """Which output of grad_fn this is.

        >>> w = ones(4, requires_grad=True)
        >>> [part.output_nr for part in w.split(2)]
        [0, 1]
        """
        return getattr(self._known(), "number", 0)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward accumulated here, or None; for a non-leaf that did not ask to keep one torch warns.

        See: backward, retain_grad, leaf, requires_grad

        >>> w = tensor([1., 2.], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> w.grad
        tensor([2., 4.])
        """
        found = self._grad
        if found is None and grad_fn_of(self._known()) is not None and not self.retains_grad:
            notice("non-leaf-grad", _NON_LEAF_GRAD, self=self)
        return found

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
            from .families.common import C_NAMES

            raise TensorError(
                f"attempting to assign a gradient with dtype '{C_NAMES[given.dtype.name]}' to a tensor with grad_dtype"
                f" '{mine.dtype.kernel_name}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set the"
                " tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the"
                " dtypes of a tensor and its gradient may break downstream systems that assume they match.",
                "grad",
                {"self": self, "grad": value},
            )
        if given.device is not mine.device:
            raise TensorError(
                f"attempting to assign a gradient with device type '{given.device.type}' to a tensor with device type '{mine.device.type}'."
                " Please ensure that the gradient and the tensor are on the same device",
                "grad",
                {"self": self, "grad": value},
            )
        if given.shape != mine.shape:
            raise TensorError(
                f"attempting to assign a gradient of size '{list(given.shape)}' to a tensor of size '{list(mine.shape)}'. Please ensure that the"
                " gradient and the tensor are the same size",
                "grad",
                {"self": self, "grad": value},
            )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    @property
    def retains_grad(self) -> bool:
        """Whether retain_grad() was asked for on this non-leaf.

        >>> h = ones(2, requires_grad=True) * 2
        >>> h.retain_grad()
        >>> h.retains_grad
        True
        """
        return self.retaining

    def retain_grad(self) -> None:
        """Keep the gradient of a non-leaf in `.grad` at the next backward.

        Raises RuntimeError when this tensor does not require grad.

        See: leaf, grad, backward, retains_grad

        >>> h = ones(2, requires_grad=True) * 2
        >>> h.retain_grad()
        >>> h.sum().backward()
        >>> h.grad
        tensor([1., 1.])
        """
        if not self.requires_grad:
            raise TensorError("can't retain_grad on Tensor that has requires_grad=False", "retain_grad", {"self": self})
        if grad_fn_of(self._known()) is None:  # a view that gets a node only when it is next looked at counts as a leaf, as in torch
            return
        self.refuse_stale()
        node = self.history
        if node is not None and not self.retaining:
            self.retain_in(node)
            self.retaining = True

    def refuse_stale(self) -> None:
        """Refuse a view whose base was written where that forbids it a new history.

        Raises RuntimeError with torch's sentences.
        """

    def retain_in(self, node: Node) -> None:
        """Have a node leave the gradient of this tensor, an output of it, in `.grad`."""
        owner, index = place_of(node)
        node.watch()
        owner.watch()
        owner.retained = [*(owner.retained or ()), (index, weakref.ref(self))]

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` whenever this tensor's gradient is known; a Tensor it returns takes its place.

        Raises RuntimeError when this tensor does not require grad.

        See: register_post_accumulate_grad_hook, grad, backward

        >>> w = ones(2, requires_grad=True)
        >>> handle = w.register_hook(lambda grad: grad * 10)
        >>> w.sum().backward()
        >>> w.grad
        tensor([10., 10.])
        """
        node = self.history
        if node is None:
            self.refuse_stale()
            raise TensorError("cannot register a hook on a tensor that doesn't require gradient", "register_hook", {"self": self})
        if not callable(hook):
            raise TensorTypeError(f"register_hook(): a hook is a function of the gradient, not {type(hook).__name__}", "register_hook")
        hooks = self.gradient_hooks
        if hooks is None:
            hooks = self.gradient_hooks = {}
            if not isinstance(node, AccumulateGrad) or node.leaf is not nobody:  # where no gradient will ever come
                _call(node, hooks)
        return RemovableHandle(hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(self)` after a gradient was added to this leaf's `.grad`.

        Raises RuntimeError unless this is a leaf that requires grad.

        See: register_hook, grad, backward

        >>> w = ones(2, requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda w: print(w.grad))
        >>> w.sum().backward()
        tensor([1., 1.])
        """
        if not self.requires_grad:
            raise TensorError("cannot register a hook on a tensor that doesn't require gradient")
        self.refuse_stale()
        node = self.history
        if not isinstance(node, AccumulateGrad):
            raise TensorError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self.filled_hooks is None:
            self.filled_hooks = node.post_hooks = {}
        return RemovableHandle(self.filled_hooks, hook)

    def detach(self) -> Tensor:
        """A tensor on the same memory, without history.

        Storage: shares the tensor's, nothing copied
        Grad: none flows back
        See: no_grad, clone, requires_grad_, data

        >>> w = ones(2, requires_grad=True)
        >>> w.detach()
        tensor([1., 1.])
        """
        t = alias(self)
        if entered and t.inference:
            t.storage = shown_as(self.get_storage(), is_inference_mode_enabled())
        return t

    @property
    def data(self) -> Tensor:
        """The same memory without history; assigning replaces memory and geometry, unseen by autograd.

        Storage: shares the tensor's, nothing copied
        Grad: none flows back
        See: detach, no_grad, version

        >>> w = ones(2, requires_grad=True)
        >>> w.data += 1
        >>> w
        tensor([2., 2.], requires_grad=True)
        """
        t = alias(self)
        storage = self.get_storage()
        if self.a is not None:  # torch gives .data a version counter of its own
            t.storage = shown_as(storage, is_inference_mode_enabled())
        return t

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TensorTypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.node is not None and not value.spec.dtype.continuous:
            raise TensorError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self.keep_expected(value.spec)
        given, mine = value.get_storage(), self.storage
        if given is mine:
            self.become(value.a, value.spec, mine, value.offset)
            return
        storage = shown_as(given, given.__class__ is Untracked and mine.__class__ is Untracked)
        storage.version = 0 if mine is None else mine.version  # the count of writes stays the tensor's own
        self.become(value.a, value.spec, storage, value.offset)

    def keep_expected(self, new: Spec) -> None:
        """Before a leaf takes another spec: graphs from before bring gradients of the old one. Another dtype or device begins a new end
        of the graph, another shape does not, as in torch."""
        old, end = self.spec, self._known()
        retyped = new.dtype is not old.dtype or new.device is not old.device
        before = None if end is not None or self.switched_off is None else self.switched_off()
        if before is not None:
            if retyped:
                del self.switched_off
            elif before.expects is None and new.shape != old.shape:
                before.expects = old
            return
        if end.__class__ is not AccumulateGrad or end.leaf is nobody or not (retyped or new.shape != old.shape):
            return
        held, self.node = weakref.ref(end), None
        del end
        used = held()  # gone unless a graph leads to it
        if used is not None and used.expects is None:
            used.expects = old
        self.node = self._calling(AccumulateGrad(self)) if used is None or retyped else used

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """A leaf on a copy of the whole storage; tensors copied together share the copy as they share the storage.

        Raises RuntimeError for a computed tensor.
        """
        self.refuse_stale()
        if not self.is_leaf:
            raise TensorError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you were"
                " attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see"
                " https://github.com/pytorch/pytorch/pull/103001",
                "deepcopy",
                {"self": self},
            )
        t = new_tensor(Parameter if isinstance(self, Parameter) else Plain)
        memo[id(self)] = t
        source = self.get_storage()
        while isinstance(source.keep, Storage):
            source = source.keep
        kept = memo.get(id(source))
        if kept is None:
            raw = None if source.raw is None else backend.copy_of(source.raw)
            kept = memo[id(source)] = Storage(raw, source.nbytes, source.device, source.itemsize)
        kind = Untracked if is_inference_mode_enabled() else Storage
        t.storage = kind(kept.raw, kept.nbytes, kept.device, kept.itemsize, keep=kept)
        t.storage.version = 1  # torch sets the fresh tensor's memory, which counts
        t.spec, t.offset, t.node = self.spec, self.offset, None
        t.a = on_storage(t.storage, t.spec, t.offset)
        if self.requires_grad:
            t.requires_grad_()
        if self._grad is not None:
            t.grad = self._grad.__deepcopy__(memo)
        return t

    # --- leaving the engine ---------------------------------------------------------------------------------------

    def item(self) -> bool | int | float | complex:
        """The one element as a Python number.

        Raises RuntimeError when there is not exactly one.

        See: tolist, numel

        >>> tensor([3.5]).item()
        3.5
        """
        if self.spec.numel != 1:
            raise TensorError(f"a Tensor with {self.spec.numel} elements cannot be converted to Scalar", "item", {"self": self})
        self._need_values("item")
        return backend.to_host(self.a).item()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; a number for a 0-dim tensor.

        See: item, numpy

        >>> ones(2, 2).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
        """
        self._need_values("tolist")
        backend.check_fits(32 * self.spec.numel, backend.CPU)  # a number in a list takes so many bytes
        values = backend.to_host(self.a)
        return values.astype("float32").tolist() if self.spec.dtype is dtypes.bfloat16 else values.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """The values as a numpy array on the same memory; `force` detaches and copies to the host first.

        Raises RuntimeError when this tensor requires grad, TypeError when it is not on the CPU or is bfloat16.

        Storage: shares the tensor's, nothing copied
        See: from_numpy, tolist, detach

        >>> ones(2).numpy()
        array([1., 1.], dtype=float32)
        """
        if not force:
            if self.requires_grad and grad_mode():
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

    def _only(self) -> bool | int | float | complex:
        if self.spec.numel != 1:
            raise TensorValueError("only one element tensors can be converted to Python scalars", "item", {"self": self})
        return self.item()

    def _real(self, c_name: str) -> bool | int | float:
        value = self._only()
        if isinstance(value, complex):
            if value.imag:
                raise TensorError(f"value cannot be converted to type {c_name} without overflow", "item", {"self": self})
            return value.real
        return value

    def __int__(self) -> int:
        return int(self._real("int64_t"))

    def __float__(self) -> float:
        return float(self._real("double"))

    def __complex__(self) -> complex:
        return complex(self._only())

    def __index__(self) -> int:
        if self.spec.numel != 1 or self.spec.dtype.continuous:
            raise TensorTypeError("only integer tensors of a single element can be converted to an index", "index", {"self": self})
        return int(self._real("int64_t"))

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


class Plain(Tensor):
    """A tensor that is no view, as far as autograd knows.

    A class beside View's and not its parent: Python asks the right operand of a comparison first when its class is a subclass of the left one's.
    """

    __slots__ = ()


Plain.__name__ = Plain.__qualname__ = "Tensor"  # what Python's own sentences show
new_tensor = object.__new__  # Tensor(...) itself parses arguments, for users

def _call(node: Node, hooks: Hooks) -> None:
    """Have backward call a tensor's hooks with the gradient that reaches its node."""
    owner, index = place_of(node)
    node.watch()
    owner.watch()
    owner.tensor_hooks = (*owner.tensor_hooks, (index, hooks))


class Parameter(Tensor):
    """A leaf that a module owns and an optimiser updates; requires grad unless told otherwise.

    See: nn.Linear, requires_grad, optim.SGD

    >>> nn.Parameter(ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

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
    t = new_tensor(Plain)
    t.a, t.spec, t.storage, t.offset, t.node = array, spec, None, 0, None
    if inferring:
        mark(t)
    return t


def mark(fresh: Tensor) -> None:
    """Make a tensor that nobody else has seen an inference tensor when inference mode is on here, and note in which transform it is made."""
    depth = transform_depth.get()
    if depth:
        fresh.__dict__["made_in"] = depth
    if is_inference_mode_enabled():
        raw = None if fresh.a is None else backend.bytes_of(fresh.a)
        fresh.storage = Untracked(raw, fresh.spec.nbytes if raw is None else raw.size, fresh.spec.device, fresh.spec.dtype.itemsize)


def alias(source: Tensor) -> Tensor:
    """A history-free tensor on the same memory with the same version counter."""
    t = new_tensor(Plain)
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


MANY = 1 << 20  # elements from which on an allocation asks whether it fits: plans have asked before, but not every caller has a plan


def allocate(spec: Spec) -> Tensor:
    """A tensor laid out as `spec` says, values undefined; without memory on meta."""
    if spec.device is backend.META:
        return make(None, spec)
    if spec.contiguous:
        if spec.numel > MANY:
            backend.check_fits(spec.nbytes, spec.device)
        return make(backend.empty(spec.shape, spec.numpy, spec.device), spec)
    slots = 1 + sum((size - 1) * stride for size, stride in zip(spec.shape, spec.strides, strict=True)) if spec.numel else 0
    backend.check_fits(slots * spec.dtype.itemsize, spec.device)
    raw = backend.empty((slots * spec.dtype.itemsize,), backend.BYTE, spec.device)
    t = make(backend.lens(raw, spec.shape, spec.numpy, 0, spec.byte_strides), spec)
    kind = Storage if t.storage is None else t.storage.__class__
    t.storage = kind(raw, raw.size, spec.device, spec.dtype.itemsize)
    return t


def on_storage(storage: Storage, spec: Spec, offset: int) -> Array | None:
    """The array that shows `spec` at `offset` elements into a storage."""
    if storage.raw is None:
        return None
    return backend.lens(storage.raw, spec.shape, spec.numpy, offset * spec.dtype.itemsize, spec.byte_strides)
