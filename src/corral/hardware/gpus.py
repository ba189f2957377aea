"""Accelerators and their free memory, as the vendor's own tool tells it."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass

_QUERY = ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
_TIMEOUT_S = 5.0
_FRESH_S = 1.0
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class GPU:
    """One device; sizes are bytes."""

    name: str
    total: int
    free: int


_last: tuple[float, tuple[GPU, ...]] | None = None


def gpus() -> tuple[GPU, ...]:
    """NVIDIA devices in the driver's order; none where there is no driver. An answer holds for a second."""
    global _last
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    now = time.monotonic()
    if _last is None or now - _last[0] > _FRESH_S:
        _last = (now, _ask(tool))
    return _last[1]


def _ask(tool: str) -> tuple[GPU, ...]:
    try:
        done = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse(done.stdout)


def parse(table: str) -> tuple[GPU, ...]:
    """Devices from `name, MiB in all, MiB free` lines; others are left out."""
    found = []
    for line in table.splitlines():
        match line.rsplit(", ", 2):
            case [name, total, free] if total.isdecimal() and free.strip().isdecimal():
                found.append(GPU(name, int(total) * _MIB, int(free) * _MIB))
    return tuple(found)
