"""Programs that hypothesis makes up from the grammar: an answer or one line, never a traceback, a crash, a hang or a file.

A few hundred in each run, the same ones each time; TCALC_FUZZ=100000 asks for more, and for new ones. scripts/fuzz_atheris.py runs the same
programs guided by coverage.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from types import FrameType, ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcalc import budget
from tcalc.lang import namespaces
from tcalc.lang.errors import Exit
from tcalc.session.session import Session

pytest.importorskip("numpy")

EXAMPLES = int(os.environ.get("TCALC_FUZZ", "300"))
SLOW = 10.0  # seconds that no program of a few lines may take

NAMES = st.sampled_from(
    "a b c x y t m f i torch np nn F math print len range str int float list tuple dict set sum max min sorted zip map filter type isinstance repr hasattr iter next".split()
)
FUNCTIONS = st.sampled_from([name for name in namespaces.namespace("torch").names() if name not in ("exit", "quit")])
METHODS = st.sampled_from(
    "sum mean view reshape T shape grad backward item tolist numpy apply_ map_ resize_ set_ as_strided unfold expand requires_grad_ register_hook detach clone copy_ index_put_ "
    "scatter_ gather append pop items keys update format join replace split __class__ _x args real imag data grad_fn dtype device".split()
)
SOURCES = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "2",
        "1.5",
        "1e308",
        "1j",
        "10**9",
        "2**70",
        "None",
        "True",
        "'a'",
        "''",
        "'{}'",
        "inf",
        "nan",
        "[]",
        "[1, 2]",
        "(1,)",
        "{}",
        "{'a': 1}",
        "...",
        "float32",
        "'cpu'",
        "'meta'",
        "ones(2)",
        "ones(2, 3, requires_grad=True)",
        "tensor([1, 2])",
        "tensor([True])",
        "tensor(1j)",
        "zeros(0)",
        "arange(6.)",
        "nn.Linear(2, 2)",
        "np.ones(2)",
        "lambda v: v",
        "lambda *v: v",
        "range(3)",
        "slice(1)",
    ]
)
OPERATORS = st.sampled_from("+ - * / // % ** @ & | ^ << >> == != < <= > >= in and or is not_in is_not".split()).map(
    lambda sign: sign.replace("_", " ")
)


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(st.one_of(inner, st.builds("{}={}".format, NAMES, inner), st.builds("*{}".format, inner)), max_size=3).map(
        ", ".join
    )
    return st.one_of(
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("({}{})".format, st.sampled_from(["-", "~", "not ", "+"]), inner),
        st.builds("{}({})".format, FUNCTIONS, arguments),
        st.builds("torch.{}({})".format, FUNCTIONS, arguments),
        st.builds("{}({})".format, inner, arguments),
        st.builds("{}.{}".format, inner, METHODS),
        st.builds("{}.{}({})".format, inner, METHODS, arguments),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[{}:{}]".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({}, {})".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("[{} for {} in {}]".format, inner, NAMES, inner),
        st.builds("{{{} for {} in {} if {}}}".format, inner, NAMES, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("(lambda {}: {})".format, NAMES, inner),
        st.builds("({} := {})".format, NAMES, inner),
        st.builds("f'{{{}!r:{}}}'".format, NAMES, st.sampled_from(["", ">10", ".3f", "{x}", "1000000000"])),
    )


EXPRESSIONS = st.recursive(st.one_of(SOURCES, NAMES), _expressions, max_leaves=6)


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.split("\n"))


def _statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = inner.map(_indented)
    return st.one_of(
        st.builds("{} = {}".format, NAMES, EXPRESSIONS),
        st.builds("{}, {} = {}".format, NAMES, NAMES, EXPRESSIONS),
        st.builds("{}.{} = {}".format, NAMES, METHODS, EXPRESSIONS),
        st.builds("{}[{}] = {}".format, NAMES, EXPRESSIONS, EXPRESSIONS),
        st.builds("{} {}= {}".format, NAMES, st.sampled_from("+ - * ** << @ %".split()), EXPRESSIONS),
        st.builds("{}[{}] {}= {}".format, NAMES, EXPRESSIONS, st.sampled_from("+ * **".split()), EXPRESSIONS),
        st.builds("del {}".format, NAMES),
        st.builds("if {}:\n{}".format, EXPRESSIONS, body),
        st.builds("for {} in {}:\n{}".format, NAMES, EXPRESSIONS, body),
        st.builds("with {}:\n{}".format, st.sampled_from(["no_grad()", "x", "torch.inference_mode()", "device('meta')"]), body),
        st.builds(
            "try:\n{}\nexcept {} as {}:\n{}".format, body, st.sampled_from(["Exception", "ValueError", "x", "(TypeError, x)"]), NAMES, body
        ),
        st.builds("try:\n{}\nfinally:\n{}".format, body, body),
        st.builds("def {}({}, *{}):\n{}\n    return {}".format, NAMES, st.just("v"), st.just("w"), body, EXPRESSIONS),
        st.builds("raise {}".format, EXPRESSIONS),
        st.builds("assert {}, {}".format, EXPRESSIONS, EXPRESSIONS),
        st.builds("from {} import {}".format, st.sampled_from(["torch", "os", "torch.nn", "numpy"]), METHODS),
        st.builds("{}".format, EXPRESSIONS),
    )


PROGRAMS = st.lists(st.recursive(EXPRESSIONS, _statements, max_leaves=4), min_size=1, max_size=4).map("\n".join)


class TooSlow(BaseException):
    """A program did not come to an end."""


def too_slow(number: int, frame: FrameType | None) -> None:
    """What the alarm calls."""
    raise TooSlow


def limit() -> None:
    """A quarter of a GiB for each result."""
    budget.limit_memory(1 << 28)


def reset() -> None:
    """All settings that programs can change as they were."""
    Session().run(
        "torch.set_default_dtype(float32); torch.set_default_device('cpu'); torch.set_printoptions(profile='default'); torch.set_grad_enabled(True);"
        " torch.autograd.set_detect_anomaly(False); torch.use_deterministic_algorithms(False); torch.set_float32_matmul_precision('highest')"
    )


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Little memory, and an alarm."""
    limit()
    before = signal.signal(signal.SIGALRM, too_slow)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    budget.limit_memory(None)
    reset()


