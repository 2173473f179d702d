"""DistributedDataParallel: one module in several processes, its gradients averaged over them as backward finishes."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from .. import collectives, data
from ..distributed import SUM, ProcessGroup, meant
from ..errors import TensorError, TensorValueError
from ..execute import below
from ..graph import AccumulateGrad
from ..modes import is_grad_enabled, no_grad
from ..registry import OPS
from ..tensor import Parameter, Tensor
from ..tree import flatten
from .modules import PUBLIC_NAMES, Module
from .parallel import device_of, scatter_both

_UNFINISHED = (
    "Expected to have finished reduction in the prior iteration before starting a new one. This error indicates that your module has parameters"
    " that were not used in producing loss. You can enable unused parameter detection by passing the keyword argument"
    " `find_unused_parameters=True` to `torch.nn.parallel.DistributedDataParallel`, and by making sure all `forward` function outputs participate"
    " in calculating loss."
)


class NoSync:
    """`with ddp.no_sync():` gradients are added up in each process alone; the next backward outside averages the sums."""

    def __init__(self, ddp: DistributedDataParallel):
        self._ddp = ddp
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(self._ddp.require_backward_grad_sync)
        self._ddp.require_backward_grad_sync = False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ddp.require_backward_grad_sync = self._before.pop()


class DistributedDataParallel(Module):
    """A module that every process has and feeds with its own part of the batch; gradients are averaged over the processes.

    Parameters and buffers start as those of process 0. When backward has filled the last gradient, all are averaged, in one message for
    each dtype; a parameter that the loss does not use is an error, unless `find_unused_parameters`. Buffers, such as running statistics,
    are taken from process 0 before each forward while `broadcast_buffers`. The settings of torch's buckets are taken and not needed.
    Raises ValueError before init_process_group, RuntimeError for a module without parameters that require grad.

    See: distributed.init_process_group, nn.DataParallel, distributed.all_reduce

    >>> model = nn.Linear(2, 1)
    >>> if distributed.is_initialized(): model = nn.parallel.DistributedDataParallel(model)
    >>> model(ones(3, 2)).shape
    torch.Size([3, 1])
    """

    names = frozenset(
        "module device_ids output_device dim broadcast_buffers require_backward_grad_sync no_sync find_unused_parameters".split()
    )

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ):
        wanting = [p for p in module.parameters() if p.requires_grad]
        if not wanting:
            raise TensorError("DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient.")
        self._group = meant(process_group)
        places = {p.spec.device for p in module.parameters()}
        if device_ids and (len(device_ids) > 1 or places != {device_of(device_ids[0])}):
            raise TensorValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with single-device/multiple-device GPU modules or CPU modules,"
                f" but got device_ids {list(device_ids)}, output_device {output_device}, and module parameters {places}."
            )
        self.module, self.dim = module, dim
        self.device_ids = list(device_ids) if device_ids else None
        self.output_device = output_device if output_device is not None or not device_ids else device_ids[0]
        self.broadcast_buffers, self.find_unused_parameters = broadcast_buffers, find_unused_parameters
        self.require_backward_grad_sync = True
        self._wanting = wanting
        self._waiting: set[int] | None = None  # parameters whose gradient is not there yet; None while gradients are not averaged
        self._begun = False  # whether some are there
        if init_sync:
            self._copy([*module.parameters(), *module.buffers()])
        for p in wanting:
            p.register_post_accumulate_grad_hook(self._arrived)

    def no_sync(self) -> NoSync:
        """A context in which backward leaves the gradients of this process alone."""
        return NoSync(self)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The module's result on this process's part."""
        averaging = is_grad_enabled() and self.require_backward_grad_sync
        if averaging and self._begun:
            raise TensorError(_UNFINISHED)
        if self.require_backward_grad_sync and self.broadcast_buffers:
            self._copy(list(self.module.buffers()))
        if self.device_ids:
            dealt, named = scatter_both(inputs, kwargs, self.device_ids, self.dim)
            result = self.module(*dealt[0], **named[0]) if dealt else self.module()
        else:
            result = self.module(*inputs, **kwargs)
        self._waiting = None
        if averaging:
            self._waiting = {id(p) for p in self._wanting}
            if self.find_unused_parameters:
                self._waiting &= _used_by(result)
        return result

    def _copy(self, tensors: list[Tensor]) -> None:
        """Give tensors the values they have in the group's first process."""
        for t in tensors:
            collectives.broadcast(t.detach(), self._group.ranks[0], self._group)

    def _arrived(self, p: Tensor) -> None:
        """One gradient is there; after the last all are averaged."""
        if self._waiting is None:
            return
        self._waiting.discard(id(p))
        self._begun = True
        if not self._waiting:
            self._waiting, self._begun = None, False
            with no_grad():
                self._average([p.grad for p in self._shared()])

    def _shared(self) -> list[Parameter]:
        """The parameters that have a gradient in some process; those that have none here get zeros."""
        if not self.find_unused_parameters:
            return self._wanting
        used = data.tensor([int(p.grad is not None) for p in self._wanting])
        collectives.all_reduce(used, SUM, self._group)
        shared = [p for p, count in zip(self._wanting, used.tolist(), strict=True) if count]
        for p in shared:
            if p.grad is None:
                p.grad = OPS["zeros_like"].call(p.detach())
        return shared

    def _average(self, grads: list[Any]) -> None:
        """Replace gradients by their mean over the processes: one message for each dtype and device."""
        kinds = dict.fromkeys((grad.spec.dtype, grad.spec.device) for grad in grads)
        for kind in kinds:
            own = [grad for grad in grads if (grad.spec.dtype, grad.spec.device) == kind]
            flat = OPS["cat"].call([grad.detach().reshape(-1) for grad in own]) * (1 / self._group.size())
            collectives.all_reduce(flat, SUM, self._group)
            for grad, part in zip(own, flat.split([grad.spec.numel for grad in own]), strict=True):
                grad.detach().copy_(part.view(grad.shape))


def _used_by(result: Any) -> set[int]:
    """The ids of the leaves that the tensors of a result come from."""
    roots = [t.node for t in flatten(result)[0] if isinstance(t, Tensor) and t.node is not None]
    leaves = [node.variable for node in below(roots) if isinstance(node, AccumulateGrad)]
    return {id(leaf) for leaf in leaves if leaf is not None}


def attributes() -> dict[type, frozenset[str]]:
    """Attributes a program may read, by the exact type of the value."""
    return {DistributedDataParallel: PUBLIC_NAMES | DistributedDataParallel.names, NoSync: frozenset()}
