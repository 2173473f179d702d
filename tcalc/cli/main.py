"""The entry of the command `tcalc`: options to a session, its exit status."""

from __future__ import annotations

import gc
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from .settings import Settings

USAGE, INTERRUPTED = 2, 130


def main(args: list[str] | None = None) -> int:
    """Run `tcalc` with `args` (`sys.argv` by default).

    Returns the exit status: 0 success, 1 the program failed, 2 usage, 130 Ctrl-C.
    """
    warnings.showwarning = _warn
    gc.disable()  # nothing is garbage until something runs
    try:
        status = _status(args)
    finally:
        gc.enable()
    if args is None:
        gc.freeze()  # the process ends: a last look through everything would take a sixth of a short run
    several = sys.modules.get("tcalc.engine.distributed")
    if status and several is not None:  # the other processes would wait for this one for ever
        if sys.stdout is not None:
            sys.stdout.flush()
        several.abandon(status)
    return status


def _status(args: list[str] | None) -> int:
    try:
        from .settings import read

        settings = read(args)
        if not isinstance(settings, int):
            settings = _configured(settings)
        return settings if isinstance(settings, int) else _run(settings)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as exc:
        return _report_bug(exc)


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
) -> None:
    """Say in one line what a library warns of (NumPy of means of nothing and the like); where in the library is not the user's concern."""
    from .escape import safe_line

    if sys.stderr is None:  # closed: print would take stdout
        return
    print(f"tcalc: warning: {safe_line(str(message).split(chr(10), 1)[0])}", file=sys.stderr)


def _report_bug(exc: Exception) -> int:
    from ..session.errors import places_of
    from .escape import safe_line
    from .view import save_trace

    message = safe_line(f"{type(exc).__name__}: {exc}")
    print(f"tcalc: internal error: {message} (the trace is in {save_trace(places_of(exc))})", file=sys.stderr)
    return 1


def _configured(settings: Settings) -> Settings | int:
    """The settings with the config file's; in a pipe only with one that was named, so that output is the same for everybody.

    Returns the exit status when the named one cannot be read.
    """
    from .terminal import is_terminal

    if settings.no_config or (settings.config is None and not is_terminal(sys.stdout)):
        return settings
    from .config import ConfigError, with_config

    try:
        return with_config(settings, lambda message: print(f"tcalc: warning: {message}", file=sys.stderr))
    except ConfigError as exc:
        print(f"tcalc: {exc}", file=sys.stderr)
        return USAGE


def _run(settings: Settings) -> int:
    from .limits import bound_memory
    from .output import guarded
    from .terminal import is_terminal

    bound_memory(settings)
    nothing_given = not settings.expressions and not settings.file
    if nothing_given and is_terminal(sys.stdin) and (is_terminal(sys.stdout) or settings.interactive):
        if settings.output or settings.test or settings.torch:
            print("tcalc: -o, --test and --torch need a program: expressions, -f FILE or stdin", file=sys.stderr)
            return USAGE
        if not settings.load:
            from .repl import interact

            gc.enable()
            return guarded(lambda: interact(settings))
        settings = settings._replace(interactive=True)
    from .script import run_script

    gc.enable()
    return guarded(lambda: run_script(settings))
