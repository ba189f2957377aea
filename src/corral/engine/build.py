"""What tells one build of the engine from others, without starting it."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def build_of(llama_server: Path | None) -> str:
    """The packaged engine by its version, a native server by its file: it changes when that is written."""
    if llama_server is None:
        return f"xllamacpp {_packaged()}"
    file = llama_server.resolve()
    try:
        found = file.stat()
    except OSError:
        return str(file)  # no child will start
    return f"{file} {found.st_size} {found.st_mtime_ns}"


@cache
def _packaged() -> str:
    from importlib.metadata import version  # takes 10 ms, and the command line never asks

    return version("xllamacpp")
