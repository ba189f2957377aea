"""Which models are loaded: queue, fit, lease, keep-alive, evict.

In: a `Model` and the `Options` of one request. Out: a `Lease` on a slot of a `Runner`, whose `client` speaks
to the engine. The serving road leases; `ps` reads `loaded()`; the server makes the one `Scheduler`.

What to launch (`plan`, `memory`), whether a runner will do (`reuse`) and whom to unload (`evict`) are pure
functions; `pool` owns the loaded runners, `loading` the queue, `launcher` is the way to the engine room.
"""

from corral.scheduler.journal import Journal
from corral.scheduler.launcher import EngineLauncher
from corral.scheduler.machine import Device, Machine, read_machine
from corral.scheduler.memory import MemoryNeed
from corral.scheduler.plan import LaunchPlan
from corral.scheduler.preview import Preview
from corral.scheduler.process import Launcher, LoadedProcess
from corral.scheduler.runner import LoadedInfo, Runner
from corral.scheduler.scheduler import Lease, LoadingInfo, Scheduler, Waiting

__all__ = [
    "Device",
    "EngineLauncher",
    "Journal",
    "LaunchPlan",
    "Launcher",
    "Lease",
    "LoadedInfo",
    "LoadedProcess",
    "LoadingInfo",
    "Machine",
    "MemoryNeed",
    "Preview",
    "Runner",
    "Scheduler",
    "Waiting",
    "read_machine",
]