def run(text: str, *, observe: bool) -> None:
    """Run a program in a session of its own: each error is one line, and no bug."""
    session = Session(observe=observe)
    signal.setitimer(signal.ITIMER_REAL, SLOW)
    try:
        records = session.run(text)
    except Exit:
        return
    except TooSlow:
        raise AssertionError(f"more than {SLOW} seconds") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    for record in records:
        if record.error is not None:
            assert record.error.kind != "internal", record.error.trace
            assert record.error.message
            assert "\n" not in record.error.message


CHECKS = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 300,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@CHECKS
@given(PROGRAMS)
def test_programs(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = os.getcwd()
    before = sorted(os.listdir(folder))
    run(text, observe=False)
    assert sorted(os.listdir(folder)) == before


@CHECKS
@given(PROGRAMS)
def test_programs_at_the_prompt(text: str) -> None:
    run(text, observe=True)


@CHECKS
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    start = time.perf_counter()
    run(text, observe=False)
    assert time.perf_counter() - start < SLOW


def _atheris_script() -> ModuleType:
    """scripts/fuzz_atheris.py, which needs atheris only to run by itself."""
    spec = util.spec_from_file_location("fuzz_atheris", Path(__file__).parents[2] / "scripts" / "fuzz_atheris.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_harness_of_atheris_takes_any_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    """Both kinds of input run, most of the first kind as programs, and what fails is raised with its text."""
    texts: list[str] = []
    tests = ModuleType("tests")
    tests.CHECKS, tests.PROGRAMS, tests.reset = CHECKS, PROGRAMS, reset  # type: ignore[attr-defined]

    def keep(text: str, *, observe: bool) -> None:
        texts.append(text)
        assert "fail here" not in text
        run(text, observe=observe)

    tests.run = keep  # type: ignore[attr-defined]
    feed = _atheris_script().one_input(tests)
    chance = random.Random(0)
    for length in (0, 1, 10, *[400] * 60):
        feed(bytes(chance.randrange(256) for _ in range(length)))
    feed(b"\xff1 + 1")
    assert texts[-1] == "1 + 1"
    assert len({text for text in texts if "\ufffd" not in text}) > 10
    with pytest.raises(AssertionError):
        feed(b"\xfffail here")
    assert capsys.readouterr().err == "--- program\nfail here\n---\n"
