"""A program with the command line of a native `llama-server`, where none is installed."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "native_server.py"


def write_program(path: Path, lines: str) -> Path:
    """A shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def stand_in(folder: Path, *more: str) -> Path:
    """The packaged engine behind a native command line; `more` words come after those of the caller."""
    words = " ".join(f'"{word}"' for word in more)
    return write_program(folder / "llama-server", f'exec "{sys.executable}" "{SCRIPT}" "$@" {words}')
