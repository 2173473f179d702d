"""Every public name has a help page without holes, and what a page shows is what happens."""

from __future__ import annotations

import ast
import builtins
import contextlib
import doctest
import io
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

import tcalc.session
from tcalc.cli.commands import COMMANDS
from tcalc.engine import namespace
from tcalc.engine.random import default_generator
from tcalc.engine.registry import PUBLIC, Public
from tcalc.lang.functions import FUNCTIONS
from tcalc.lang.run import Environment
from tcalc.session.help import UnknownName, contents, pages
from tcalc.session.notes import NON_LEAF_GRAD
from tcalc.session.op_pages import op_page
from tcalc.session.page import HelpPage, run_lines
from tcalc.session.session import Session
from tcalc.session.tensors import memory_of
from tcalc.session.topics import TOPICS

SEED = 0
MEMBERS = [f"{path}.{name}" for path in namespace._TABLES for name in namespace.table(path)]
ATTRIBUTES = [f"Tensor.{name}" for name in namespace.tensor_attributes() if not name.startswith("_")]
OPS = {op.public: PUBLIC[op.public] for public in PUBLIC.values() for op in public.ops if op.function or op.method}


pytestmark = pytest.mark.usefixtures("same_random_numbers")  # each example starts with the same seed


def page(name: str) -> HelpPage:
    """The first page on a name."""
    return pages(name, {})[0]


def sessions(text: str) -> list[doctest.Example]:
    """The statements of an example and what each prints."""
    return doctest.DocTestParser().get_examples(text + "\n")


def printed_by_torch(found: list[doctest.Example]) -> list[str]:
    """What each statement prints in PyTorch, typed as in the language."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(SEED)
    names = vars(torch) | {"torch": torch, "F": torch.nn.functional}
    names |= {name: getattr(builtins, name) for name in ("bool", "float", "int", "range")}
    printed = []
    for example in found:
        buffer = io.StringIO()
        with contextlib.redirect_stdout(buffer), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(example.source, "<example>", "single"), names)
        printed.append(buffer.getvalue())
    return printed


@pytest.mark.parametrize("name", [*MEMBERS, *ATTRIBUTES])
def test_a_public_name_has_a_page_without_holes(name: str) -> None:
    """Signature, summary, example and see also; of an op also shapes, storage and gradient."""
    found = page(name)
    assert found.heads
    assert found.summary.endswith((".", ")")), found.summary
    if found.lists:
        return
    assert found.example
    assert found.see
    last = found.name.rpartition(".")[2].rstrip("_")
    if last in OPS and found.storage and found.name.partition(".")[0] not in ("optim", "func", "autograd"):
        assert found.shapes or found.name in ("Tensor.T", "Tensor.mT", "Tensor.real", "Tensor.imag", "Tensor.to"), "shapes"
        assert found.grad, "grad"


@pytest.mark.parametrize("name", OPS)
def test_an_op_has_no_holes(name: str) -> None:
    found = op_page(OPS[name])
    assert all((found.shapes, found.storage, found.grad, found.example, found.see))
    assert all(" -> " in head for head in found.heads)


@pytest.mark.parametrize("name", sorted({page(name).name for name in (*MEMBERS, *ATTRIBUTES) if page(name).example}))
def test_the_example_of_a_page_prints_what_it_shows(name: str) -> None:
    """In tcalc and in PyTorch."""
    default_generator.manual_seed(SEED)
    found = sessions(page(name).example)
    wanted = [example.want for example in found]
    assert run_lines([example.source for example in found]) == wanted
    assert printed_by_torch(found) == wanted


@pytest.mark.parametrize("name", {topic.name for topic in TOPICS.values()})
def test_the_example_of_a_word_prints_what_it_shows(name: str) -> None:
    found = sessions(TOPICS[name].example)
    wanted = [example.want for example in found]
    assert run_lines([example.source for example in found]) == wanted
    assert printed_by_torch(found) == wanted


def test_what_to_see_also_exists() -> None:
    """Names that a page sends to have a page, or are commands."""
    commands = {f":{command.name}" for command in COMMANDS}
    found = [page(name) for name in {*MEMBERS, *ATTRIBUTES, *TOPICS}]
    wanted = {name.partition(" (")[0] for each in found for name in each.see}
    missing = sorted(name for name in wanted if name.startswith(":") and name not in commands)
    for name in sorted(wanted):
        if not name.startswith(":"):
            try:
                pages(name, {})
            except UnknownName:
                missing.append(name)
    assert missing == []


def shares(public: Public) -> list[bool]:
    """For each call of an op in its examples that has a tensor as its first argument: whether a result shows that tensor's memory."""
    answers = []
    for op in public.ops:
        environment = Environment()
        for example in doctest.DocTestParser().get_examples(op.doc):
            for call in ast.walk(ast.parse(example.source)):
                if isinstance(call, ast.Call):
                    answers += answer(call, public.name, environment)
            run(environment, example.source)
    return answers


def run(environment: Environment, source: str) -> Any:
    """Run a statement; the value of `_found` after it."""
    from tcalc.lang.compile import compile_statement
    from tcalc.lang.parse import parse

    for statement in parse(source):
        environment.run(compile_statement(statement), lambda value: None, lambda text: None)
    return environment.variables.get("found_")


