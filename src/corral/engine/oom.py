"""Did a child end because memory ran out?"""

from __future__ import annotations

import re
from pathlib import Path

_COUNTERS = Path("/proc/vmstat")
# A device's allocator says so itself, as in "CUDA error: out of memory" or Vulkan's "ErrorOutOfDeviceMemory".
SAID = re.compile(r"out of memory|OutOfDeviceMemory", re.IGNORECASE)


def num_oom_kills() -> int:
    """How many processes the kernel has killed for lack of memory since it started; 0 where it does not say.

    A process that was killed so looks like any other that got SIGKILL. Source: proc(5), "oom_kill".
    """
    try:
        counters = _COUNTERS.read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^oom_kill (\d+)$", counters, re.MULTILINE)
    return int(found[1]) if found else 0
