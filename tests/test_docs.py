"""Every transcript in README, CONTRIBUTING and docs is what running it prints; TCALC_UPDATE_DOCS=1 writes them anew.

Blocks marked `console` are shell commands after `$ `, run in one folder per file; blocks marked `tcalc` are the prompt, a session each;
`pycon` is Python; `python` blocks are quoted from tcalc's sources, word for word.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import click
import pytest

from tcalc.cli.commands import COMMANDS, usage
from tcalc.cli.options import Settings, command
from tcalc.cli.panel_view import PanelView
from tcalc.cli.preferences import PREFERENCES, words_for
from tcalc.cli.repl import Repl
from tcalc.cli.terminal import Screen
from tcalc.lang.parse import is_complete
from tcalc.session.session import Session

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SCREEN = Screen(tty=True, colour=False, unicode=False, plain=False, width=80, height=24)

_BLOCK = re.compile(r"^```(console|tcalc|pycon|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"\d+> ")


def shell(folder: Path) -> Callable[[str], str]:
    """Runs `console` blocks with `tcalc` on PATH, in `folder`."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "tcalc").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tcalc "$@"\n')
    (programs / "tcalc").chmod(0o755)
    work = folder / "work"
    work.mkdir()
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TCALC_HISTORY": "",
    }

    def run(block: str) -> str:
        written = []
        for line, *_ in entries(block, lambda line: line.startswith("$ ")):
            result = subprocess.run(
                ["sh", "-c", line.removeprefix("$ ")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                cwd=work,
                env=environment,
                timeout=60,
                check=False,
            )
            written.append(f"{line}\n{result.stdout}")
        return "".join(written)

    return run


def prompt(block: str) -> str:
    """Runs a `tcalc` block in a new session, on a screen without colour; blank lines that the prompt leaves at its end are dropped."""
    session = Session(observe=True, show_assigned=True)
    repl = Repl(session, PanelView(SCREEN, SCREEN, at_prompt=True, debug=False))
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        for lines in entries(block, lambda line: _PROMPT.match(line) is not None):
            entry = [_PROMPT.sub("", lines[0], count=1)]
            for line in lines[1:]:
                if is_complete("\n".join(entry)) or not line.startswith(".."):
                    break
                entry.append(line.removeprefix("..").removeprefix(" "))
            print(f"{session.number}> {entry[0]}")
            for line in entry[1:]:
                print(f".. {line}".rstrip())
            repl.enter("\n".join(entry))
    return written.getvalue().rstrip("\n") + "\n"


def entries(block: str, starts: Callable[[str], bool]) -> Iterator[list[str]]:
    """A block's lines, cut before each that `starts` an entry."""
    found: list[str] = []
    for line in block.splitlines():
        if starts(line):
            if found:
                yield found
            found = []
        found.append(line)
    yield found


def python(block: str) -> str:
    """Runs a `pycon` block."""
    written = []
    names: dict[str, object] = {}
    for example in doctest.DocTestParser().get_examples(block):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(example.source, "<example>", "single"), names)
        first, *rest = example.source.splitlines(keepends=True)
        written.append(f">>> {first}" + "".join(f"... {line}" for line in rest) + output.getvalue())
    return "".join(written)


def quoted(block: str) -> str:
    """A `python` block stands in the sources as it is."""
    assert any(block in path.read_text(encoding="utf-8") for path in (ROOT / "tcalc").rglob("*.py")), block
    return block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_transcripts(page: Path, tmp_path: Path) -> None:
    """The page is what comes of running its blocks."""
    runners = {"console": shell(tmp_path), "tcalc": prompt, "pycon": python, "python": quoted}
    text = page.read_text(encoding="utf-8")
    made = _BLOCK.sub(lambda match: f"```{match[1]}\n{runners[match[1]](match[2])}```", text)
    if os.environ.get("TCALC_UPDATE_DOCS"):
        page.write_text(made, encoding="utf-8")
    assert made == page.read_text(encoding="utf-8")


def test_readme_lists_the_options() -> None:
    """The table names every option, and no other."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = {name for row in re.findall(r"^\| (`-.*?) \|", text, re.MULTILINE) for name in re.findall(r"`(-[-\w]*)", row)}
    context = click.Context(command, **command.context_settings)
    assert listed == {name for option in command.get_params(context) for name in option.opts if name.startswith("-")}


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the table that begins with `heading`."""
    table = page.read_text(encoding="utf-8").partition(heading)[2].partition("\n\n")[0]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()[2:]]


def test_readme_lists_the_commands() -> None:
    """The table has every command of the prompt as `:help` has it."""
    assert rows(ROOT / "README.md", "| command |") == [[f"`{usage(each)}`", each.summary] for each in COMMANDS]


def test_every_command_is_told_of() -> None:
    """docs/prompt.md says something of each."""
    text = (ROOT / "docs" / "prompt.md").read_text(encoding="utf-8")
    assert [
        each.name
        for each in COMMANDS
        if f":{each.name}" not in text and not {f":{word}" for word in each.aliases} & set(re.findall(r":\w+", text))
    ] == []


def test_settings_are_listed() -> None:
    """The table has every setting with its values and default."""
    settings = Settings()
    assert rows(ROOT / "docs" / "prompt.md", "| setting |") == [
        [f"`{each.name}`", each.takes, f"`{words_for(getattr(settings, each.name))}`", each.summary] for each in PREFERENCES
    ]


@pytest.mark.parametrize("name", ["docs/operations.md", "docs/tcalc.1"])
def test_what_is_written_by_a_script_is_up_to_date(name: str) -> None:
    """scripts/build_docs.py writes these from the registry and from the options."""
    found = spec_from_file_location("build_docs", ROOT / "scripts" / "build_docs.py")
    assert found is not None
    assert found.loader is not None
    script = module_from_spec(found)
    found.loader.exec_module(script)
    text = script.WRITTEN[name]()
    if os.environ.get("TCALC_UPDATE_DOCS"):
        (ROOT / name).write_text(text, encoding="utf-8")
    assert text == (ROOT / name).read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    """Every relative link names a file of the repository."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
