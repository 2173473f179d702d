"""The commands that explain, as a user sees them: against files at three widths; TCALC_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from cli_run import unwrapped
from test_golden import GOLDEN, transcript

from tcalc.cli import teaching
from tcalc.cli.commands import COMMANDS
from tcalc.cli.files import write_file
from tcalc.cli.panel_view import PanelView
from tcalc.cli.render_stats import device_lines, duration
from tcalc.cli.repl import Repl
from tcalc.cli.terminal import Screen
from tcalc.cli.theme import plain_text
from tcalc.session.devices import Device, Devices
from tcalc.session.session import Session

START = """
w = tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True);
x = tensor([[0., 1., 2.], [9., 4., 5.]]); b3 = ones(3); y = x.T;
"""

SESSIONS = {
    "graph": """
loss = (w * x).sum();
:graph loss
h = (w * 2).relu(); h.retain_grad(); z = (h + h * b3).sum() + h.mean();
:graph z
z.backward();
:graph z
q = F.cross_entropy(x @ w.T, tensor([0, 1]));
:graph q
for i in range(50): h = tanh(h * w)

:graph h
:graph w
:graph x
:graph nope
:graph b3.grad
""",
    "storage": """
y[0, 1] = 7;
:storage x
e = b3.expand(2, 3); o = arange(12)[3:9].view(2, 3)[:, 1:];
:storage e
:storage o
t = arange(40.).view(8, 5);
:storage t
big = arange(600).view(20, 30); col = big[:, 1];
:storage col
u = arange(5).unfold(0, 3, 1);
:storage u
s = tensor(2.5, dtype=torch.bfloat16); n = zeros(0, 3); m = ones(2, 2, device='meta'); f = tensor([True, False]);
:storage s
:storage n
:storage m
:storage f
""",
    "explain": """
:explain x + b3
:explain x @ y
:explain randn(5, 2, 3) @ w.T
:explain cat([x, x * 2], dim=1)
:explain stack([b3, b3])
:explain y.reshape(6)
:explain x.view(3, 2)
:explain x.permute(1, 0)
:explain w.mean(1, keepdim=True)
:explain x[0, 1:]
:explain x[:, [0, 2], None]
:explain b3.expand(4, 3)
:explain where(x > 1, x, b3)
:explain (x - x.mean(0)) / x.std(0)
:explain x.shape[0]
:explain x @ x
:explain y.view(6)
:explain x.add_(1)
:explain x[x > 1]
:explain z = x
:explain x +
""",
    "trace": """
loss = (w * x).sum(); c = zeros(3, requires_grad=True);
:trace loss.backward()
:trace ((w * x + c).relu() ** 2).mean().backward()
h = w * 2; h.retain_grad(); k = h.register_hook(lambda g: g * 10);
:trace (h + h * w).sum(0)[1].backward()
:trace loss.backward()
:trace y2 = x + 1
:trace print('hello'); w.grad = None
g = c
for i in range(30): g = g * 0.5 + c

:trace g.sum().backward()
:trace randn(10, 100, requires_grad=True).mul(2).sum().backward()
""",
    "stats": """
manual_seed(0); r = randn(1000); i = arange(7); n = tensor([1., float('nan'), float('inf')]); b = tensor([True, False]);
:stats r
:stats i
:stats n
:stats b
:stats w
""",
}
CASES = [(name, width, style) for name in SESSIONS for width, style in ((40, "ascii"), (80, "ascii"), (120, "unicode"), (80, "plain"))]


@pytest.mark.parametrize(("name", "width", "style"), CASES)
def test_session(name: str, width: int, style: str, capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(True, False, style == "unicode", style == "plain", width, 24)
    text = transcript(START + SESSIONS[name], screen, "lines", capsys)
    if style != "unicode":
        assert text.isascii()
    if style != "plain":
        typed = {line.partition("> ")[2] for line in (START + SESSIONS[name]).split("\n")}
        wide = [line for line in text.split("\n") if len(line) > max(width, 79) and line.partition("> ")[2] not in typed]
        assert [line for line in wide if not re.match(r"\d+> ", line)] == []
    path = GOLDEN / f"teaching-{name}-{width}-{style}.txt"
    if os.environ.get("TCALC_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SESSIONS)
def test_colour_adds_nothing_but_colour(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = transcript(START + SESSIONS[name], Screen(True, True, False, False, 80, 24), "lines", capsys)
    assert "\x1b[" in text
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == (GOLDEN / f"teaching-{name}-80-ascii.txt").read_text(encoding="utf-8")


SCREEN = Screen(True, False, False, False, 80, 24)


class Prompt:
    """A prompt with a graph behind it, and what it answers to a line."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.repl = Repl(Session(observe=True, show_assigned=True), PanelView(SCREEN, SCREEN, at_prompt=True, debug=False))
        self(START + "loss = (w * x).sum();")

    def __call__(self, entry: str) -> str:
        """The text on stderr and stdout."""
        self.capsys.readouterr()
        self.repl.enter(entry)
        captured = self.capsys.readouterr()
        return unwrapped(captured.err) + captured.out


