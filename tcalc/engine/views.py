"""Tensors that share another's memory: views, whose history follows what is written to their base, and those that turn what they read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import backend
from .backend import Array, asarray
from .errors import TensorError
from .graph import AccumulateGrad, Node, grad_fn_of, nowhere
from .modes import is_grad_enabled
from .spec import spec_of
from .tensor import Tensor, make, new_tensor

# why a view may not be written in place while history is recorded
NO_GRAD_VIEW, MULTI_VIEW, INFERENCE_VIEW = "no_grad", "multi", "inference"


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
        """The `history`, where anything is recorded; else the node as it was, for as in torch nobody looks at it then."""
        held, storage = self.held, self.storage
        if storage is not None and storage.version != self.seen:
            if not is_grad_enabled() and self._stale():
                return None if self.made is not None else held
        elif held is not None or self.base.node is None:
            return held
        return self.history

    @node.setter
    def node(self, value: Node | None) -> None:
        self.held = value
        self.seen = 0 if self.storage is None else self.storage.version

    def _stale(self) -> bool:
        """Whether the node is that of the memory as it was before it was written."""
        held, storage = self.held, self.storage
        recorded = self.base.node is not None or (held is not None and held.__class__ is not AccumulateGrad)
        return storage is not None and storage.version != self.seen and recorded

    @property
    def history(self) -> Node | None:
        """The node, remade as AsStridedBackward0 of the base when the memory was written since.

        A view without one requires grad when its base does (it was made under no_grad, or before the base was asked to): its
        gradient goes nowhere.

        Raises RuntimeError for a stale one that may have no new node.
        """
        held = self.held
        if self._stale():
            from .inplace import regenerate

            regenerate(self)
            return self.held
        if held is None and self.base.node is not None and not self.inference:
            held = self.__dict__.get("_end")
            if held is None:
                held = self.__dict__["_end"] = nowhere()
        return held

    def refuse_stale(self) -> None:
        if self._stale():
            from .inplace import refuse_made

            refuse_made(self, "backward", "its base or another view of its base has been")

    def _settle(self, node: AccumulateGrad | None) -> None:
        self.held = node  # what was written before is still to be seen

    def twin(self, node: Node | None) -> Tensor:
        t = new_tensor(self.__class__)
        t.spec, t.storage, t.offset, t.__dict__ = self.spec, self.storage, self.offset, self.__dict__
        t.base, t.made, t.held, t.seen = self.base, self.made, node, self.seen
        _set_array(t, _array_of(self))
        return t

    def _known(self) -> Node | None:
        return self.held

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this view, or that stands for the writes to its base since.

        Raises RuntimeError, in any grad mode, when it may have no new one.
        """
        self.refuse_stale()
        return grad_fn_of(self.history)

    @property
    def is_leaf(self) -> bool:
        """Whether this view was not computed from tensors that require grad; raises as `grad_fn` does."""
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded: those on views of recorded tensors always are."""
        return self.held is not None or (self.base.node is not None and not self.inference)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._switch(value)


View.__name__ = View.__qualname__ = "Tensor"


class LazyView(View):
    """A view that shows its memory's values conjugated or with their sign turned (`spec.lazy`), as torch's conjugate and negative
    bits do. `a` is worked out when it is looked at; while the view is written, `a` is what the writer sees."""

    __slots__ = ()

    @property
    def a(self) -> Array:
        opened = self.__dict__.get("_opened")
        if opened is not None:
            return opened
        below = _array_of(self)
        return None if below is None else TURNED[self.spec.lazy](below)

    @a.setter
    def a(self, value: Array) -> None:
        _set_array(self, value if value is None else TURNED[self.spec.lazy](value))

    def written(self, perform: Callable[[], None]) -> None:
        """Have `perform` write this view, then turn what it left back into the memory's own values."""
        if self.a is None:
            return
        self.__dict__["_opened"] = self.a
        try:
            perform()
            _array_of(self)[...] = TURNED[self.spec.lazy](self.a)
        finally:
            del self.__dict__["_opened"]

    def detach(self) -> Tensor:
        """A view on the same memory, without history."""
        t = new_tensor(LazyView)
        t.spec, t.storage, t.offset, t.held, t.base, t.made = self.spec, self.get_storage(), self.offset, None, self.base, None
        _set_array(t, _array_of(self))
        if self.base.requires_grad:
            t.base = self.base.detach()
        t.seen = t.storage.version
        return t

    @property
    def data(self) -> Tensor:
        """The same memory, read in the same way, without history."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        Tensor.data.__set__(self, value)  # type: ignore[attr-defined]  # a property

    def numpy(self, *, force: bool = False) -> Any:
        if not force:
            bit, name = ("conjugate", "conj") if self.spec.lazy == "conj" else ("negative", "neg")
            raise TensorError(f"Can't call numpy() on Tensor that has {bit} bit set. Use tensor.resolve_{name}().numpy() instead.", "numpy", {"self": self})
        return backend.to_host(self.a)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return make(self.a, spec_of(self.spec.dtype, self.spec.device, self.spec.shape)).__deepcopy__(memo)


LazyView.__name__ = LazyView.__qualname__ = "Tensor"


def _turned(array: Array, function: str) -> Array:
    """A fresh array, of 0 dims as well."""
    fresh = getattr(backend.module_of(array), function)(array)
    return asarray(fresh) if isinstance(fresh, backend.np.generic) else fresh


TURNED: dict[str, Callable[[Array], Array]] = {
    "conj": lambda array: _turned(array, "conjugate"),
    "neg": lambda array: _turned(array, "negative"),
}
_array_of, _set_array = Tensor.__dict__["a"].__get__, Tensor.__dict__["a"].__set__
