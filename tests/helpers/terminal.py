"""A program in a pseudo-terminal: type to it, and look at its screen."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests.helpers.screen import Screen

CORRAL = (sys.executable, "-m", "corral.cli")
ENTER, CTRL_C, CTRL_D, CTRL_J, CTRL_T, UP, TAB = "\r", "\x03", "\x04", "\n", "\x14", "\x1b[A", "\t"
_LIMIT_S = 20.0
_BEGINS = "\x1b[?2004h"  # bracketed paste is switched on for each prompt
_PROMPT = ">>> Send a message (/? for help)"


class Terminal:
    """The program and the screen it writes to; `raw` holds all it has written."""

    def __init__(self, child: pexpect.spawn[bytes], screen: Screen) -> None:
        self._child = child
        self.screen = screen
        self.raw = ""
        self._before_keys = 0  # how much had been written when keys were typed last

    def type(self, keys: str | bytes) -> None:
        self._before_keys = len(self.raw)
        self._child.send(keys if isinstance(keys, bytes) else keys.encode())

    def say(self, line: str) -> None:
        """Type a message when the prompt is there, and send it."""
        self.wait_for_prompt()
        self.type(line + ENTER)

    def wait_for(self, text: str) -> None:
        """Read until the screen shows `text`. Fails after the time limit, or when the program has ended."""
        deadline = time.monotonic() + _LIMIT_S
        while text not in self.text():
            assert time.monotonic() < deadline, f"no {text!r} on the screen:\n{self.text()}"
            assert self._read(), f"the program ended without {text!r}:\n{self.text()}"

    def wait_for_prompt(self) -> None:
        """Until a new prompt stands, empty, in the last line: then keys are read as they are typed."""
        deadline = time.monotonic() + _LIMIT_S
        while not (_BEGINS in self.raw[self._before_keys :] and self.screen.lines()[-1:] == [_PROMPT]):
            assert time.monotonic() < deadline, f"no prompt:\n{self.text()}"
            assert self._read(), f"the program ended:\n{self.text()}"

    def wait_for_end(self) -> int:
        """The exit status, once the program has ended; 128 and the signal where one killed it."""
        deadline = time.monotonic() + _LIMIT_S
        while self._read():
            assert time.monotonic() < deadline, f"it does not end:\n{self.text()}"
        self._child.close()
        killed_by = self._child.signalstatus
        return self._child.exitstatus if killed_by is None else 128 + killed_by

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(columns, rows)
        self._child.setwinsize(rows, columns)

    def text(self) -> str:
        return "\n".join(self.screen.lines())

    def _read(self) -> bool:
        """Take in what has been written; False at the end of the program."""
        try:
            data = self._child.read_nonblocking(1 << 16, timeout=0.1).decode("utf-8", "replace")
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self.screen.write(data)
        return True


@contextmanager
def terminal(
    *words: str, env: Mapping[str, str], cwd: Path | None = None, columns: int = 80, rows: int = 24
) -> Iterator[Terminal]:
    """`corral` with these words, or another program whose path comes first, in a terminal of its own."""
    command = [*words] if words[0].startswith("/") else [*CORRAL, *words]
    size = (rows, columns)
    child = pexpect.spawn(command[0], command[1:], env=dict(env), cwd=cwd, dimensions=size, timeout=_LIMIT_S)
    child.delaybeforesend = None
    try:
        yield Terminal(child, Screen(columns, rows, reply=child.send))
    finally:
        child.close(force=True)
