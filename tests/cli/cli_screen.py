"""A terminal for tests: pexpect runs the program, pyte draws its screen and answers cursor reports."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import time
from types import TracebackType
from typing import Self

import pexpect
import pyte
from cli_run import environment

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # Linux's numbers
CURSOR_REPORT = re.compile(r"\x1b\[6n")


def _give_up_rights() -> None:
    """Take from root, for what it starts, the right to read and write whatever the modes of files say. Only Linux knows how."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


class Terminal:
    """`tcalc ARGS` on a screen of `rows` by `columns`; one that is `humble` may write only what modes allow, though the tests are root's."""

    def __init__(
        self, *args: str, rows: int = 24, columns: int = 80, command: str | None = None, humble: bool = False, **env: str
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self.stream = pyte.Stream(self.screen)
        self.raw = ""
        self.child = pexpect.spawn(
            command or sys.executable,
            list(args) if command else ["-m", "tcalc", *args],
            env=environment(**{"TERM": "xterm-256color", **env}),
            dimensions=(rows, columns),
            encoding="utf-8",
            timeout=20,
            preexec_fn=_give_up_rights if humble and os.geteuid() == 0 else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.close(force=True)

    def read(self, seconds: float = 0.05) -> None:
        """Draw what the program has written; answer each request for the cursor's place."""
        try:
            data = self.child.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.raw += data
        for part in re.split(r"(\x1b\[6n)", data):
            if CURSOR_REPORT.fullmatch(part):
                self.child.send(f"\x1b[{self.screen.cursor.y + 1};{self.screen.cursor.x + 1}R")
            else:
                self.stream.feed(part)

    def wait(self, text: str, seconds: float = 20) -> str:
        """Wait until `text` stands on the screen; the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
            if text in "\n".join(self.screen.display):
                return self.text()
        raise AssertionError(f"no {text!r} on the screen:\n{self.text()}")

    def text(self) -> str:
        """What is on the screen, without blank lines at its end."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def type(self, keys: str) -> None:
        """Press keys."""
        self.child.send(keys)

    def enter(self, line: str, then: str) -> str:
        """Type a line and Enter, wait for `then`; the screen."""
        self.type(line + "\r")
        return self.wait(then)

    def status(self) -> int:
        """Wait for the end; the exit status."""
        end = time.monotonic() + 20
        while self.child.isalive() and time.monotonic() < end:
            self.read()
        self.child.close()
        return -1 if self.child.exitstatus is None else int(self.child.exitstatus)
