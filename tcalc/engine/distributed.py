"""torch.distributed: joining the processes that mpiexec started, who is who, and groups; names and sentences are torch's.

"gloo" and "mpi" both mean the host's arrays by MPI, and tensors of GPUs are copied to the host for it; "nccl" means GPUs by NCCL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import transports
from .backend import simulated
from .errors import TensorAssertion, TensorError, TensorTypeError, TensorValueError
from .transports import Gpus, Hosts, Work


class RedOpType:
    """A way to combine the tensors of several processes.

    See: distributed.all_reduce

    >>> distributed.ReduceOp.SUM
    <RedOpType.SUM: 0>
    """

    def __init__(self, name: str, number: int, mpi: str):
        self.name, self.value, self.mpi = name, number, mpi

    def __repr__(self) -> str:
        return f"<RedOpType.{self.name}: {self.value}>"


_NAMED = (
    ("SUM", "SUM"),
    ("AVG", "SUM"),
    ("PRODUCT", "PROD"),
    ("MIN", "MIN"),
    ("MAX", "MAX"),
    ("BAND", "BAND"),
    ("BOR", "BOR"),
    ("BXOR", "BXOR"),
)
REDUCE_OPS = {name: RedOpType(name, number, mpi) for number, (name, mpi) in enumerate(_NAMED)}
SUM, AVG = REDUCE_OPS["SUM"], REDUCE_OPS["AVG"]


class ProcessGroup:
    """Some of the processes; `distributed.group.WORLD` is all of them.

    See: distributed.new_group, distributed.init_process_group

    >>> if distributed.is_initialized(): distributed.get_rank(distributed.group.WORLD)
    """

    def __init__(self, hosts: Hosts | None, gpus: Gpus | None, name: str, ranks: list[int]):
        self.become(hosts, gpus, name, ranks)

    def __repr__(self) -> str:
        return f"<torch.distributed.distributed_c10d.ProcessGroup object at {id(self):#x}>"

    def become(self, hosts: Hosts | None, gpus: Gpus | None, name: str, ranks: list[int]) -> None:
        """Stand for these processes from now on."""
        self.hosts, self.gpus, self.backend, self.ranks = hosts, gpus, name, ranks

    def rank(self) -> int:
        """The own number in the group, -1 in a process outside."""
        return -1 if self.hosts is None else self.hosts.rank

    def size(self) -> int:
        """How many processes are in it, -1 in a process outside."""
        return -1 if self.hosts is None else self.hosts.size

    def number(self, rank: int, call: str) -> int:
        """The number in the group of a process, given by its number among all.

        Raises RuntimeError, with torch's sentence, for a process that is not in it.
        """
        if rank not in self.ranks:
            raise TensorError(f"ProcessGroupGloo::{call}: invalid root rank: {rank}", call)
        return self.ranks.index(rank)


WORLD = ProcessGroup(None, None, "", [])  # filled by init_process_group
BACKENDS = ("gloo", "mpi", "nccl")


def is_available() -> bool:
    """Whether the names of this namespace exist: always.

    See: distributed.init_process_group, distributed.is_initialized

    >>> distributed.is_available()
    True
    """
    return True


def is_initialized() -> bool:
    """Whether init_process_group was called.

    See: distributed.init_process_group

    >>> distributed.is_initialized()
    False
    """
    return WORLD.hosts is not None


def init_process_group(
    backend: str | None = None, init_method: str | None = None, timeout: Any = None, world_size: int = -1, rank: int = -1, **ignored: Any
) -> None:
    """Join the processes that mpiexec started: `mpiexec -n 2 tcalc -f ddp.tc`.

    `backend` is "gloo" or "mpi" (the host), or "nccl" (GPUs, where tensors of the host go by MPI as well). The launcher knows rank and
    world size; what is given must agree. Raises RuntimeError in a process that no launcher started, ValueError for other values.

    See: nn.parallel.DistributedDataParallel, distributed.all_reduce, distributed.get_rank

    >>> rank = distributed.get_rank() if distributed.is_initialized() else 0
    >>> rank
    0
    """
    if is_initialized():
        raise TensorValueError("trying to initialize the default process group twice!")
    kinds = {each.rpartition(":")[2] for each in (backend or "gloo").lower().split(",")}
    for kind in kinds:
        if kind not in BACKENDS:
            raise TensorValueError(f"init_process_group: the backends are {', '.join(BACKENDS)}, not '{kind}'")
    if init_method not in (None, "env://"):
        raise TensorValueError(f"init_process_group: mpiexec has connected the processes: leave out init_method='{init_method}'")
    taken = {"group_name", "pg_options", "device_id"} | ({"store"} if ignored.get("store") is None else set())
    unknown = [name for name in ignored if name not in taken]
    if unknown:
        raise TensorTypeError(f"init_process_group() got an unexpected keyword argument '{unknown[0]}'")
    hosts = Hosts(transports.mpi().COMM_WORLD)
    for name, given, found in (("world_size", world_size, hosts.size), ("rank", rank, hosts.rank)):
        if given not in (-1, found):
            raise TensorValueError(f"init_process_group: {name}={given}, but mpiexec says {found}; leave it out")
    _begin(hosts, "nccl" if "nccl" in kinds else backend or "gloo")


def _begin(hosts: Hosts, name: str) -> None:
    gpus = Gpus(hosts) if name == "nccl" and not simulated() else None  # a stand-in's arrays go by MPI
    WORLD.become(hosts, gpus, name, list(range(hosts.size)))


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leave the processes: all must. Afterwards there may be a new beginning.

    Raises AssertionError when there is no group.

    See: distributed.init_process_group

    >>> if distributed.is_initialized(): distributed.destroy_process_group()
    """
    if not is_initialized():
        raise TensorAssertion("Process group cannot be None", "destroy_process_group")
    if group is None or group is WORLD:
        barrier()
        WORLD.become(None, None, "", [])


