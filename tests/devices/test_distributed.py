"""torch.distributed: refused without a launcher, and under mpiexec the results of torch's gloo with two processes."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tcalc
from tcalc.engine import collectives, distributed, transports
from tcalc.engine.errors import TensorError, TensorTypeError, TensorValueError
from tcalc.engine.transports import Gpus, Work

ROOT = Path(__file__).parents[2]
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
    **dict.fromkeys(("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe"), "1"),
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}  # Open MPI runs as root, and two processes on one core, only when it is told to
NOT_STARTED = "Default process group has not been initialized, please make sure to call init_process_group."


def tcalc_run(
    *command: str, program: str, folder: Path, python: bool = False, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """A script run by the command line tool, or by Python, in a fresh process or several."""
    path = folder / "program"
    path.write_text(program)
    clean = {name: value for name, value in os.environ.items() if name not in transports.LAUNCHED}
    full = [*command, sys.executable, *([] if python else ["-m", "tcalc", *options, "-f"]), str(path)]
    return subprocess.run(full, capture_output=True, text=True, timeout=120, cwd=ROOT, env={**clean, **SETTINGS}, check=False)


@pytest.fixture
def two(tmp_path: Path) -> Callable[..., list[list[str]]]:
    """Runs a program in two processes; the lines that each printed, and those of their errors."""
    if MPIEXEC is None:
        pytest.skip("no mpiexec here")
    pytest.importorskip("mpi4py")

    def run(program: str, *, status: int = 0, python: bool = False, options: tuple[str, ...] = ()) -> list[list[str]]:
        text = program if python else HEAD + program
        # a file for each process: the launcher may mix what they print within a line
        done = tcalc_run(
            MPIEXEC, "-n", "2", "sh", "-c", APART, str(tmp_path), program=text, folder=tmp_path, python=python, options=options
        )
        texts = [(tmp_path / f"{kind}.{rank}").read_text() for kind in ("out", "err") for rank in (0, 1)]
        assert done.returncode == status, texts
        return [*(text.splitlines() for text in texts[:2]), "".join(texts[2:]).splitlines()]

    return run


APART = 'rank=${PMI_RANK:-$OMPI_COMM_WORLD_RANK}; exec "$@" > "$0/out.$rank" 2> "$0/err.$rank"'
HEAD = """
import torch
import torch.nn as nn
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel as DDP
dist.init_process_group("gloo")
rank = dist.get_rank()
def say(*what): print(*what)
def tried(call):
  try: call()
  except Exception as error: say(type(error), error)
"""

# --- without a launcher -------------------------------------------------------------------------------------------------


def test_a_program_opens_no_network(tmp_path: Path) -> None:
    """One clear line that says how to start several processes."""
    done = tcalc_run(program='import torch.distributed as dist\ndist.init_process_group("nccl")\n', folder=tmp_path)
    assert done.returncode == 1
    first = done.stderr.splitlines()[0]
    assert "tcalc opens no connections itself" in first
    assert "mpiexec -n 2 tcalc -f ddp.tc" in first


def test_without_mpi4py(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is named with the way to install it."""
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    with pytest.raises(TensorError, match=r"pip install 'tcalc\[distributed\]'"):
        distributed.init_process_group()
    assert not distributed.is_initialized()


