"""What torch.distributed holds, and which attributes of its values a program may read."""

from __future__ import annotations

from typing import Any

from . import collectives, distributed
from .namespace import Sub
from .transports import Work


def functions() -> dict[str, Any]:
    """torch.distributed."""
    found = (
        distributed.is_available, distributed.is_initialized, distributed.init_process_group, distributed.destroy_process_group, distributed.get_rank,
        distributed.get_world_size, distributed.get_backend, distributed.get_node_local_rank, distributed.new_group, distributed.barrier,
    )  # fmt: skip
    inner = {"ReduceOp": Sub("torch.distributed.ReduceOp"), "group": Sub("torch.distributed.group")}
    return {f.__name__: f for f in found} | collectives.names() | inner


def reduce_ops() -> dict[str, Any]:
    """torch.distributed.ReduceOp."""
    return dict(distributed.REDUCE_OPS)


def groups() -> dict[str, Any]:
    """torch.distributed.group."""
    return {"WORLD": distributed.WORLD}


def attributes() -> dict[type, frozenset[str]]:
    """Attributes a program may read, by the exact type of the value."""
    return {
        distributed.RedOpType: frozenset(("name", "value")),
        distributed.ProcessGroup: frozenset(("rank", "size")),
        Work: frozenset(("wait", "is_completed")),
    }
