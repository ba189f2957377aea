"""Which server keeps a job in its queue: a process, told from a later one of the same number."""

from __future__ import annotations

import psutil


def this_server() -> str:
    return _identity(psutil.Process())


def is_alive(server: str) -> bool:
    try:
        return _identity(psutil.Process(int(server.partition("@")[0]))) == server
    except (psutil.Error, ValueError):
        return False


def _identity(process: psutil.Process) -> str:
    return f"{process.pid}@{process.create_time():.2f}"
