"""How processes exchange arrays: MPI (mpi4py) for arrays of the host, NCCL (CuPy) for those of GPUs. No socket is opened here."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from time import sleep
from typing import Any
from weakref import finalize

from .backend import Array, module_of, nccl, np
from .errors import TensorError

# One of these is in the environment of every process that a launcher of MPI started: Open MPI, MPICH and Intel MPI, PMIx, MVAPICH, Cray.
LAUNCHED = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "MV2_COMM_WORLD_RANK", "PALS_RANKID")
_SPINS = 2000  # looks at a request without a pause before sleeping: a small message takes some microseconds
_PAUSE = 2e-4
_unwaited: list[Any] = []  # requests of MPI whose Work is gone: MPI uses their arrays until they are done


class Work:
    """A communication under way, as `async_op=True` returns it.

    See: distributed.all_reduce, distributed.isend

    >>> if distributed.is_initialized(): distributed.all_reduce(ones(2), async_op=True).wait()
    """

    def __init__(self, test: Callable[[], bool], finish: Callable[[], None]):
        self._test, self._finish = test, finish
        self._done = False

    def __repr__(self) -> str:
        return f"<torch.distributed.distributed_c10d.Work object at {id(self):#x}>"

    def is_completed(self) -> bool:
        """Whether it is done, and its results are there."""
        if not self._done and self._test():
            self._finish()
            self._done = True
        return self._done

    def wait(self) -> bool:
        """Wait until it is done; Ctrl-C and time limits end the wait. Returns True."""
        looks = 0
        while not self.is_completed():
            looks += 1
            if looks > _SPINS:
                sleep(_PAUSE)
        return True


def launched() -> bool:
    """Whether this process was started by a launcher of MPI."""
    return any(name in os.environ for name in LAUNCHED)


def mpi() -> Any:
    """mpi4py's MPI, which starts MPI when it is first imported.

    Raises RuntimeError, with what to do, when the process was not started by a launcher, or mpi4py or its library of MPI is missing.
    """
    if not launched():
        raise TensorError(
            "init_process_group: tcalc opens no connections itself; several processes are started by MPI: mpiexec -n 2 tcalc -f ddp.tc",
            "init_process_group",
        )
    try:
        return importlib.import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:  # mpi4py raises the second where it finds no library of MPI
        what = str(error).splitlines()[0]
        raise TensorError(
            f"init_process_group: several processes need MPI and mpi4py ({what}): pip install 'tcalc[distributed]'", "init_process_group"
        ) from None


class Hosts:
    """The processes of an MPI communicator, exchanging row-major arrays of the host.

    Every method but `group` returns a Work, and the arrays belong to it until that is done. `op` is a name of MPI's: SUM, PROD, MIN, MAX,
    BAND, BOR, BXOR.
    """

    def __init__(self, comm: Any):
        self.comm, self.mpi = comm, mpi()
        self.rank, self.size = int(comm.rank), int(comm.size)

    def group(self, ranks: list[int]) -> Hosts | None:
        """Those of the processes with these ranks, or None in a process that is not among them; all of the processes must ask."""
        comm = self.comm.Create(self.comm.group.Incl(ranks))
        return None if comm == self.mpi.COMM_NULL else Hosts(comm)

    def barrier(self) -> Work:
        """Done when every process has come here."""
        return self._work(self.comm.Ibarrier())

    def all_reduce(self, array: Array, op: str) -> Work:
        """The arrays of all processes, combined in place in each."""
        buffer, name, finish = _reducible(array, op)
        return self._work(self.comm.Iallreduce(self.mpi.IN_PLACE, buffer, op=getattr(self.mpi, name)), finish)

    def reduce(self, array: Array, root: int, op: str) -> Work:
        """The arrays of all processes, combined in place in one."""
        buffer, name, finish = _reducible(array, op)
        how = getattr(self.mpi, name)
        if self.rank == root:
            return self._work(self.comm.Ireduce(self.mpi.IN_PLACE, buffer, op=how, root=root), finish)
        return self._work(self.comm.Ireduce(buffer, None, op=how, root=root), lambda: _keep(buffer))

    def reduce_scatter(self, out: Array, array: Array, op: str) -> Work:
        """The arrays of all processes, combined; `out` gets the piece of the own rank."""
        buffer, name, _ = _reducible(array, op)
        place, _, finish = _reducible(out, op)
        return self._work(self.comm.Ireduce_scatter_block(buffer, place, op=getattr(self.mpi, name)), finish)

    def broadcast(self, array: Array, root: int) -> Work:
        """The array of one process in all."""
        return self._work(self.comm.Ibcast(_bytes(array), root=root), lambda: _keep(array))

    def all_gather(self, out: Array, array: Array) -> Work:
        """The arrays of all processes one after the other, in each."""
        return self._work(self.comm.Iallgather(_bytes(array), _bytes(out)), lambda: _keep(out, array))

    def gather(self, out: Array | None, array: Array, root: int) -> Work:
        """The arrays of all processes one after the other, in one."""
        return self._work(self.comm.Igather(_bytes(array), None if out is None else _bytes(out), root=root), lambda: _keep(out, array))

    def scatter(self, out: Array, array: Array | None, root: int) -> Work:
        """A piece of the array of one process in each."""
        return self._work(self.comm.Iscatter(None if array is None else _bytes(array), _bytes(out), root=root), lambda: _keep(out, array))

    def all_to_all(self, out: Array, array: Array) -> Work:
        """Piece i of every array goes to process i."""
        return self._work(self.comm.Ialltoall(_bytes(array), _bytes(out)), lambda: _keep(out, array))

    def send(self, array: Array, to: int, tag: int) -> Work:
        """The array to one process, which must `recv` it."""
        return self._work(self.comm.Isend(_bytes(array), dest=to, tag=tag), lambda: _keep(array))

    def recv(self, array: Array, source: int | None, tag: int, heard: Callable[[int], None]) -> Work:
        """What one process sends, or with None any; `heard` is told which."""
        status = self.mpi.Status()
        request = self.comm.Irecv(_bytes(array), source=self.mpi.ANY_SOURCE if source is None else source, tag=tag)
        return self._work(request, lambda: heard(int(status.Get_source())), status)

    def _work(self, request: Any, finish: Callable[[], None] = lambda: None, status: Any = None) -> Work:
        if _unwaited:
            _unwaited[:] = [each for each in _unwaited if not self._test(each)]
        work = Work(lambda: self._test(request, status), finish)
        finalize(work, _let_go, request).atexit = False
        return work

    def _test(self, request: Any, status: Any = None) -> bool:
        """Whether MPI is done with a request.

        Raises RuntimeError with MPI's words when it failed: more came than there is room for, or another process is gone.
        """
        try:
            return bool(request.Test(status))
        except self.mpi.Exception as error:
            raise TensorError(f"MPI: {error.Get_error_string().splitlines()[0]}", "distributed") from None


def _let_go(request: Any) -> None:
    """Keep a request that nobody waits for any more, and with it its arrays, while it is not done."""
    if request:
        _unwaited.append(request)


def _keep(*arrays: Array | None) -> None:
    """Nothing; whoever holds the call holds the arrays, which MPI reads and writes meanwhile."""


def _bytes(array: Array) -> Array:
    return array.reshape(-1).view(np.uint8)


def _reducible(array: Array, op: str) -> tuple[Array, str, Callable[[], None]]:
    """(what MPI combines in place of `array`, by which of its operations, what brings the result into `array`).

    Two-byte floats are combined in float32 and rounded once, since not every MPI knows them; bools as bytes, where a sum is "or" and
    a product "and".
    """
    if array.dtype == np.bool_:
        return array.view(np.uint8), {"SUM": "MAX", "PROD": "MIN"}.get(op, op), lambda: _keep(array)
    if array.dtype.itemsize == 2 and array.dtype.kind not in "iu":
        wide = array.astype(np.float32)

        def narrow() -> None:
            array[...] = wide.astype(array.dtype)

        return wide, op, narrow
    return array, op, lambda: _keep(array)


class Gpus:
    """The GPUs of the processes, one each, exchanging row-major arrays of CuPy by NCCL.

    NCCL is set up when the first array comes, on that array's device; the processes tell one another its number by MPI. Work is
    ordered with all other work of the GPU, so that there is nothing to wait for on the host.
    """

    def __init__(self, hosts: Hosts):
        self.rank, self.size = hosts.rank, hosts.size
        self._nccl: Any = None

    def _ready(self) -> Any:
        if self._nccl is None:
            self._nccl = nccl()(self.size, self.rank, use_mpi=True)
        return self._nccl

    def all_reduce(self, array: Array, op: str) -> Work:
        """As `Hosts.all_reduce`; NCCL has no bitwise operations."""
        buffer, name, finish = _reducible(array, op)
        self._ready().all_reduce(buffer, buffer, _nccl_op(name))
        return _queued(finish)

    def reduce(self, array: Array, root: int, op: str) -> Work:
        """As `Hosts.reduce`."""
        buffer, name, finish = _reducible(array, op)
        self._ready().reduce(buffer, buffer, root, _nccl_op(name))
        return _queued(finish) if self.rank == root else _queued()

    def reduce_scatter(self, out: Array, array: Array, op: str) -> Work:
        """As `Hosts.reduce_scatter`."""
        buffer, name, _ = _reducible(array, op)
        place, _, finish = _reducible(out, op)
        self._ready().reduce_scatter(buffer, place, place.size, _nccl_op(name))
        return _queued(finish)

    def broadcast(self, array: Array, root: int) -> Work:
        """As `Hosts.broadcast`."""
        self._ready().broadcast(_bytes(array), root)
        return _queued()

    def all_gather(self, out: Array, array: Array) -> Work:
        """As `Hosts.all_gather`."""
        self._ready().all_gather(_bytes(array), _bytes(out), array.nbytes)
        return _queued()

    def gather(self, out: Array | None, array: Array, root: int) -> Work:
        """As `Hosts.gather`."""
        self._ready().gather(_bytes(array), self._pieces(out, array), root)
        return _queued()

    def scatter(self, out: Array, array: Array | None, root: int) -> Work:
        """As `Hosts.scatter`."""
        self._ready().scatter(self._pieces(array, out), _bytes(out), root)
        return _queued()

    def all_to_all(self, out: Array, array: Array) -> Work:
        """As `Hosts.all_to_all`."""
        self._ready().all_to_all(_bytes(array).reshape(self.size, -1), _bytes(out).reshape(self.size, -1))
        return _queued()

    def _pieces(self, whole: Array | None, piece: Array) -> Array:
        """The array as bytes, a row for each process; where only one process has it, the others get one for CuPy to look at."""
        given = module_of(piece).empty(self.size * piece.nbytes, np.uint8) if whole is None else _bytes(whole)
        return given.reshape(self.size, -1)

    def send(self, array: Array, to: int, tag: int) -> Work:
        """As `Hosts.send`; NCCL knows no tags."""
        self._ready().send(_bytes(array), to)
        return _queued()

    def recv(self, array: Array, source: int | None, tag: int, heard: Callable[[int], None]) -> Work:
        """As `Hosts.recv`.

        Raises RuntimeError without a source: NCCL cannot wait for any.
        """
        if source is None:
            raise TensorError("recv: nccl has to know from which process", "recv")
        self._ready().recv(_bytes(array), source)
        heard(source)
        return _queued()


_NCCL_OPS = {"SUM": "sum", "PROD": "prod", "MIN": "min", "MAX": "max"}


def _nccl_op(op: str) -> str:
    if op not in _NCCL_OPS:
        raise TensorError(f"Cannot use ReduceOp.{op} with NCCL", "distributed")
    return _NCCL_OPS[op]


def _queued(finish: Callable[[], None] = lambda: None) -> Work:
    return Work(lambda: True, finish)
