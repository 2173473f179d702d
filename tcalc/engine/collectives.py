"""The communications of torch.distributed: sums, copies and pieces of tensors over the processes of a group.

They write their tensors outside of autograd, as in torch; unlike in torch that counts as a write, so that backward and the prompt
notice. `async_op=True` returns a Work, and until its `wait()` returns the tensors belong to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from . import backend, inplace
from .backend import Array, np
from .distributed import AVG, SUM, ProcessGroup, RedOpType, get_rank, meant
from .errors import TensorError, TensorTypeError, TensorValueError
from .modes import no_grad
from .tensor import Tensor, wrap
from .transports import Work
from .views import LazyView


class _Call:
    """One communication of a group: arrays made ready for what carries them, results written back once it is done."""

    def __init__(self, group: ProcessGroup, tensors: Sequence[Tensor]):
        first = tensors[0].spec.dtype
        for t in tensors:
            if t.spec.dtype is not first:
                raise TensorValueError(f"Invalid usage of tensors with different dtypesFound {first!r} and  {t.spec.dtype!r}")
            if t.spec.device is backend.META:
                raise TensorError("a tensor on meta has no values to send, nor memory to receive any")
        self._on_gpu = group.gpus is not None and tensors[0].spec.device.type == "cuda"
        self.by: Any = group.gpus if self._on_gpu else group.hosts
        self._after: list[Callable[[], None]] = []

    def read(self, t: Tensor) -> Array:
        """The tensor's values as a row-major array: its own where that can be."""
        if t.spec.contiguous and (self._on_gpu or t.spec.device.type == "cpu"):
            return t.a
        return backend.copy_of(t.a if self._on_gpu else backend.to_host(t.a))

    def changed(self, t: Tensor) -> Array:
        """As `read`, for a tensor that the communication writes."""
        array = self.read(t)
        self.then((lambda: inplace.bump(t)) if array is t.a and not isinstance(t, LazyView) else (lambda: _put(t, array)))
        return array

    def stacked(self, pieces: Sequence[Tensor]) -> Array:
        """The values of tensors of one shape in one array."""
        arrays = [self.read(t) for t in pieces]
        return backend.module_of(arrays[0]).stack(arrays)

    def filled(self, pieces: Sequence[Tensor]) -> Array:
        """An array that tensors of one shape are written from when the communication is done."""
        spec = pieces[0].spec
        module = backend.xp_of(spec.device) if self._on_gpu else np
        array = module.empty((len(pieces), *spec.sizes), spec.numpy)
        for i, t in enumerate(pieces):
            self.then(partial(_put_piece, t, array, i))
        return array

    def then(self, after: Callable[[], None]) -> None:
        """Also do this when the communication is done."""
        self._after.append(after)

    def end(self, work: Work, async_op: bool = False) -> Work | None:
        """Wait, or leave the waiting to the caller."""
        whole = Work(work.is_completed, self._finish)
        if async_op:
            return whole
        whole.wait()
        return None

    def _finish(self) -> None:
        for after in self._after:
            after()


def _put(t: Tensor, array: Array) -> None:
    with no_grad():
        t.detach().copy_(wrap(array))


def _put_piece(t: Tensor, array: Array, i: int) -> None:
    _put(t, array[i])


def _tensor(value: Any, name: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise TensorTypeError(f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor")
    return value


def _list(values: Any, name: str, call: str, size: int, like: Tensor) -> list[Tensor]:
    """The tensors of a list, one for each process and all of the shape of `like`.

    Raises TypeError for anything else, RuntimeError for another number or shape.
    """
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, Tensor) for value in values):
        raise TensorTypeError(f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor]")
    if len(values) != size:
        raise TensorError(f"ProcessGroupGloo::{call}: invalid tensor list at index 0 (expected length {size}, got {len(values)})", call)
    for i, t in enumerate(values):
        if t.spec.sizes != like.spec.sizes:
            expected, got = (", ".join(map(str, each.spec.sizes)) for each in (like, t))
            raise TensorError(f"ProcessGroupGloo::{call}: invalid tensor size at index {i} (expected ({expected}), got ({got}))", call)
    return list(values)


def _combining(op: Any, tensor: Tensor, call: str) -> RedOpType:
    """The way to combine such tensors.

    Raises TypeError for what is none, RuntimeError or ValueError, with torch's sentences, where the dtype does not allow it.
    """
    if not isinstance(op, RedOpType):
        raise TensorTypeError(f"{call}(): op must be one of distributed.ReduceOp, not {type(op).__name__}", call)
    kind = tensor.spec.dtype
    if kind.is_complex and op not in (SUM, AVG):
        raise TensorValueError(f"{call} does not support RedOpType.{op.name} on complex tensors")
    if op.name.startswith("B") and (kind.is_floating_point or kind.is_complex):
        raise TensorError(f"Cannot use ReduceOp.{op.name} with non-integral dtype", call)
    if op is AVG and not (kind.is_floating_point or kind.is_complex):
        raise TensorError(f"result type Float can't be cast to the desired output type {kind.kernel_name}", call)
    return op


