"""Several GPUs in one process: a module copied to each, its input cut between them, results put together, gradients added up.

The copies run one after the other from one thread. Kernels of a GPU are queued, so that the next GPU gets its work while the one before
still computes; torch's threads would share Python's lock and win nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import backend, notices
from ..cuda import CudaDevice
from ..errors import TensorAssertion, TensorError, TensorTypeError, TensorValueError
from ..graph import Node, Output
from ..modes import is_grad_enabled
from ..registry import OPS
from ..tensor import Parameter, Tensor, alias, new_tensor
from .modules import Module

Tensors = Sequence[Tensor]


# --- between devices ----------------------------------------------------------------------------------------------------


class Between(Node):
    """A node whose inputs and outputs lie on several devices; `backwards` makes the gradients of its inputs from those of its outputs."""

    __slots__ = ("backwards", "specs", "title")

    def __init__(self, title: str, inputs: Tensors, outputs: Tensors, backwards: Callable[[list[Tensor]], Tensors]):
        super().__init__([t.node for t in inputs])
        self.title, self.backwards = title, backwards
        self.specs = [[t.spec for t in outputs]]  # where backward looks for the kinds of the outputs

    def name(self) -> str:
        return self.title

    def apply(self, grad: Any, level: Any) -> Sequence[Any]:
        grads = self.backwards([level.expose(g) for g in (grad if isinstance(grad, list) else [grad])])
        return [None if edge is None else level.enter(g) for edge, g in zip(self.edges, grads, strict=True)]


def _recorded(title: str, inputs: Tensors, outputs: list[Tensor], backwards: Callable[[list[Tensor]], Tensors]) -> list[Tensor]:
    """The outputs, which are fresh or history-free, with one node as their history when an input wants a gradient."""
    if is_grad_enabled() and any(t.requires_grad for t in inputs):
        node = Between(title, inputs, outputs, backwards)
        for i, out in enumerate(outputs):
            out.node = Output(node, i)
    return outputs


def _there(t: Tensor, where: backend.device) -> Tensor:
    """The values on a device, without history: the tensor's own memory where it lies there."""
    plain = alias(t)
    return plain if t.spec.device is where else plain.to(where)


def device_of(where: Any) -> backend.device:
    """A device given as torch's functions take it: a number means a GPU."""
    return backend.resolve(backend.device("cuda", where) if isinstance(where, int) else where)


def broadcast(tensors: Tensors, where: Sequence[backend.device]) -> list[Tensor]:
    """All of the tensors on each of the devices, device after device; gradients are added up where the tensors are."""
    home = tensors[0].spec.device
    copies = [_there(t, d) for d in where for t in tensors]
    found = _recorded("BroadcastBackward", tensors, copies, lambda grads: reduce_add(grads, len(tensors), home))
    for i, copy in enumerate(found):
        if not tensors[i % len(tensors)].requires_grad:
            copy.node = None
    return found


def reduce_add(tensors: Tensors, row: int, home: backend.device) -> list[Tensor]:
    """The sums, on one device, of the columns of tensors that come in rows of this length; gradients are copied back to each."""
    where = [tensors[i].spec.device for i in range(0, len(tensors), row)]
    sums = []
    for i in range(row):
        total, *others = [_there(t, home) for t in tensors[i::row]]
        for other in others:
            total = total + other
        sums.append(total)
    return _recorded("ReduceAddCoalescedBackward", tensors, sums, lambda grads: broadcast(grads, where))


def _cut(t: Tensor, where: Sequence[backend.device], sizes: Sequence[int] | None, dim: int) -> list[Tensor]:
    """Pieces of a tensor along `dim`, one on each device: of these sizes, or as `chunk` cuts them, which may make fewer."""
    whole = alias(t)
    pieces = whole.chunk(len(where), dim) if sizes is None else whole.split(list(sizes), dim)
    home = t.spec.device
    parts = [_there(piece, d) for piece, d in zip(pieces, where, strict=False)]
    return _recorded("ScatterBackward", [t], parts, lambda grads: [_joined(grads, home, dim)])


def _joined(parts: Tensors, where: backend.device, dim: int) -> Tensor:
    """Tensors of several devices one after the other along `dim`, on one device; numbers become the elements of a vector."""
    numbers = all(t.spec.ndim == 0 for t in parts) and dim == 0
    if numbers:
        notices.notice(
            "gathered-scalars",
            "Was asked to gather along dimension 0, but all input tensors were scalars; will instead unsqueeze and return a vector.",
        )
    rows = [alias(t).unsqueeze(0) if numbers else alias(t) for t in parts]
    sizes, devices = [t.spec.sizes[dim] for t in rows], [t.spec.device for t in parts]
    whole = OPS["cat"].call([_there(t, where) for t in rows], dim)

    def backwards(grads: list[Tensor]) -> Tensors:
        cut = _cut(grads[0], devices, sizes, dim)
        return [g.select(0, 0) for g in cut] if numbers else cut

    return _recorded("GatherBackward", parts, [whole], backwards)[0]


