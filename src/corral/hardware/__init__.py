"""What this machine has: cores, memory and accelerators, as far as a process in it may use them.

Nothing comes in; plain values go out. The scheduler asks before every load.
"""

from corral.hardware.gpus import GPU, gpus
from corral.hardware.system import Memory, cores, cpu_features, memory

__all__ = ["GPU", "Memory", "cores", "cpu_features", "gpus", "memory"]