def test_before_the_beginning() -> None:
    """torch's sentences; nothing is sent."""
    one = tcalc.ones(1)
    calls: list[Callable[[], Any]] = [
        distributed.get_rank,
        distributed.get_world_size,
        distributed.get_backend,
        distributed.get_node_local_rank,
        distributed.new_group,
        distributed.barrier,
        lambda: collectives.all_reduce(one),
        lambda: collectives.reduce(one),
        lambda: collectives.broadcast(one),
        lambda: collectives.all_gather([one], one),
        lambda: collectives.all_gather_into_tensor(one, one),
        lambda: collectives.gather(one),
        lambda: collectives.scatter(one),
        lambda: collectives.reduce_scatter(one, [one]),
        lambda: collectives.reduce_scatter_tensor(one, one),
        lambda: collectives.all_to_all([one], [one]),
        lambda: collectives.all_to_all_single(one, one),
        lambda: collectives.send(one, 1),
        lambda: collectives.recv(one, 1),
        lambda: collectives.isend(one, 1),
        lambda: collectives.irecv(one),
        lambda: tcalc.nn.parallel.DistributedDataParallel(tcalc.nn.Linear(1, 1)),
    ]
    for call in calls:
        with pytest.raises(TensorValueError, match=f"^{re.escape(NOT_STARTED)}$"):
            call()
    with pytest.raises(AssertionError, match="Process group cannot be None"):
        distributed.destroy_process_group()
    assert distributed.get_node_local_rank(3) == 3
    assert distributed.is_available()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"backend": "xyz"}, "the backends are gloo, mpi, nccl, not 'xyz'"),
        ({"backend": "cpu:gloo,cuda:what"}, "not 'what'"),
        ({"init_method": "tcp://10.0.0.1:23456"}, "leave out init_method='tcp://10.0.0.1:23456'"),
        ({"store": 1}, "unexpected keyword argument 'store'"),
        ({"port": 1}, "unexpected keyword argument 'port'"),
    ],
)
def test_settings_that_make_no_sense(given: dict[str, Any], message: str) -> None:
    """Refused before anything is looked for."""
    with pytest.raises((TensorValueError, TensorTypeError), match=re.escape(message)):
        distributed.init_process_group(**given)