# --- torch.nn.parallel ---------------------------------------------------------------------------------------------------


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """Tensors in nested tuples, lists and dicts cut along `dim`, a piece for each GPU; other values go to all.

    Raises RuntimeError when a device does not exist.

    See: nn.parallel.gather, nn.DataParallel, chunk

    >>> nn.parallel.scatter([1, 2], [])
    []
    """
    where = [device_of(d) for d in target_gpus]

    def dealt(value: Any) -> Sequence[Any]:
        if isinstance(value, Tensor):
            return tuple(_cut(value, where, None, dim)) if where else []
        if isinstance(value, (tuple, list)) and value:
            rows = zip(*map(dealt, value), strict=False)
            return list(rows) if isinstance(value, tuple) else [list(row) for row in rows]
        if isinstance(value, dict) and value:
            return [type(value)(row) for row in zip(*map(dealt, value.items()), strict=False)]
        return [value for _ in where]

    return dealt(inputs)


def scatter_both(inputs: Sequence[Any], kwargs: dict[str, Any], where: Sequence[Any], dim: int) -> tuple[list[Any], list[Any]]:
    """Positional and named arguments dealt to the devices, as many of one as of the other."""
    dealt, named = (list(scatter(given, where, dim)) if given else [] for given in (tuple(inputs), kwargs))
    count = max(len(dealt), len(named))
    return dealt + [()] * (count - len(dealt)), named + [{}] * (count - len(named))


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """What several devices gave, joined along `dim` on one device; nested tuples, lists and dicts are joined part by part.

    Raises RuntimeError when the device does not exist, TypeError unless there is an entry for each device.

    See: nn.parallel.scatter, nn.DataParallel, cat

    >>> nn.parallel.gather([None, None], 'cpu') is None
    True
    """
    where = device_of(target_device)
    if not isinstance(outputs, (tuple, list)) or not outputs:
        raise TensorTypeError(f"gather(): outputs are a tuple or list with an entry for each device, not {outputs!r:.40}", "gather")

    def joined(values: Sequence[Any]) -> Any:
        first = values[0]
        if isinstance(first, Tensor):
            if any(t.spec.device.type == "cpu" for t in values):
                raise TensorAssertion("Gather function not implemented for CPU tensors", "gather")
            return _joined(values, where, dim)
        if first is None:
            return None
        if isinstance(first, dict):
            if any(len(value) != len(first) for value in values):
                raise TensorValueError("All dicts must have the same number of keys")
            return type(first)((key, joined([value[key] for value in values])) for key in first)
        parts = map(joined, zip(*values, strict=True))
        return type(first)(*parts) if hasattr(first, "fields") else type(first)(parts)  # max(dim) and the like take one by one

    return joined(outputs)