def _averaging(call: _Call, op: RedOpType, tensor: Tensor, group: ProcessGroup) -> None:
    if op is AVG:

        def divide() -> None:
            with no_grad():
                tensor.detach().div_(group.size())

        call.then(divide)


def all_reduce(tensor: Tensor, op: RedOpType = SUM, group: ProcessGroup | None = None, async_op: bool = False) -> Work | None:
    """The tensors of all processes added up (or combined by another `ReduceOp`), in place in each.

    Raises ValueError before init_process_group, RuntimeError for an operation that the dtype does not have.

    See: distributed.reduce, distributed.broadcast, nn.parallel.DistributedDataParallel

    >>> loss = tensor(2.)
    >>> if distributed.is_initialized(): distributed.all_reduce(loss, op=distributed.ReduceOp.AVG)
    >>> loss
    tensor(2.)
    """
    among = meant(group)
    op = _combining(op, _tensor(tensor, "tensor"), "all_reduce")
    if among.rank() < 0:
        return None
    call = _Call(among, [tensor])
    work = call.by.all_reduce(call.changed(tensor), op.mpi)
    _averaging(call, op, tensor, among)
    return call.end(work, async_op)


def reduce(tensor: Tensor, dst: int = 0, op: RedOpType = SUM, group: ProcessGroup | None = None, async_op: bool = False) -> Work | None:
    """The tensors of all processes added up (or combined by another `ReduceOp`), in place in the process `dst`.

    Raises as `all_reduce`, and RuntimeError for a `dst` outside of the group.

    See: distributed.all_reduce, distributed.gather

    >>> if distributed.is_initialized(): distributed.reduce(ones(2), dst=0)
    """
    among = meant(group)
    op = _combining(op, _tensor(tensor, "tensor"), "reduce")
    if among.rank() < 0:
        return None
    root, call = among.number(dst, "reduce"), _Call(among, [tensor])
    if among.rank() != root:
        return call.end(call.by.reduce(backend.copy_of(call.read(tensor)), root, op.mpi), async_op)
    work = call.by.reduce(call.changed(tensor), root, op.mpi)
    _averaging(call, op, tensor, among)
    return call.end(work, async_op)


