"""Whole sessions as text at three widths and in every style, against files; TCALC_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tcalc.cli.panel_view import PanelView
from tcalc.cli.repl import Repl
from tcalc.cli.terminal import Screen
from tcalc.session.session import Session

GOLDEN = Path(__file__).parent / "golden"

SESSIONS = {
    "views": """
x = arange(6.).view(2, 3)
y = x.T
y[0, 1] = 9
x[0] += 1;
a = x[0]; b = x[1]
a.mul_(2)
z = x.reshape(3, 2)
d = x.detach()
x
same = x
x.expand(4, 2, 3)[0]
e = tensor([1, 2, 3]).expand(2, 3)
x.sort(1)
p, q = x.chunk(2)
del a, b
:vars
:info y
""",
    "autograd": """
w = tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True);
x = tensor([[0., 1., 2.], [9., 4., 5.]])
loss = (w * x).sum()
loss.backward()
loss2 = (w * x).sum();
loss2.backward()
w.grad.zero_();
w.grad = None
h = w * 2
h.retain_grad()
h.sum().backward()
with no_grad(): w -= 0.1 * w.grad

for i in range(3): (w * w).sum().backward()

:vars
""",
    "values": """
manual_seed(0);
z = randn(3, 196, 196)
ones(20, 2)
arange(40)
ones(4, 4, 4)
zeros(2, 0)
tensor([1., float('nan'), float('inf')])
tensor(3.5)
tensor([1e-9, 1e9])
x = ones(2, 2, dtype=float64)
(ones(2), zeros(1))
x.shape
x.dtype
[1, 2.5, 'a', None]
None
'text'
for i in range(3): ones(1) * i

x.to('meta')
""",
    "errors": """
x = ones(2, 3); v = ones(2, 3); b = ones(2);
c = x @ v
x + b
x.T.view(6)
onse(2)
x.shpae
x[5]
1 +
import os
assert x.sum() == 7, 'sum'
ones(2, requires_grad=True).backward()
""",
}


def transcript(source: str, screen: Screen, style: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a user would see who types `source`: prompts, entries, results and errors."""
    view = PanelView(screen, screen, style, at_prompt=True, debug=False)
    repl = Repl(Session(observe=True, show_assigned=True), view)
    parts = []
    for entry in source.strip("\n").split("\n"):
        if not entry:
            continue
        parts.append(f"{repl.session.number}> {entry}\n")
        repl.enter(entry)
        captured = capsys.readouterr()
        assert not (captured.out.strip() and captured.err) or "not run" in captured.out
        parts.append(captured.err + captured.out)
    return "".join(parts)


CASES = [(name, width, "lines") for name in SESSIONS for width in (40, 80, 120)]
CASES += [(name, 80, style) for name in ("views", "autograd") for style in ("min", "plain")]
CASES += [("views", 80, "colour"), ("errors", 80, "colour")]
CASES += [(name, width, "card") for name in ("views", "autograd") for width in (40, 80, 120)]
CASES += [("values", 80, "card"), ("views", 80, "card-unicode")]


@pytest.mark.parametrize(("name", "width", "style"), CASES)
def test_session(name: str, width: int, style: str, capsys: pytest.CaptureFixture[str]) -> None:
    panel, _, glyphs = style.partition("-")
    screen = Screen(True, style == "colour", bool(glyphs), style == "plain", width, 24)
    text = transcript(SESSIONS[name], screen, panel if panel in ("min", "card") else "lines", capsys)
    if style != "colour" and not glyphs:
        assert text.isascii()
        assert not set(text) & {"\x1b", "\t"}
    path = GOLDEN / f"{name}-{width}-{style}.txt"
    if os.environ.get("TCALC_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("\x1b", "ESC"), encoding="utf-8")
    assert text.replace("\x1b", "ESC") == path.read_text(encoding="utf-8")
