"""Cores and memory, the limits of control groups (containers, services) included."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_CPUINFO = Path("/proc/cpuinfo")
# What version 1 says when there is no limit: a number no machine has.
_NO_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes; `available` can be taken without pushing anything out."""

    total: int
    available: int


def memory(cgroup: Path = _CGROUP) -> Memory:
    """The system's memory, or that of the control group where it has less."""
    found = psutil.virtual_memory()
    limit = _number(cgroup, "memory.max", "memory/memory.limit_in_bytes")
    used = _number(cgroup, "memory.current", "memory/memory.usage_in_bytes")
    if limit is None or used is None or limit >= min(_NO_LIMIT, found.total):
        return Memory(found.total, found.available)
    # File pages count as used there, but are given back when they are needed.
    free = limit - max(used - _file_pages(cgroup), 0)
    return Memory(limit, max(min(free, found.available), 0))


def cores(cgroup: Path = _CGROUP) -> int:
    """Physical cores that this process may keep busy, at least 1."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    quota = _quota(cgroup)
    return max(1, min(physical, allowed, math.ceil(quota) if quota else physical))


@cache
def cpu_features(cpuinfo: Path = _CPUINFO) -> frozenset[str]:
    """What the processor can do, in the kernel's words (`avx2`, `amx_int8`); empty where it does not tell."""
    lines = (_text(cpuinfo) or "").splitlines()
    # "flags" on x86, "Features" on ARM; the processors of one machine have the same.
    found = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(found.partition(":")[2].split())


def _quota(cgroup: Path) -> float | None:
    """Cores of the processor time that the control group gets; None without a limit."""
    words = (_text(cgroup / "cpu.max") or "").split()
    if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal():
        return int(words[0]) / max(int(words[1]), 1)
    quota = _text(cgroup / "cpu/cpu.cfs_quota_us") or ""
    period = _text(cgroup / "cpu/cpu.cfs_period_us") or ""
    if quota.isdecimal() and period.isdecimal():
        return int(quota) / max(int(period), 1)
    return None


def _file_pages(cgroup: Path) -> int:
    text = _text(cgroup / "memory.stat") or _text(cgroup / "memory/memory.stat") or ""
    values = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    return int(values.get("inactive_file", values.get("total_inactive_file", "0")))


def _number(cgroup: Path, *names: str) -> int | None:
    for name in names:
        text = _text(cgroup / name) or ""
        if text.isdecimal():
            return int(text)
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
