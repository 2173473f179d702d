"""Two sessions in one process, each in a thread of its own, do not see each other's modes; nor do threads see half of a file of ops."""

from __future__ import annotations

import subprocess
import sys
from threading import Barrier, Thread

import pytest

from tcalc.session.session import Session

pytest.importorskip("numpy")


def test_modes_belong_to_a_thread() -> None:
    barrier = Barrier(2)
    found: dict[str, list[str]] = {}

    def work(name: str, source: str) -> None:
        session = Session()
        session.run(source)
        barrier.wait(20)
        values: list[str] = []
        for text in ("torch.is_grad_enabled()", "torch.get_default_dtype()", "ones(2).dtype", "str(ones(1) * 1.23456)"):
            record = session.run(text)[-1]
            assert record.error is None
            values += [str(item.value) for item in record.items if hasattr(item, "value")]
        found[name] = values
        barrier.wait(20)

    changed = "torch.set_grad_enabled(False); torch.set_default_dtype(float64); torch.set_printoptions(precision=2)"
    threads = [Thread(target=work, args=("a", changed)), Thread(target=work, args=("b", "1"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert found["a"] == ["False", "torch.float64", "torch.float64", "tensor([1.23])"]
    assert found["b"] == ["True", "torch.float32", "torch.float32", "tensor([1.2346])"]


def test_random_numbers_belong_to_a_thread() -> None:
    """What one session seeds and draws changes nothing for another; each starts somewhere else unless it is told where."""
    barrier = Barrier(2)
    found: dict[str, list[object]] = {}

    def work(name: str, seed: int) -> None:
        session = Session()
        values: list[object] = []
        for text in (f"manual_seed({seed})", "rand(2)", "randn(3)", "initial_seed()", "torch.randperm(4)"):
            barrier.wait(20)
            record = session.run(text)[-1]
            assert record.error is None
            values += [str(item.value) for item in record.items if hasattr(item, "value") and text != f"manual_seed({seed})"]
        found[name] = values

    threads = [Thread(target=work, args=("a", 0)), Thread(target=work, args=("b", 1))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    alone = {}
    for name, seed in (("a", 0), ("b", 1)):
        session = Session()
        records = session.run(f"manual_seed({seed}); rand(2); randn(3); initial_seed(); torch.randperm(4)")
        alone[name] = [str(item.value) for record in records[1:] for item in record.items if hasattr(item, "value")]
    assert found == alone


EAGER = """
import sys, threading, tcalc
from tcalc.engine import registry, waiting
sys.setswitchinterval(1e-6)
x, wrong = tcalc.ones(2, 2), []
names = [file.methods.split()[0] for file in waiting.FILES.values() if file.methods]
def look(turned):
    for name in names[::-1] if turned else names:
        try:
            getattr(x, name)
        except Exception as error:
            wrong.append(repr(error))
    if not all(registry.PUBLIC.values()):
        wrong.append("a name without ops")
threads = [threading.Thread(target=look, args=(i % 2,)) for i in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(names) > 20, wrong[:3])
"""


def test_files_of_ops_are_read_by_one_thread_at_a_time() -> None:
    result = subprocess.run([sys.executable, "-c", EAGER], capture_output=True, text=True, timeout=100, check=False)
    assert (result.stdout, result.stderr) == ("True []\n", "")


def test_the_default_device_belongs_to_a_thread() -> None:
    """What one session sets is not the other's."""
    first = Session()
    assert first.run("set_default_device('meta')")[-1].error is None
    found: list[str] = []

    def work() -> None:
        record = Session().run("ones(2).device")[-1]
        found.extend(str(item.value) for item in record.items if hasattr(item, "value"))

    other = Thread(target=work)
    other.start()
    other.join(60)
    assert first.run("set_default_device('cpu')")[-1].error is None
    assert found == ["cpu"]
