"""How a child that works on files begins: its output is its parent's alone, and it never outlives it."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

from corral.engine.worker import die_with_parent


def begin(niceness: int) -> tuple[int, bytes]:
    """The descriptor of the real stdout, and the first line of stdin: the job.

    Whatever a library prints goes to stderr from now on. The process ends with the end of stdin, at once
    where there is no job, and steps back by `niceness` for models that somebody talks to meanwhile.
    """
    die_with_parent()
    out = os.dup(1)
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline()
    if not line:
        os._exit(0)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    with suppress(AttributeError, OSError):  # not on Windows
        os.nice(niceness)
    return out, line


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)