def answer(call: ast.Call, name: str, environment: Environment) -> list[bool]:
    """Run one call with its first tensor bound to a name."""
    function, arguments = call.func, list(call.args)
    if isinstance(function, ast.Attribute) and function.attr == name and not isinstance(function.value, (ast.Name, ast.Attribute)):
        first, called = function.value, f"first_.{name}"
    elif getattr(function, "attr", getattr(function, "id", None)) == name and arguments:
        first, called = arguments.pop(0), f"{ast.unparse(function)}"
        arguments.insert(0, ast.Name("first_"))
    else:
        return []
    given = ", ".join(ast.unparse(each) for each in (*arguments, *call.keywords))
    tensor = run(environment, f"first_ = {ast.unparse(first)}\nfound_ = first_")
    result = run(environment, f"found_ = {called}({given})")
    results = result if isinstance(result, tuple) else (result,)
    if not hasattr(tensor, "get_storage") or not all(hasattr(each, "get_storage") for each in results):
        return []
    return [any(memory_of(each) is memory_of(tensor) for each in results)]


@pytest.mark.parametrize("name", [name for name in OPS if not name.endswith("_")])
def test_a_page_says_truly_whether_memory_is_shared(name: str) -> None:
    storage = op_page(OPS[name]).storage
    found = shares(OPS[name])
    if "else" in storage or ";" in storage:  # it depends
        return
    assert set(found) <= {storage.startswith(("shares", "the tensor itself", "written"))}, storage


def test_the_table_of_sharing_is_looked_at() -> None:
    """The test above sees results of both kinds."""
    answers = [each for public in OPS.values() for each in shares(public)]
    assert answers.count(True) > 15
    assert answers.count(False) > 150


@pytest.mark.parametrize("name", ["sum", "split", "max", "sort", "where", "unbind", "cat"])
def test_a_page_says_what_comes_back(name: str) -> None:
    """As many kinds of results as the overloads of the op give."""
    heads = [head.partition(" -> ")[2] for head in page(name).heads]
    assert (
        heads
        == {
            "sum": ["Tensor", "Tensor"],
            "split": ["tuple of Tensors"],
            "max": ["Tensor", "Tensor", "(values, indices)"],
            "sort": ["(values, indices)", "(values, indices)"],
            "where": ["tuple of Tensors", "Tensor"],
            "unbind": ["tuple of Tensors"],
            "cat": ["Tensor"],
        }[name]
    )


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("cat", "cat"),
        ("concat", "cat"),
        ("torch.cat", "cat"),
        ("cat()", "cat"),
        ("x.view", "Tensor.view"),
        ("view", "Tensor.view"),
        ("Tensor.add_", "Tensor.add_"),
        ("nn.functional.cross_entropy", "nn.functional.cross_entropy"),
        ("F.silu", "nn.functional.silu"),
        ("silu", "nn.functional.silu"),
        ("nn.Linear", "nn.Linear"),
        ("Linear", "nn.Linear"),
        ("nn.Linear.parameters", "Linear.parameters"),
        ("optim.SGD", "optim.SGD"),
        ("torch.func.grad", "func.grad"),
        ("float", "float32"),
        ("dtype promotion", "dtype-promotion"),
        ("in place", "in-place"),
        ("grad_fn", "Tensor.grad_fn"),
        ("broadcast-grow", "broadcast-grow"),
        ("np.zeros", "numpy.zeros"),
        ("math.sin", "math.sin"),
        ("len", "len"),
        ("nn", "torch.nn"),
    ],
)
def test_names_are_found_as_users_write_them(asked: str, name: str) -> None:
    assert page(asked).name == name


def test_a_word_that_is_also_a_name_has_both_pages() -> None:
    assert [each.name for each in pages("view", {})] == ["Tensor.view", "view"]


def test_a_variable_comes_first() -> None:
    session = Session()
    session.run("x = ones(2, 3); cat = 1; model = nn.Linear(2, 1)\ndef f(a, *, b=2): return a\n")
    found = session.env.variables
    assert pages("x", found)[0].summary == "A variable of this session: Tensor, float32 (2, 3)."
    assert [each.name for each in pages("cat", found)] == ["cat", "cat"]
    assert pages("f", found)[0].heads == ("f(a, *, b=2)",)
    assert pages("x.view", found)[0].name == "Tensor.view"
    assert pages("model.parameters", found)[0].heads == ("Linear.parameters(recurse=True)",)
    assert "?nn.Linear" in pages("model", found)[0].see


@pytest.mark.parametrize(
    ("asked", "near"),
    [("catt", "?cat"), ("nn.Liner", "?Linear"), ("x.vieww", "?view"), ("strid", "?stride"), ("broadcast-grw", "?broadcast-grow")],
)
def test_an_unknown_name_gets_a_suggestion(asked: str, near: str) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean \\{near}"):
        pages(asked, {})


@pytest.mark.parametrize("asked", ["x+1", "_base", "x._version", "a.b.c", "1", "tcalc", "x.__class__"])
def test_what_has_no_page(asked: str) -> None:
    with pytest.raises(UnknownName):
        pages(asked, {})


def test_the_contents_list_every_op() -> None:
    listed = {name for _, names in contents().lists for name in names}
    shown = {op.short for public in OPS.values() for op in public.ops if op.short in namespace.table(op.namespace)}
    assert shown <= listed
    assert not {"inner_vectors", "linalg_matmul", "psi"} & listed
    assert {topic.name for topic in TOPICS.values()} <= listed


def test_every_note_has_a_page() -> None:
    """Those that the sources of the session layer name."""
    sources = [path.read_text(encoding="utf-8") for path in Path(tcalc.session.__file__).parent.glob("*.py")]
    idents = {ident for source in sources for ident in re.findall(r"\bNote\(\s*\"([a-z-]+)\"", source)} | {NON_LEAF_GRAD}
    assert {ident for ident in idents if ident not in TOPICS or not TOPICS[ident].note} == set()


def test_every_page_is_ascii() -> None:
    """So that it is the same on every terminal."""
    for name in {*MEMBERS, *ATTRIBUTES, *TOPICS, *FUNCTIONS}:
        assert all(repr(each).isascii() for each in pages(name, {})), name
