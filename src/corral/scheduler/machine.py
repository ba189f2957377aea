"""What a placement is made on: cores, memory and devices of this machine at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from corral import hardware


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An accelerator; `total` and `free` are bytes. `integrated`: it shares the system's memory."""

    index: int
    name: str = ""
    total: int = 0
    free: int = 0
    integrated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Bytes of system memory, physical cores, the devices, and whether the engine uses AMX."""

    memory_total: int
    memory_free: int
    cores: int = 1
    devices: tuple[Device, ...] = ()
    amx: bool = False

    @property
    def device_total(self) -> int:
        return sum(device.total for device in self.devices)


def read_machine(*, amx: bool = False) -> Machine:
    """The machine now, the limits of a container included. Quick enough to be called from the event loop."""
    memory = hardware.memory()
    devices = tuple(
        Device(index=i, name=gpu.name, total=gpu.total, free=gpu.free)
        for i, gpu in enumerate(hardware.gpus())
    )
    return Machine(
        memory_total=memory.total,
        memory_free=memory.available,
        cores=hardware.cores(),
        devices=devices,
        amx=amx,
    )