def replicate(network: Module, devices: Sequence[Any], detach: bool = False) -> list[Module]:
    """Copies of a module, one on each GPU; gradients of their parameters go to the module's, which are added up.

    With `detach` they do not. Buffers are copied without history; the copy on the module's own device shares its memory.
    Raises RuntimeError when a device does not exist.

    See: nn.DataParallel, nn.parallel.parallel_apply

    >>> nn.parallel.replicate(nn.Linear(2, 1), [])
    []
    """
    where = [device_of(d) for d in devices]
    params, buffers = list({id(p): p for p in network.parameters()}.values()), list(network.buffers())
    copies: list[dict[int, Tensor]] = [{} for _ in where]
    for held, cut_off in ((params, detach), (buffers, True)):
        plain = [alias(t) for t in held] if cut_off else held
        found = broadcast(plain, where) if held else []
        for i, copied in enumerate(found):
            copies[i // len(held)][id(held[i % len(held)])] = copied
    return [_copy_of(network, each, {}) for each in copies]


def _copy_of(module: Module, tensors: dict[int, Tensor], made: dict[int, Module]) -> Module:
    """A module with other tensors; a module that is held twice is one in the copy, too."""
    if id(module) in made:
        return made[id(module)]
    twin: Module = object.__new__(type(module))
    made[id(module)] = twin
    for name, value in vars(module).items():
        if isinstance(value, Module):
            value = _copy_of(value, tensors, made)
        elif isinstance(value, Parameter):
            value = _as_parameter(tensors[id(value)])
        elif isinstance(value, Tensor):
            value = tensors[id(value)]
        vars(twin)[name] = value
    return twin


def _as_parameter(t: Tensor) -> Parameter:
    """The tensor, history and all, as what modules look for."""
    p = new_tensor(Parameter)
    p.a, p.spec, p.storage, p.offset, p.node = t.a, t.spec, t.get_storage(), t.offset, t.node
    return p


def parallel_apply(
    modules: Sequence[Module], inputs: Sequence[Any], kwargs_tup: Sequence[Any] | None = None, devices: Sequence[Any] | None = None
) -> list[Any]:
    """Each module called on its input (a tuple of arguments, or the one argument), with its device current; the results in a list.

    Raises AssertionError for another number of inputs than modules.

    See: nn.DataParallel, nn.parallel.replicate

    >>> len(nn.parallel.parallel_apply([nn.ReLU()], [ones(1, device="cuda")])) if cuda.is_available() else 1
    1
    """
    if len(modules) != len(inputs):
        raise TensorAssertion(f"The number of modules {len(modules)} is not equal to the number of inputs {len(inputs)}", "parallel_apply")
    named = [{}] * len(modules) if kwargs_tup is None else kwargs_tup
    if not all(isinstance(keywords or {}, dict) for keywords in named):
        raise TensorTypeError("parallel_apply(): kwargs_tup has a dict of keyword arguments for each module", "parallel_apply")
    where = [None] * len(modules) if devices is None else [device_of(d).index for d in devices]
    results = []
    for module, given, keywords, index in zip(modules, inputs, named, where, strict=True):
        with CudaDevice(index):
            results.append(module(*(given if isinstance(given, (tuple, list)) else (given,)), **(keywords or {})))
    return results


class DataParallel(Module):
    """A module that runs on several GPUs: each has a copy and a part of the batch, and the gradients are added up in the module's.

    Without GPUs it is the module itself. The module has to be on the first of `device_ids` (by default all GPUs); results are
    joined on `output_device`, the first by default.

    See: nn.parallel.DistributedDataParallel, nn.parallel.replicate, cuda.device_count

    >>> model = nn.DataParallel(nn.Linear(2, 1))
    >>> list(model.state_dict())
    ['module.weight', 'module.bias']
    """

    names = frozenset(("module", "device_ids", "output_device", "dim"))

    def __init__(self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0):
        if not isinstance(module, Module):
            raise TensorTypeError(f"DataParallel(): the first argument must be a module, not {type(module).__name__}", "DataParallel")
        self.module = module
        self.device_ids: list[int] = []
        if backend.cuda_problem() is not None:
            return
        given = list(range(backend.cuda_count()) if device_ids is None else device_ids)
        if not given:
            raise TensorError("no available devices were found")
        self.device_ids = [int(device_of(d).index or 0) for d in given]
        self.output_device = self.device_ids[0] if output_device is None else output_device
        self.dim = dim
        if len(self.device_ids) == 1:
            module.to(device_of(self.device_ids[0]))

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The module's results, computed in parts and joined."""
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        home = device_of(self.device_ids[0])
        for t in (*self.module.parameters(), *self.module.buffers()):
            if t.spec.device is not home:
                raise TensorError(
                    f"module must have its parameters and buffers on device {home} (device_ids[0]) but found one of them on device: {t.spec.device}"
                )
        dealt, named = scatter_both(inputs, kwargs, self.device_ids, self.dim)
        if not dealt:
            dealt, named = [()], [{}]
        if len(self.device_ids) == 1:
            return self.module(*dealt[0], **named[0])
        used = self.device_ids[: len(dealt)]
        replicas = replicate(self.module, used, not is_grad_enabled())
        return gather(parallel_apply(replicas, dealt, named, used), self.output_device, self.dim)


def data_parallel(
    module: Module, inputs: Any, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0, module_kwargs: Any = None
) -> Any:
    """`DataParallel(module, device_ids, output_device, dim)` called once.

    Raises as `DataParallel`, and RuntimeError without a GPU.

    See: nn.DataParallel

    >>> nn.parallel.data_parallel(nn.ReLU(), ones(2, device="cuda")).shape if cuda.is_available() else torch.Size([2])
    torch.Size([2])
    """
    if backend.cuda_problem() is not None:
        raise TensorError("device type could not be determined", "data_parallel")
    given = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    return DataParallel(module, device_ids, output_device, dim)(*given, **(module_kwargs or {}))
