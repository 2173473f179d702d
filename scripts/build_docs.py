"""Write what of the documentation comes from the program itself: docs/operations.md (every operation) and docs/tcalc.1 (the man page).

    python scripts/build_docs.py

tests/test_docs.py says when they are out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import click

from tcalc import __version__
from tcalc.cli.options import command
from tcalc.session.help import UnknownName, contents, pages
from tcalc.session.page import HelpPage

HEAD = """\
# Operations

What `?NAME` says at the prompt in short: how an operation is called, what it gives, and whether a gradient flows through it. In place forms
(`x.add_(1)`), operators and `out=` are told by `?NAME`, which has an example of each, too. `scripts/build_docs.py` wrote this page.
"""


def operations() -> str:
    """docs/operations.md."""
    parts = [HEAD]
    for title, names in contents().lists:
        if title not in ("words", "notes"):
            lines = [entry for name in names for entry in [_entry(name, title)] if entry]
            if lines:
                heading = title.removesuffix(".NAME") if title.endswith(".NAME") else title[:1].upper() + title[1:]
                parts.append(f"\n## {heading}\n\n" + "".join(f"{line}\n" for line in lines))
    return "".join(parts)


def _entry(name: str, title: str) -> str:
    namespace = title.removesuffix(".NAME") if title.endswith(".NAME") else ""
    try:
        page = pages(f"{namespace}.{name}" if namespace else name, {})[0]
    except UnknownName:
        return ""
    heads = "; ".join(f"`{head}`" for head in page.heads)
    also = f" Also {', '.join(f'`{each}`' for each in page.also)}." if page.also else ""
    return f"- {heads}: {_sentence(page.summary)}{also}{_gradient(page)}{_on_cuda(page)}"


def _on_cuda(page: HelpPage) -> str:
    return f" On cuda {_sentence(page.cuda)}" if page.cuda else ""


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _gradient(page: HelpPage) -> str:
    told = "; ".join(f"{name} {text}".strip() for name, text in page.grad)
    return f" Gradient: {_sentence(told)}" if told and not told.startswith("none: a new leaf") else ""


# --- the man page -----------------------------------------------------------------------------------------------------


def man_page() -> str:
    """docs/tcalc.1."""
    context = click.Context(command, info_name="tcalc", **command.context_settings)
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    about, *more, status = paragraphs
    lines = [
        f'.TH TCALC 1 "" "tcalc {__version__}" "User commands"',
        ".SH NAME",
        f"tcalc \\- {_roff(about[:1].lower() + about[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        ".B tcalc",
        "[\\fIOPTION\\fR]... [\\fIEXPRESSION\\fR]...",
        ".SH DESCRIPTION",
    ]
    for paragraph in more:
        lines += [".PP", _roff(paragraph)]
    lines.append(".SH OPTIONS")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            lines += [".TP", f".B {_roff(record[0])}", _roff(" ".join(record[1].split()))]
    lines += [".SH EXIT STATUS", _roff(status.removeprefix("Exit status: ")), ".SH ENVIRONMENT"]
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and parameter.allow_from_autoenv and parameter.expose_value:
            lines += [".TP", f".B TCALC_{str(parameter.name).upper()}", f"the default of {_roff(max(parameter.opts, key=len))}"]
    lines += [
        ".TP", ".B TCALC_HISTORY", "the history file of the prompt; empty: none",
        ".TP", ".B NO_COLOR, FORCE_COLOR, ACCESSIBLE", _roff("without colour, with colour, and --plain, when they are not empty"),
        ".SH FILES",
        ".TP", ".I $XDG_CONFIG_HOME/tcalc/config.toml", _roff("settings, as :set --save writes them (by default below ~/.config)"),
        ".TP", ".I $XDG_STATE_HOME/tcalc/history", _roff("what was entered at the prompt (by default below ~/.local/state)"),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    """Text as roff has it: no letter of it is a command."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"^\.", r"\\&.", escaped)


WRITTEN = {"docs/operations.md": operations, "docs/tcalc.1": man_page}


def main() -> None:
    """Write both."""
    for name, text in WRITTEN.items():
        (ROOT / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