REFUSED = {
    "import torch.multiprocessing": "only torch, numpy and math can be imported",
    "torch.multiprocessing": "a program starts no processes",
    "torch.distributed.TCPStore": "connected by mpiexec only",
    "torch.distributed.all_gather_object": "pickled objects could run code",
    "from torch.distributed import broadcast_object_list": "pickled objects could run code",
    "torch.distributed.fsdp": "nn.parallel.DistributedDataParallel",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_by_name(text: str, tmp_path: Path) -> None:
    """What would start processes, open connections or run pickles."""
    done = tcalc_run(program=f"import torch\n{text}\n", folder=tmp_path)
    assert done.returncode == 1
    assert REFUSED[text] in done.stderr


def test_names_of_the_language(tmp_path: Path) -> None:
    """Imports as torch's tutorials write them."""
    program = """
import torch.distributed as dist
from torch.distributed import ReduceOp, is_initialized
from torch.nn.parallel import DistributedDataParallel as DDP, DataParallel
print(dist.is_available(), is_initialized(), ReduceOp.SUM, dist.ReduceOp.AVG.name, dist.group.WORLD.size())
"""
    done = tcalc_run(program=program, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "True False <RedOpType.SUM: 0> AVG -1\n"), done.stderr


# --- two processes; expected: what torch 2.13 printed with gloo ----------------------------------------------------------


def test_communications(two: Callable[..., list[list[str]]]) -> None:
    """Every communication, in both processes."""
    first, second, _ = two("""
say(dist.get_world_size(), dist.get_backend(), dist.is_initialized(), dist.get_node_local_rank())
def filled(value): return torch.full((2,), float(value))
t = filled(rank); dist.broadcast(t, 1); say(t)
t = filled(rank + 1); dist.reduce(t, 0); say(t)
parts = [torch.zeros(2), torch.zeros(2)]; dist.all_gather(parts, filled(rank + 1)); say(parts)
t = torch.zeros(4); dist.all_gather_into_tensor(t, filled(rank + 1)); say(t)
parts = [torch.zeros(2), torch.zeros(2)] if rank == 0 else None; dist.gather(filled(rank + 1), parts, dst=0); say(parts)
t = torch.zeros(2); dist.scatter(t, [filled(7), filled(8)] if rank == 0 else None, src=0); say(t)
t = torch.zeros(2); dist.reduce_scatter(t, [filled(rank), filled(rank + 1)]); say(t)
t = torch.zeros(2); dist.reduce_scatter_tensor(t, torch.arange(4.) + rank); say(t)
parts = [torch.zeros(1), torch.zeros(1)]; dist.all_to_all(parts, [torch.tensor([10. * rank]), torch.tensor([10. * rank + 1])]); say(parts)
t = torch.zeros(2); dist.all_to_all_single(t, torch.arange(2.) + 10 * rank); say(t)
t = filled(rank + 1); say(dist.send(t, 1) if rank == 0 else dist.recv(t), t)
t = filled(rank + 1); work = dist.isend(t, dst=1, tag=3) if rank == 0 else dist.irecv(t, tag=3); say(work.wait(), work.is_completed(), t)
t = torch.tensor(1. + rank); dist.all_reduce(t); say(t)
t = torch.ones(0); dist.all_reduce(t); say(t)
t = torch.arange(6.).view(2, 3).t(); dist.all_reduce(t); say(t.tolist())
t = torch.arange(6.); dist.all_reduce(t[::2]); say(t)
x = torch.ones(2, requires_grad=True); dist.all_reduce(x); say(x)
work = dist.all_reduce(filled(1), async_op=True); say(type(work), work.wait())
dist.barrier(); say(dist.barrier(async_op=True).wait())
own = dist.new_group([1]); t = torch.ones(1); dist.all_reduce(t, group=own); say(dist.get_rank(own), dist.get_world_size(own), t)
dist.destroy_process_group(); say(dist.is_initialized())
""")
    assert first == [
        "2 gloo True 0",
        "tensor([1., 1.])",
        "tensor([3., 3.])",
        "[tensor([1., 1.]), tensor([2., 2.])]",
        "tensor([1., 1., 2., 2.])",
        "[tensor([1., 1.]), tensor([2., 2.])]",
        "tensor([7., 7.])",
        "tensor([1., 1.])",
        "tensor([1., 3.])",
        "[tensor([0.]), tensor([10.])]",
        "tensor([ 0., 10.])",
        "None tensor([1., 1.])",
        "True True tensor([1., 1.])",
        "tensor(3.)",
        "tensor([])",
        "[[0.0, 6.0], [2.0, 8.0], [4.0, 10.0]]",
        "tensor([0., 1., 4., 3., 8., 5.])",
        "tensor([2., 2.], requires_grad=True)",
        "<class 'torch.distributed.distributed_c10d.Work'> True",
        "True",
        "-1 -1 tensor([1.])",
        "False",
    ]
    assert second == [
        "2 gloo True 1",
        "tensor([1., 1.])",
        "tensor([2., 2.])",
        "[tensor([1., 1.]), tensor([2., 2.])]",
        "tensor([1., 1., 2., 2.])",
        "None",
        "tensor([8., 8.])",
        "tensor([3., 3.])",
        "tensor([5., 7.])",
        "[tensor([1.]), tensor([11.])]",
        "tensor([ 1., 11.])",
        "0 tensor([1., 1.])",
        "True True tensor([1., 1.])",
        *first[13:20],
        "0 1 tensor([1.])",
        "False",
    ]


SUMS = {
    "SUM": "[3, 2, 6]",
    "PRODUCT": "[2, 0, 9]",
    "MIN": "[1, 0, 3]",
    "MAX": "[2, 2, 3]",
    "BAND": "[0, 0, 3]",
    "BOR": "[3, 2, 3]",
    "BXOR": "[3, 2, 0]",
}
BOOLS = {
    "SUM": "[True, True, True]",
    "PRODUCT": "[True, False, True]",
    "MIN": "[True, False, True]",
    "MAX": "[True, True, True]",
    "BAND": "[True, False, True]",
    "BOR": "[True, True, True]",
    "BXOR": "[False, True, False]",
}


def test_operations_by_dtype(two: Callable[..., list[list[str]]]) -> None:
    """What each ReduceOp makes of [1, 0, 3] and [2, 2, 3], and torch's refusals."""
    found, again, _ = two("""
for d in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64):
  for op in (dist.ReduceOp.SUM, dist.ReduceOp.PRODUCT, dist.ReduceOp.MIN, dist.ReduceOp.MAX, dist.ReduceOp.BAND, dist.ReduceOp.BOR, dist.ReduceOp.BXOR, dist.ReduceOp.AVG):
    t = torch.tensor([rank + 1, 2 * rank, 3]).to(d)
    try:
      dist.all_reduce(t, op=op)
      say(d, op.name, t.tolist() if d in (torch.int64, torch.uint8, torch.bool) or op.name == "AVG" else t.real.long().tolist())
    except Exception as error: say(d, op.name, type(error), error)
""")
    assert found == again
    expected = []
    for kind in ("float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool", "complex64"):
        whole = kind in ("int64", "uint8", "bool")
        for op in SUMS:
            if kind == "complex64" and op != "SUM":
                text = f"<class 'ValueError'> all_reduce does not support RedOpType.{op} on complex tensors"
            elif op.startswith("B") and not whole:
                text = f"<class 'RuntimeError'> Cannot use ReduceOp.{op} with non-integral dtype"
            else:
                text = (BOOLS if kind == "bool" else SUMS)[op]
            expected.append(f"torch.{kind} {op} {text}")
        names = {"int64": "Long", "uint8": "Byte", "bool": "Bool"}
        average = "[(1.5+0j), (1+0j), (3+0j)]" if kind == "complex64" else "[1.5, 1.0, 3.0]"
        refused = f"<class 'RuntimeError'> result type Float can't be cast to the desired output type {names.get(kind)}"
        expected.append(f"torch.{kind} AVG {refused if whole else average}")
    assert found == expected


def test_refused_arguments(two: Callable[..., list[list[str]]]) -> None:
    """torch's sentences, before anything is sent."""
    first, _, _ = two("""
one = torch.ones(2)
tried(lambda: dist.init_process_group("gloo"))
tried(lambda: dist.broadcast(one, src=5))
tried(lambda: dist.broadcast(one, src=-1))
tried(lambda: dist.all_gather([one], one))
tried(lambda: dist.all_gather([one.long(), one.long()], one))
tried(lambda: dist.all_gather([torch.ones(3), torch.ones(3)], one))
tried(lambda: dist.all_gather(one, one))
tried(lambda: dist.all_reduce([1]))
tried(lambda: dist.all_reduce(one, op="sum"))
tried(lambda: dist.send(one, dist.get_rank()))
tried(lambda: dist.gather(one, None if rank == 0 else [one, one]))
tried(lambda: dist.scatter(one, None if rank == 0 else [one, one]))
tried(lambda: DDP(nn.ReLU()))
dist.destroy_process_group()
tried(lambda: dist.init_process_group("gloo", world_size=3, rank=0))
""")
    assert first == [
        "<class 'ValueError'> trying to initialize the default process group twice!",
        "<class 'RuntimeError'> ProcessGroupGloo::broadcast: invalid root rank: 5",
        "<class 'RuntimeError'> ProcessGroupGloo::broadcast: invalid root rank: -1",
        "<class 'RuntimeError'> ProcessGroupGloo::allgather: invalid tensor list at index 0 (expected length 2, got 1)",
        "<class 'ValueError'> Invalid usage of tensors with different dtypesFound torch.int64 and  torch.float32",
        "<class 'RuntimeError'> ProcessGroupGloo::allgather: invalid tensor size at index 0 (expected (2), got (3))",
        "<class 'TypeError'> Invalid function argument. Expected parameter `tensor_list` of type List[torch.Tensor]",
        "<class 'TypeError'> Invalid function argument. Expected parameter `tensor` of type torch.Tensor",
        "<class 'TypeError'> all_reduce(): op must be one of distributed.ReduceOp, not str",
        "<class 'ValueError'> Invalid destination rank: destination rank should not be the same as the rank of the current process.",
        "<class 'ValueError'> Argument ``gather_list`` must be specified on destination rank.",
        "<class 'ValueError'> Argument ``scatter_list`` must be specified on source rank.",
        "<class 'RuntimeError'> DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient.",
        "<class 'ValueError'> init_process_group: world_size=3, but mpiexec says 2; leave it out",
    ]


def test_more_than_there_is_room_for(two: Callable[..., list[list[str]]]) -> None:
    """MPI's own words, as torch's kind of error."""
    first, second, _ = two("tried(lambda: dist.send(torch.ones(4), 1) if rank == 0 else dist.recv(torch.zeros(2), 0))")
    assert first == []
    assert len(second) == 1
    assert second[0].startswith("<class 'RuntimeError'> MPI: ")


def test_a_work_that_nobody_waits_for(two: Callable[..., list[list[str]]]) -> None:
    """MPI reads and writes its arrays all the same, so that they stay."""
    first, second, _ = two("""
if rank == 0:
  for i in range(4): work = dist.isend(torch.full((3000000,), float(i)), 1)
  del work
  others = [torch.full((3000000,), -1.) for i in range(6)]
  dist.barrier()
else:
  later = dist.barrier(async_op=True)
  t = torch.zeros(3000000)
  for i in range(4): source = dist.recv(t, 0); say(source, t.min().item(), t.max().item())
  done = later.wait()
""")
    assert (first, second) == ([], [f"0 {i}.0 {i}.0" for i in range(4)])


def test_groups(two: Callable[..., list[list[str]]]) -> None:
    """torch's sentences for ranks that cannot be; who is outside neither sends nor receives."""
    first, second, _ = two("""
tried(lambda: dist.new_group([0, 2]))
tried(lambda: dist.new_group([0, 0]))
g = dist.new_group([0])
if rank: say(dist.isend(torch.ones(1), 0, g), dist.send(torch.ones(1), 0, g), dist.irecv(torch.ones(1), 0, g), dist.recv(torch.ones(1), 0, g))
""")
    assert first == [
        "<class 'ValueError'> Rank 2 is out of range. Valid ranks are 0 to 1 (world_size=2)",
        "<class 'ValueError'> ranks list must not contain duplicate entries, got [0, 0]",
    ]
    assert second == [*first, "None None None -1"]


TRAINING = """
seeded = manual_seed(0 if rank == 0 else 99)
model = DDP(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1)))
seeded = manual_seed(5); x = torch.randn(8, 3); target = torch.randn(8, 1); part = slice(rank * 4, rank * 4 + 4)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
  opt.zero_grad(); loss = nn.functional.mse_loss(model(x[part]), target[part]); loss.backward(); opt.step()
  say(round(loss.item(), 6))
say(model.module[0].weight[0].detach(), model.module[1].running_mean)
say(list(model.state_dict()))
with model.no_sync():
  opt.zero_grad(); nn.functional.mse_loss(model(x[part]), target[part]).backward()
own = model.module[0].weight.grad.clone()
nn.functional.mse_loss(model(x[part]), target[part]).backward()
both = [torch.zeros(4, 3), torch.zeros(4, 3)]
dist.all_gather(both, own)
say(torch.allclose(model.module[0].weight.grad, both[0] + both[1], atol=1e-6), own.equal(model.module[0].weight.grad))
line = DDP(nn.Linear(2, 2))
ignored = line(torch.ones(1, 2))
(line(torch.ones(1, 2) * rank) + line(torch.ones(1, 2))).sum().backward()
say(line.module.weight.grad.tolist(), type(line))
"""


def test_distributed_data_parallel(two: Callable[..., list[list[str]]]) -> None:
    """Losses, weights and running statistics of torch's own DDP with gloo, from the same seeds; then sums that are averaged later."""
    first, second, _ = two(TRAINING)
    assert [float(line) for line in first[:3]] == pytest.approx([0.281635, 0.203606, 0.254524], abs=2e-6)
    assert [float(line) for line in second[:3]] == pytest.approx([0.153304, 0.178705, 0.156426], abs=2e-6)
    weight = "tensor([-0.0160,  0.2905, -0.4872])"
    assert first[3] == f"{weight} tensor([-0.1380, -0.1095, -0.0209, -0.0227])"
    assert second[3] == f"{weight} tensor([-0.1304, -0.1198, -0.0320, -0.0101])"
    kept = [f"module.1.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]
    assert first[4] == str(["module.0.weight", "module.0.bias", *kept, "module.3.weight", "module.3.bias"])
    # gradients of the two passes are the same numbers: their mean over the processes is (2 a + 2 b) / 2
    assert first[5] == second[5] == "True False"
    # two forwards before one backward, and one that has none: the mean of 1 + 0 and 1 + 1
    assert first[6] == second[6] == "[[1.5, 1.5], [1.5, 1.5]] <class 'torch.nn.parallel.distributed.DistributedDataParallel'>"


PATHS = """
import tcalc as torch
from tcalc.engine.nn.modules import Module
dist, nn = torch.distributed, torch.nn
dist.init_process_group("gloo")
rank = dist.get_rank()
class Paths(Module):
    def __init__(self):
        for name in "abc":
            setattr(self, name, nn.Linear(1, 1, bias=False))
    def forward(self, x):
        return self.a(x) if rank == 0 else self.b(x)
for find in (True, False):
    model = nn.parallel.DistributedDataParallel(Paths(), find_unused_parameters=find)
    try:
        for step in range(2):
            model(torch.ones(1, 1) * (rank + 1)).sum().backward()
            print([None if p.grad is None else p.grad.item() for p in model.parameters()])
    except RuntimeError as error:
        print(error)
"""


def test_parameters_that_are_not_used(two: Callable[..., list[list[str]]]) -> None:
    """The mean over those that used them, when asked to look for them; else torch's error in the next forward."""
    first, second, _ = two(PATHS, python=True)
    assert first[:3] == ["[0.5, 1.0, None]", "[1.0, 2.0, None]", "[1.0, None, None]"]
    assert second[:3] == ["[0.5, 1.0, None]", "[1.0, 2.0, None]", "[None, 2.0, None]"]
    assert len(first) == len(second) == 4
    for line in (first[3], second[3]):
        assert line.startswith("Expected to have finished reduction in the prior iteration before starting a new one.")


SIMULATED = """
dist.destroy_process_group()
dist.init_process_group("nccl")
torch.cuda.set_device(dist.get_node_local_rank())
model = DDP(nn.Linear(2, 1).cuda(), device_ids=[rank])
y = model(torch.ones(2, 2) * rank)
y.sum().backward()
say(y.device, model.module.weight.grad, model.device_ids)
t = torch.ones(2, device="cuda"); dist.all_reduce(t); say(t)
parts = [torch.zeros(1, device="cuda"), torch.zeros(1)]; dist.all_gather(parts, torch.tensor([rank + 0.5], device="cuda")); say(parts)
tried(lambda: DDP(nn.Linear(2, 1), device_ids=[0]))
"""


def test_a_gpu_for_each_process(two: Callable[..., list[list[str]]]) -> None:
    """On the stand-in: inputs go to the process's device, tensors of devices are exchanged."""
    first, second, _ = two(SIMULATED, options=("--simulate-cuda", "2"))
    for rank, lines in enumerate((first, second)):
        assert lines[:3] == [
            f"cuda:{rank} tensor([[1., 1.]], device='cuda:{rank}') [{rank}]",
            f"tensor([2., 2.], device='cuda:{rank}')",
            f"[tensor([0.5000], device='cuda:{rank}'), tensor([1.5000])]",
        ]
        assert "but got device_ids [0], output_device" in lines[3]


def test_a_failure_ends_all_processes(two: Callable[..., list[list[str]]]) -> None:
    """One program fails while the other waits for it: both end, with an error."""
    first, _, errors = two("if rank == 1: torch.ones(2) + torch.ones(3)\ndist.all_reduce(torch.ones(2)); say('not reached')", status=1)
    assert first == []
    assert any("do not broadcast" in line for line in errors)


def test_leaving_without_a_word(two: Callable[..., list[list[str]]]) -> None:
    """destroy_process_group may be left out."""
    assert two("t = torch.ones(1); dist.all_reduce(t); say(t)")[:2] == [["tensor([2.])"]] * 2


# --- NCCL: there is none here, but its calls can be looked at ------------------------------------------------------------


class Recorder:
    """Takes the place of CuPy's NCCLBackend and notes what is asked of it."""

    def __init__(self, n_devices: int, rank: int, use_mpi: bool = False):
        self.started = n_devices, rank, use_mpi
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self.calls.append((name, args))


@pytest.mark.usefixtures("two_devices")
def test_nccl_is_asked_as_cupy_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every communication of GPU arrays: the method, and arguments that CuPy's signature takes."""
    monkeypatch.setitem(sys.modules, "cupyx.distributed", SimpleNamespace(NCCLBackend=Recorder))
    gpus: Any = Gpus(SimpleNamespace(rank=0, size=2))  # type: ignore[arg-type]  # all it asks of them
    one, whole = (tcalc.ones(size, device="cuda").a for size in (2, 4))
    heard: list[int] = []
    works: list[Work] = [
        gpus.all_reduce(one, "SUM"),
        gpus.reduce(one, 0, "MAX"),
        gpus.reduce_scatter(one, whole, "PROD"),
        gpus.broadcast(one, 1),
        gpus.all_gather(whole, one),
        gpus.gather(whole, one, 0),
        gpus.gather(None, one, 1),
        gpus.scatter(one, whole, 0),
        gpus.scatter(one, None, 1),
        gpus.all_to_all(whole, whole),
        gpus.send(one, 1, 0),
        gpus.recv(one, 1, 0, heard.append),
        gpus.all_reduce(tcalc.tensor([True], device="cuda").a, "SUM"),
    ]
    assert all(work.wait() for work in works)
    assert heard == [1]
    recorder = gpus._nccl
    assert recorder.started == (2, 0, True)
    names = [name for name, _ in recorder.calls]
    assert (
        names
        == "all_reduce reduce reduce_scatter broadcast all_gather gather gather scatter scatter all_to_all send recv all_reduce".split()
    )
    assert recorder.calls[-1][1][2] == "max"  # bools are added as bytes
    for refused in (lambda: gpus.all_reduce(one, "BXOR"), lambda: gpus.recv(one, None, 0, heard.append)):
        with pytest.raises(TensorError):
            refused()
    pytest.importorskip("cupy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monkeypatch.undo()
        from cupyx.distributed import NCCLBackend
    for name, args in recorder.calls:
        inspect.signature(getattr(NCCLBackend, name)).bind(None, *args)
    inspect.signature(NCCLBackend).bind(2, 0, use_mpi=True)


def test_waiting_asks_again_and_finishes_once() -> None:
    """A Work is tested until it is done, and what follows is done once."""
    answers = iter([False] * 2500 + [True])
    finished: list[int] = []
    work = Work(lambda: next(answers), lambda: finished.append(1))
    assert not work.is_completed()
    assert work.wait()
    assert work.wait()
    assert work.is_completed()
    assert finished == [1]