def broadcast(tensor: Tensor, src: int = 0, group: ProcessGroup | None = None, async_op: bool = False) -> Work | None:
    """The tensor of the process `src` in all.

    Raises ValueError before init_process_group, RuntimeError for a `src` outside of the group.

    See: distributed.scatter, distributed.all_gather

    >>> if distributed.is_initialized(): distributed.broadcast(ones(2), src=0)
    """
    among = meant(group)
    _tensor(tensor, "tensor")
    if among.rank() < 0:
        return None
    root, call = among.number(src, "broadcast"), _Call(among, [tensor])
    return call.end(call.by.broadcast(call.read(tensor) if among.rank() == root else call.changed(tensor), root), async_op)


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False) -> Work | None:
    """The tensors of all processes in the tensors of a list, in each.

    Raises ValueError before init_process_group, RuntimeError for a list of another length or tensors of other shapes.

    See: distributed.gather, distributed.all_gather_into_tensor

    >>> if distributed.is_initialized(): distributed.all_gather([zeros(2), zeros(2)], ones(2))
    """
    among = meant(group)
    if among.rank() < 0:
        return None
    places = _list(tensor_list, "tensor_list", "allgather", among.size(), _tensor(tensor, "tensor"))
    call = _Call(among, [*places, tensor])
    return call.end(call.by.all_gather(call.filled(places), call.read(tensor)), async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """The tensors of all processes one after the other in one tensor, of their size times the number of processes.

    Raises ValueError before init_process_group or for another number of elements.

    See: distributed.all_gather

    >>> if distributed.is_initialized(): distributed.all_gather_into_tensor(zeros(4), ones(2))
    """
    among = meant(group)
    if among.rank() < 0:
        return None
    _same_count(_tensor(output_tensor, "output_tensor"), _tensor(input_tensor, "input_tensor"), among)
    call = _Call(among, [output_tensor, input_tensor])
    return call.end(call.by.all_gather(call.changed(output_tensor), call.read(input_tensor)), async_op)


def _same_count(whole: Tensor, piece: Tensor, group: ProcessGroup) -> None:
    if whole.spec.numel != piece.spec.numel * group.size():
        raise TensorValueError(
            f"the larger tensor must have {group.size()} times the elements of the other, not {whole.spec.numel} and {piece.spec.numel}"
        )


def gather(
    tensor: Tensor, gather_list: list[Tensor] | None = None, dst: int = 0, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """The tensors of all processes in the tensors of a list, in the process `dst`; the others give no list.

    Raises ValueError before init_process_group, without a list in `dst`, or with one elsewhere.

    See: distributed.all_gather, distributed.scatter

    >>> if distributed.is_initialized(): distributed.gather(ones(2), [zeros(2), zeros(2)] if distributed.get_rank() == 0 else None)
    """
    among = meant(group)
    _tensor(tensor, "tensor")
    if among.rank() < 0:
        return None
    root = among.number(dst, "gather")
    places = _only_at(root, among, gather_list, "gather_list", "gather", tensor)
    call = _Call(among, [*(places or ()), tensor])
    return call.end(call.by.gather(call.filled(places) if places else None, call.read(tensor), root), async_op)


def _only_at(root: int, group: ProcessGroup, given: Any, name: str, call: str, like: Tensor) -> list[Tensor] | None:
    """The list that the root alone has to give."""
    where = "destination" if call == "gather" else "source"
    if group.rank() != root:
        if given:
            raise TensorValueError(f"Argument ``{name}`` must NOT be specified on non-{where} ranks.")
        return None
    if given is None:
        raise TensorValueError(f"Argument ``{name}`` must be specified on {where} rank.")
    return _list(given, name, call, group.size(), like)


def scatter(
    tensor: Tensor, scatter_list: list[Tensor] | None = None, src: int = 0, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """One tensor of a list of the process `src` in each process; the others give no list.

    Raises ValueError before init_process_group, without a list in `src`, or with one elsewhere.

    See: distributed.broadcast, distributed.gather

    >>> if distributed.is_initialized(): distributed.scatter(zeros(2), [ones(2), ones(2)] if distributed.get_rank() == 0 else None)
    """
    among = meant(group)
    _tensor(tensor, "tensor")
    if among.rank() < 0:
        return None
    root = among.number(src, "scatter")
    pieces = _only_at(root, among, scatter_list, "scatter_list", "scatter", tensor)
    call = _Call(among, [*(pieces or ()), tensor])
    return call.end(call.by.scatter(call.changed(tensor), call.stacked(pieces) if pieces else None, root), async_op)


def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: RedOpType = SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Lists of tensors, one for each process, added up over the processes; each gets its sum.

    Raises as `all_reduce`.

    See: distributed.all_reduce, distributed.reduce_scatter_tensor

    >>> if distributed.is_initialized(): distributed.reduce_scatter(zeros(2), [ones(2), ones(2)])
    """
    among = meant(group)
    op = _combining(op, _tensor(output, "output"), "reduce_scatter")
    if among.rank() < 0:
        return None
    pieces = _list(input_list, "input_list", "reduce_scatter", among.size(), output)
    call = _Call(among, [output, *pieces])
    work = call.by.reduce_scatter(call.changed(output), call.stacked(pieces), op.mpi)
    _averaging(call, op, output, among)
    return call.end(work, async_op)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: RedOpType = SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Tensors added up over the processes; each process gets its piece of the sum.

    Raises as `all_reduce`, and ValueError for another number of elements.

    See: distributed.reduce_scatter

    >>> if distributed.is_initialized(): distributed.reduce_scatter_tensor(zeros(2), ones(4))
    """
    among = meant(group)
    op = _combining(op, _tensor(output, "output"), "reduce_scatter_tensor")
    if among.rank() < 0:
        return None
    _same_count(_tensor(input, "input"), output, among)
    call = _Call(among, [output, input])
    work = call.by.reduce_scatter(call.changed(output), call.read(input), op.mpi)
    _averaging(call, op, output, among)
    return call.end(work, async_op)


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: list[Tensor], group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Tensor i of each process's list goes to process i, whose second list takes them; all are of one shape.

    Raises ValueError before init_process_group, RuntimeError for other lengths or shapes.

    See: distributed.all_to_all_single, distributed.all_gather

    >>> if distributed.is_initialized(): distributed.all_to_all([zeros(1), zeros(1)], [ones(1), ones(1)])
    """
    among = meant(group)
    if among.rank() < 0:
        return None
    like = _tensor(input_tensor_list[0], "input_tensor_list") if input_tensor_list else None
    if like is None:
        raise TensorError(
            f"ProcessGroupGloo::alltoall: invalid tensor list at index 0 (expected length {among.size()}, got 0)", "all_to_all"
        )
    places = _list(output_tensor_list, "output_tensor_list", "alltoall", among.size(), like)
    pieces = _list(input_tensor_list, "input_tensor_list", "alltoall", among.size(), like)
    call = _Call(among, [*places, *pieces])
    return call.end(call.by.all_to_all(call.filled(places), call.stacked(pieces)), async_op)


def all_to_all_single(output: Tensor, input: Tensor, group: ProcessGroup | None = None, async_op: bool = False) -> Work | None:
    """Piece i of each process's tensor, cut evenly along its first dim, goes to process i.

    Raises ValueError before init_process_group or for a tensor that cannot be cut evenly.

    See: distributed.all_to_all

    >>> if distributed.is_initialized(): distributed.all_to_all_single(zeros(2), ones(2))
    """
    among = meant(group)
    if among.rank() < 0:
        return None
    if _tensor(output, "output").spec.numel != _tensor(input, "input").spec.numel or input.spec.numel % among.size():
        raise TensorValueError(f"all_to_all_single: {input.spec.numel} elements cannot be dealt to {among.size()} processes and back")
    call = _Call(among, [output, input])
    return call.end(call.by.all_to_all(call.changed(output), backend.copy_of(call.read(input))), async_op)


# --- from one to another ----------------------------------------------------------------------------------------------


def _other(rank: int, group: ProcessGroup, what: str) -> int:
    """The number in the group of another process than this.

    Raises ValueError, with torch's sentence, for this one.
    """
    if rank == get_rank():
        raise TensorValueError(f"Invalid {what} rank: {what} rank should not be the same as the rank of the current process.")
    return group.number(rank, "send" if what == "destination" else "recv")


def isend(tensor: Tensor, dst: int, group: ProcessGroup | None = None, tag: int = 0) -> Work | None:
    """Begin to send a tensor to a process; returns a Work, or None in a process outside of the group.

    Raises ValueError before init_process_group, or for the process itself.

    See: distributed.irecv, distributed.send

    >>> if distributed.is_initialized() and distributed.get_rank() == 0: distributed.isend(ones(2), 1).wait()
    """
    among = meant(group)
    call = _Call(among, [_tensor(tensor, "tensor")])
    if among.rank() < 0:
        return None
    return call.end(call.by.send(call.read(tensor), _other(dst, among, "destination"), tag), True)


def send(tensor: Tensor, dst: int, group: ProcessGroup | None = None, tag: int = 0) -> None:
    """Send a tensor to a process, which must `recv` one of the same size.

    Raises as `isend`.

    See: distributed.recv, distributed.isend

    >>> if distributed.is_initialized() and distributed.get_rank() == 0: distributed.send(ones(2), 1)
    """
    work = isend(tensor, dst, group, tag)
    if work is not None:
        work.wait()


def _receive(tensor: Tensor, src: int | None, group: ProcessGroup | None, tag: int, heard: Callable[[int], None]) -> Work | None:
    among = meant(group)
    call = _Call(among, [_tensor(tensor, "tensor")])
    if among.rank() < 0:
        return None
    source = None if src is None else _other(src, among, "source")
    return call.end(call.by.recv(call.changed(tensor), source, tag, lambda rank: heard(among.ranks[rank])), True)


def irecv(tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0) -> Work | None:
    """Begin to receive a tensor from a process, or from any; returns a Work, or None in a process outside of the group.

    Raises ValueError before init_process_group, or for the process itself.

    See: distributed.isend, distributed.recv

    >>> if distributed.is_initialized() and distributed.get_rank() == 1: distributed.irecv(zeros(2), 0).wait()
    """
    return _receive(tensor, src, group, tag, lambda rank: None)


def recv(tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0) -> int:
    """Receive a tensor from a process, or from any; returns whose it was, -1 in a process outside of the group.

    Raises as `irecv`.

    See: distributed.send, distributed.irecv

    >>> if distributed.is_initialized() and distributed.get_rank() == 1: distributed.recv(zeros(2), 0)
    """
    whose: list[int] = []
    work = _receive(tensor, src, group, tag, whose.append)
    if work is None:
        return -1
    work.wait()
    return whose[0]


def names() -> dict[str, Callable[..., Any]]:
    """The functions, by name."""
    found = (
        all_reduce, reduce, broadcast, all_gather, all_gather_into_tensor, gather, scatter, reduce_scatter, reduce_scatter_tensor, all_to_all,
        all_to_all_single, isend, send, irecv, recv,
    )  # fmt: skip
    return {f.__name__: f for f in found}
