"""The options of the command `tcalc` for click, and the rule that tells an option from an expression."""

from __future__ import annotations

import os
import re
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .. import __version__
from .names import COLOUR_WHEN, DTYPES, FILES_ONLY, FORMATS, PANELS, SHELLS
from .settings import Settings, settings_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_LONG_WORD = re.compile(r"--[A-Za-z][A-Za-z-]*(?:=.*)?\Z", re.DOTALL)
_CLOSE = 0.75  # how alike a mistyped option and a suggested one must be
_DEVICE = re.compile(r"cpu|meta|cuda(?::\d+)?")


class ExpressionCommand(click.Command):
    """A command whose arguments are options only when they are declared or long words; `-ones(3)` is an expression."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Sort `args` into options and expressions before click's own parser sees them."""
        takes_value = {
            name: not (parameter.is_flag or parameter.count)
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            for name in parameter.opts
        }
        options: list[str] = []
        expressions: list[str] = []
        rest = iter(args)
        for argument in rest:
            if argument == "--":
                expressions.extend(rest)
            elif takes_value.get(argument):
                value = next(rest, None)
                if value is None:  # at the end, where click sees that the value is missing
                    return super().parse_args(ctx, [*options, argument])
                options += [argument, value]
            elif argument in takes_value or _LONG_WORD.match(argument):
                options.append(argument)
            else:
                expressions.append(argument)
        return super().parse_args(ctx, [*options, "--", *expressions])


