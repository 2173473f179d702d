"""What a command line asks for, and how one without options is read: click is loaded only for those that have some."""

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from .. import __version__
from .output import guarded, write


# annotations are evaluated in this file: as text, NamedTuple would compile each of these
class Settings(NamedTuple):
    """What the command line, the environment, the config file and `:set` ask for.

    `sources` says where those that are not defaults come from: an option (`--width`), a variable (`TCALC_WIDTH`), the
    config file, or `:set`.
    """

    expressions: tuple[str, ...] = ()
    file: tuple[str, ...] = ()
    load: tuple[str, ...] = ()
    output: str | None = None
    test: bool = False
    torch: bool = False
    format: str = "auto"
    keep_going: bool = False
    all: bool = False
    interactive: bool = False
    device: str | None = None
    simulate_cuda: int | None = None
    dtype: str | None = None
    seed: int | None = None
    color: str = "auto"
    ascii: bool = False
    plain: bool = False
    width: int | None = None
    panel: str = "lines"
    vi: bool = False
    no_history: bool = False
    debug: bool = False
    max_memory: int | None = None
    max_seconds: float | None = None
    config: str | None = None
    no_config: bool = False
    notes: bool = True
    mute: tuple[str, ...] = ()
    toolbar: bool = True
    suggest: bool = False
    precision: int | None = None
    threshold: int | None = None
    edgeitems: int | None = None
    sci_mode: bool | None = None
    history_size: int = 10_000
    sources: Mapping[str, str] = MappingProxyType({})

    def changed(self, source: str, values: Mapping[str, Any]) -> Self:
        """These settings with other values, which come from `source`."""
        return self._replace(**values, sources={**self.sources, **dict.fromkeys(values, source)})


VARIABLES = frozenset({"_TCALC_COMPLETE", *(f"TCALC_{name.upper()}" for name in Settings._fields)})  # those that click would read


def read(args: list[str] | None) -> Settings | int:
    """The Settings of a command line (`sys.argv` by default), or the exit status when there is nothing to run.

    Usage errors are reported on stderr and give 2.
    """
    words = sys.argv[1:] if args is None else args
    if os.environ.keys().isdisjoint(VARIABLES):
        if not any(word.startswith("-") for word in words):
            return settings_of({"expressions": tuple(words)}, {})
        if words == ["--version"]:
            return guarded(_print_version)
    from .options import parsed

    return parsed(words)


def _print_version() -> int:
    write((f"tcalc {__version__}\n",))
    return 0


def settings_of(values: Mapping[str, Any], sources: Mapping[str, str]) -> Settings:
    """The Settings for the values of options; the first expression may turn out to be a program."""
    found = Settings(**values, sources=sources)
    first, *rest = found.expressions or ("",)
    return found._replace(file=(*found.file, first), expressions=tuple(rest)) if is_program(first) else found


def is_program(argument: str) -> bool:
    """Whether an argument names a file to run: one that ends in .tc, or one that begins with `#!` (the system starts it by its name)."""
    if not os.path.isfile(argument):
        return False
    if argument.endswith(".tc"):
        return True
    try:
        with open(argument, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False