def abandon(status: int) -> None:
    """End all processes: this one failed, and the others would wait for it for ever."""
    if WORLD.hosts is not None:
        WORLD.hosts.comm.Abort(status)


def meant(group: ProcessGroup | None) -> ProcessGroup:
    """The group that is meant.

    Raises ValueError with torch's sentence before init_process_group.
    """
    if not is_initialized():
        raise TensorValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return WORLD if group is None else group


def barrier(group: ProcessGroup | None = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait until every process of a group has come here.

    Raises ValueError before init_process_group.

    See: distributed.all_reduce

    >>> if distributed.is_initialized(): distributed.barrier()
    """
    hosts = meant(group).hosts
    if hosts is None:
        return None
    work = hosts.barrier()
    if async_op:
        return work
    work.wait()
    return None


def get_rank(group: ProcessGroup | None = None) -> int:
    """The number of this process in a group, from 0; -1 outside of it.

    Raises ValueError before init_process_group.

    See: distributed.get_world_size, distributed.get_node_local_rank

    >>> distributed.get_rank() if distributed.is_initialized() else 0
    0
    """
    return meant(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """How many processes are in a group; -1 outside of it.

    Raises ValueError before init_process_group.

    See: distributed.get_rank

    >>> distributed.get_world_size() if distributed.is_initialized() else 1
    1
    """
    return meant(group).size()


def get_backend(group: ProcessGroup | None = None) -> str:
    """The backend that was asked for.

    Raises ValueError before init_process_group.

    See: distributed.init_process_group

    >>> if distributed.is_initialized(): distributed.get_backend()
    """
    return meant(group).backend


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The number of this process among those of its machine: the GPU to take, as a rule.

    Raises ValueError before init_process_group unless there is a fallback. All processes must call it.

    See: distributed.get_rank, cuda.set_device

    >>> distributed.get_node_local_rank(fallback_rank=0)
    0
    """
    if fallback_rank is not None and not is_initialized():
        return fallback_rank
    hosts = meant(None).hosts
    assert hosts is not None
    near = hosts.comm.Split_type(hosts.mpi.COMM_TYPE_SHARED)
    found = int(near.rank)
    near.Free()
    return found


def new_group(ranks: Sequence[int] | None = None, timeout: Any = None, backend: str | None = None) -> ProcessGroup:
    """Some of the processes as a group; all processes must call it, with the same ranks.

    Raises ValueError before init_process_group and for a rank that no process has or that is given twice, RuntimeError with the backend
    "nccl", which knows all processes only.

    See: distributed.all_reduce

    >>> if distributed.is_initialized(): pair = distributed.new_group([0, 1])
    """
    world = meant(None)
    assert world.hosts is not None
    if world.gpus is not None:
        raise TensorError("new_group: with the backend nccl there is one group, of all processes", "new_group")
    chosen = sorted(range(world.size()) if ranks is None else ranks)
    if len(set(chosen)) != len(chosen):
        raise TensorValueError(f"ranks list must not contain duplicate entries, got {chosen}", "new_group")
    for rank in chosen:
        if rank not in world.ranks:
            raise TensorValueError(
                f"Rank {rank} is out of range. Valid ranks are 0 to {world.size() - 1} (world_size={world.size()})", "new_group"
            )
    return ProcessGroup(world.hosts.group(chosen), None, backend or world.backend, chosen)