@pytest.fixture
def prompt(capsys: pytest.CaptureFixture[str]) -> Prompt:
    """A prompt."""
    return Prompt(capsys)


def test_dot_goes_to_a_file(prompt: Prompt, tmp_path: Path) -> None:
    path = tmp_path / "the graph.dot"
    assert prompt(f":graph loss --dot '{path}'") == f"wrote 4 values and 3 edges to {path}\n"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("digraph tcalc {\n")
    assert 'n1 [label="w * x\\n(2, 3)\\nMulBackward0"];' in text
    assert sorted(re.findall(r"n\d -> n\d", text)) == ["n1 -> n0", "n2 -> n1", "n3 -> n1"]
    assert prompt(":graph loss --dot") == "error: :graph takes NAME --dot FILE\n"
    assert prompt(f":graph loss --dot {tmp_path}/none/x.dot") == f"error: {tmp_path}/none/x.dot: No such file or directory\n"


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    write_file(str(path), "one")
    assert stat.S_IMODE(path.stat().st_mode) & 0o111 == 0
    path.chmod(0o640)
    link.symlink_to(path)
    write_file(str(link), b"two")
    assert link.is_symlink()
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two", 0o640)
    with pytest.raises(IsADirectoryError):
        write_file(str(tmp_path), "x")
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_time_says_how_often(prompt: Prompt) -> None:
    assert re.fullmatch(r"[\d.]+ (ns|us|ms) a run, best of [1-5] times \d+ runs\n", prompt(":time x + b3"))
    assert prompt(":time x @ x").startswith("error: matmul: inner sizes differ")


def test_trace_heeds_the_settings_of_notes(prompt: Prompt) -> None:
    prompt("z = ones(2, 3).T")
    assert "note: reshape copied" in prompt(":trace z.reshape(6)")
    prompt.repl.view.muted = frozenset(("reshape-copied",))
    assert "note" not in prompt(":trace z.reshape(6)")


def test_durations() -> None:
    assert [duration(each) for each in (12e-9, 3.25e-6, 0.041, 2.5)] == ["12 ns", "3.25 us", "41 ms", "2.5 s"]


def test_devices_one_a_line() -> None:
    found = Devices([Device("cpu", "2 cores", 1 << 30, 1 << 32), Device("cuda:0", "NVIDIA"), Device("meta", "no memory")], "cpu", None)
    assert plain_text(device_lines(found, SCREEN)) == (
        "cpu     2 cores  4 GiB memory, 1 GiB free  default\ncuda:0  NVIDIA\nmeta    no memory\n"
    )
    missing = Devices([Device("cpu", "2 cores")], "cpu", "cuda needs the package CuPy")
    assert plain_text(device_lines(missing, SCREEN)) == "cpu  2 cores  default\nno cuda  cuda needs the package CuPy\n"


def test_this_machine_has_a_cpu(prompt: Prompt) -> None:
    assert re.match(r"cpu  .*default", prompt(":device"))


def test_tensors_are_asked_for(prompt: Prompt) -> None:
    prompt("n = 3; model = nn.Linear(3, 2); m = ones(2, device='meta')")
    for name in ("graph", "storage", "stats"):
        assert prompt(f":{name} n") == "error: n is no tensor but a value of type int\n"
        assert not prompt(f":{name} model.weight").startswith("error")
    assert prompt(":stats m") == "error: m is on meta and has no values\n"


def test_every_teaching_command_is_listed() -> None:
    assert teaching.COMMANDS.keys() <= {command.name for command in COMMANDS}
    assert all(len(f"  :{each.name} {each.argument}  {each.summary}") <= 80 for each in COMMANDS)