def _check_device(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _DEVICE.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not cpu, cuda, cuda:N or meta.")
    return value


def _check_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    from .limits import size_of

    count = size_of(value)
    if not count:
        raise click.BadParameter(f"{value!r} is no size, such as 500M or 2G.")
    return count


def _check_bindings(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or not path:
            raise click.BadParameter(f"{value!r} is not NAME=FILE.")
        if not name.isidentifier() or iskeyword(name) or name.startswith("_"):
            raise click.BadParameter(f"{name!r} is no name for a variable.")
    return values


class Format(click.Choice[str]):
    """One of FORMATS; what only files can be is told where it goes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format itself."""
        if value in FILES_ONLY:
            self.fail(f"{value} goes into a file: -o FILE.{value}.", param, ctx)
        return super().convert(value, param, ctx)


class BindingFile(click.ParamType):  # type: ignore[type-arg]  # it is generic only from click 8.4 on
    """NAME=FILE, of which the shell completes the file."""

    name = "binding"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Files behind the `=`."""
        from click.shell_completion import CompletionItem

        name, equals, start = incomplete.partition("=")
        if not equals:
            return []
        folder, _, begin = start.rpartition("/")
        place = folder if folder or not start.startswith("/") else "/"
        try:
            found = sorted(os.scandir(place or "."), key=lambda entry: entry.name)
        except OSError:
            return []
        before = start.removesuffix(begin)
        return [CompletionItem(f"{name}={before}{each.name}{'/' * each.is_dir()}") for each in found if each.name.startswith(begin)]


def _print_completion(ctx: click.Context, param: click.Parameter, shell: str | None) -> None:
    if shell is None or ctx.resilient_parsing:
        return
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.BadParameter(f"no completion for {shell}.")
    # written out here, as click's `source` would run bash to ask for its version
    click.echo(found.source_template % found(command, {}, "tcalc", "_TCALC_COMPLETE").source_vars())
    ctx.exit()


FILE = click.Path(allow_dash=True)  # tells shells what to complete; files are opened where errors can be told in one line


@click.command(
    cls=ExpressionCommand,
    context_settings={"max_content_width": 100, "auto_envvar_prefix": "TCALC"},
    add_help_option=False,
    help="""A tensor calculator that speaks PyTorch.

    Each EXPRESSION is one line of source, all in one session:
    tcalc 'x = ones(2, 3)' 'x @ x.T'. The first may name a file that
    ends in .tc or begins with #!. Without any, tcalc runs what comes
    on stdin, or opens the interactive prompt on a terminal. A single -
    is stdin too; to run stdin before expressions write -f -.

    A variable TCALC_OPTION gives the default of --option; what neither
    sets is read from the config file, on a terminal.

    Exit status: 0 success, 1 the program failed, 2 usage, 130 Ctrl-C.""",
)
@click.argument("expressions", nargs=-1, metavar="[EXPRESSION]...")
@click.option(
    "-f",
    "--file",
    multiple=True,
    type=FILE,
    metavar="FILE",
    allow_from_autoenv=False,  # a variable should not run a program
    help="Run a file; - is stdin. Files run before expressions.",
)
@click.option(
    "-l",
    "--load",
    multiple=True,
    type=BindingFile(),
    metavar="NAME=FILE",
    callback=_check_bindings,
    allow_from_autoenv=False,
    help="Bind the tensor in a file to a name; - is stdin. By suffix npy, npz, safetensors, json, csv, tsv, else by content.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    allow_from_autoenv=False,
    help="Write the last value to a file, by suffix npy, npz, safetensors, json, csv or tsv; results are printed only with -F.",
)
@click.option(
    "--test",
    is_flag=True,
    allow_from_autoenv=False,
    help="Exit with 1 if the last value is false; results are printed only with -F.",
)
@click.option(
    "--torch",
    is_flag=True,
    allow_from_autoenv=False,
    help="Print the program as a PyTorch script, do not run it.",
)
@click.option(
    "-F",
    "--format",
    type=Format(FORMATS),
    default="auto",
    help="How results are printed: panel on a terminal and list in a pipe (auto), value and facts (panel), as torch "
    "does (repr), nested lists with all digits (list), an object a line (json), rows of cells (csv, tsv), NumPy's file "
    "(npy), dtype and shape (shape), nothing (none).",
)
@click.option("-k", "--keep-going", is_flag=True, help="Go on after an error; the exit status is 1 all the same.")
@click.option("-a", "--all", is_flag=True, help="Print assigned values too.")
@click.option("-i", "--interactive", is_flag=True, help="Open the interactive prompt afterwards.")
@click.option(
    "-d",
    "--device",
    metavar="DEVICE",
    callback=_check_device,
    help="Default device of new tensors: cpu, cuda, cuda:N, meta.",
)
@click.option(
    "--simulate-cuda",
    type=click.IntRange(0, 64),
    metavar="N",
    help="Have the CPU stand in for N cuda devices, to try out programs for GPUs.",
)
@click.option("--dtype", type=click.Choice(DTYPES), help="Default floating-point dtype.")
@click.option("--seed", type=click.IntRange(-(2**63), 2**64 - 1), metavar="N", help="Seed of the random numbers.")
@click.option("--color", type=click.Choice(COLOUR_WHEN), default="auto", help="When to use colour.")
@click.option("--ascii", is_flag=True, help="Write ASCII characters only, others as escapes.")
@click.option("--plain", is_flag=True, help="Labelled lines without layout, for screen readers.")
@click.option("--width", type=click.IntRange(20, 10_000), metavar="N", help="Line width of printed tensors.")
@click.option(
    "--panel",
    type=click.Choice(PANELS),
    default="lines",
    help="The block after a command: value, facts and changes (lines), the same in a frame (card), value and changes (min).",
)
@click.option("--vi", is_flag=True, help="vi keys at the interactive prompt.")
@click.option("--no-history", is_flag=True, help="Neither read nor write the history file.")
@click.option(
    "--max-memory",
    metavar="SIZE",
    callback=_check_size,
    help="Refuse what takes more memory, such as 500M or 2G; three quarters of the machine's by default.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(0, 10**7, min_open=True),
    metavar="N",
    help="End a program (not the prompt) that takes longer.",
)
@click.option("--config", type=FILE, metavar="FILE", help="Read this config file, in a pipe too.")
@click.option("--no-config", is_flag=True, help="Read no config file.")
@click.option(
    "--completion",
    type=click.Choice(SHELLS),
    is_eager=True,
    expose_value=False,
    callback=_print_completion,
    allow_from_autoenv=False,
    help="Print what makes this shell complete tcalc's arguments.",
)
@click.option("--debug", is_flag=True, help="Show Python's traceback with each error.")
@click.version_option(__version__, prog_name="tcalc", message="%(prog)s %(version)s", allow_from_autoenv=False)
@click.help_option("-h", "--help", allow_from_autoenv=False)
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> Settings:
    """The options as Settings."""
    sources = {}
    for name in values.keys() - {"expressions"}:
        kind = ctx.get_parameter_source(name)
        if kind is ParameterSource.COMMANDLINE:
            sources[name] = "--" + name.replace("_", "-")
        elif kind is ParameterSource.ENVIRONMENT:
            sources[name] = f"TCALC_{name.upper()}"
    return settings_of(values, sources)


def parsed(args: list[str]) -> Settings | int:
    """The Settings of a command line, as click reads it, or the exit status when there is nothing to run.

    Usage errors are reported on stderr and give 2.
    """
    try:
        result = command.main(args, prog_name="tcalc", standalone_mode=False, windows_expand_args=False)
    except click.NoSuchOption as exc:
        from difflib import get_close_matches

        close = get_close_matches(exc.option_name, exc.possibilities or (), cutoff=_CLOSE)
        click.NoSuchOption(exc.option_name, possibilities=close, ctx=exc.ctx).show()
        return exc.exit_code
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    return result if isinstance(result, Settings) else int(result or 0)
