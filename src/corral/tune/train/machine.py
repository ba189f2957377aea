"""Where to compute, and how the process behaves beside a server that goes on serving."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import torch

from corral.errors import Unsupported
from corral.hardware import cores, memory
from corral.tune.plan import Machine
from corral.tune.spec import Spec


def machine_for(spec: Spec) -> Machine:
    """Raises Unsupported when a GPU is asked for that torch cannot use."""
    num_threads = spec.num_threads or leaving_room(cores())
    has_cuda = torch.cuda.is_available()
    if spec.device == "cuda" and not has_cuda:
        raise Unsupported(
            f"torch {torch.__version__} finds no CUDA device",
            hint="install a build of torch with CUDA, or tune on the CPU",
        )
    if spec.device != "cpu" and has_cuda:
        free, _ = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        return Machine("cuda", name, free, num_threads, packs=find_spec("bitsandbytes") is not None)
    return Machine("cpu", f"CPU, {num_threads} threads", memory().available, num_threads)


def leaving_room(num_cores: int) -> int:
    """Threads to train with: a quarter of the cores, at least one, stays with the server."""
    return max(1, num_cores - max(1, num_cores // 4))


def peak_bytes(machine: Machine) -> int:
    """The most memory that this process has held where it computes; 0 where nobody counts it."""
    if machine.kind == "cuda":
        return torch.cuda.max_memory_reserved()
    try:
        import resource  # not on Windows
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
