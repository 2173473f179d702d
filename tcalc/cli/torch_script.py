"""The option --torch: the program of the command line as a PyTorch script, which is printed and not run."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..lang.errors import LangError
from ..session.errors import Place, error_of
from ..session.export import ExportError, translated
from ..session.trail import Aside, Past, Trail
from .escape import safe_line
from .output import write
from .sources import STDIN
from .trouble import UsageTrouble
from .view import view_for

if TYPE_CHECKING:
    from .settings import Settings

FAILED = 1


def print_torch(settings: Settings) -> int:
    """Translate the files and expressions, or stdin when there are none; the exit status."""
    from .script import Unreadable, open_sources, refused, statements_of

    view = view_for(settings)
    steps: list[Past | Aside] = []
    for binding in settings.load:
        name, _, path = binding.partition("=")
        steps.append(Aside(0, (name,), STDIN if path == "-" else path))
    with ExitStack() as stack:
        try:
            for source in list(open_sources(settings, stack)):
                view.add_source(source)
                for statement in statements_of(source):
                    if isinstance(statement, Unreadable):
                        error, text, first = statement
                        view.fail(error_of(error, Place(source.name, text, first), error.span, {}, Trail()))
                        return FAILED
                    steps.append(Past(len(steps), statement.source, source.name, statement.line, True, 0, end=statement.end))
            script = translated(steps, first_lines(settings))
        except UsageTrouble as trouble:
            return refused(trouble)
        except (ExportError, LangError) as error:
            print(f"tcalc: {safe_line(str(error))}", file=sys.stderr)
            return FAILED
    write((script,))
    return 0


def first_lines(settings: Settings) -> list[str]:
    """What the options of the command line set, as PyTorch."""
    lines = []
    if settings.dtype is not None:
        lines.append(f"torch.set_default_dtype(torch.{settings.dtype})")
    if settings.device is not None:
        lines.append(f"torch.set_default_device({settings.device!r})")
    if settings.seed is not None:
        lines.append(f"torch.manual_seed({settings.seed})")
    return lines
