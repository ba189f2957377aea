"""Where a runner goes: system memory, a device, several, or both. Pure. Source: store.md 14.2."""

from __future__ import annotations

from dataclasses import dataclass

from corral.scheduler.demand import Demand
from corral.scheduler.machine import Device, Machine
from corral.scheduler.memory import MIB
from corral.settings import Settings

DEVICE_RESERVE = 457 * MIB
BESIDE_OTHERS = 0.80  # of the free memory, when other models are loaded or a device must hold all
ALONE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is free for a new runner; `alone`: no other model is loaded."""

    machine: Machine
    alone: bool = True

    @property
    def usable_share(self) -> float:
        """The part of the free system memory that a new runner may take."""
        return ALONE if self.alone else BESIDE_OTHERS


@dataclass(frozen=True, slots=True)
class Placement:
    """Indices of the devices, and the bytes that go there; the rest stays in system memory."""

    devices: tuple[int, ...] = ()
    device_bytes: int = 0


def place(total: int, demand: Demand, room: Room, settings: Settings, *, partly: bool) -> Placement | None:
    """A place for a runner of `total` bytes, or None. `partly`: a device need not hold all of it."""
    machine = room.machine
    usable = room.usable_share * machine.memory_free
    if not uses_devices(demand, machine):
        return Placement() if total <= usable else None
    devices = _choose_devices(total, demand, machine, settings)
    indices = tuple(device.index for device in devices)
    free = sum(device_free(device, settings) for device in devices)
    if demand.num_gpu < 0 and total <= BESIDE_OTHERS * free:
        return Placement(indices, total)
    if demand.num_gpu < 0 and not partly:
        return None
    on_device = _device_share(total, free, demand)
    return Placement(indices, on_device) if on_device <= free and total - on_device <= usable else None


def uses_devices(demand: Demand, machine: Machine) -> bool:
    return bool(machine.devices) and demand.num_gpu != 0


def device_free(device: Device, settings: Settings) -> int:
    """Free bytes of a device, less what the engine itself and the settings keep of it."""
    return max(0, device.free - DEVICE_RESERVE - settings.gpu_overhead)


def pool_free(demand: Demand, machine: Machine, settings: Settings) -> int:
    """Free bytes of the memory that context windows will be in."""
    if uses_devices(demand, machine):
        return sum(device_free(device, settings) for device in machine.devices)
    return machine.memory_free


def total_free(machine: Machine, settings: Settings) -> int:
    return machine.memory_free + sum(device_free(device, settings) for device in machine.devices)


def _device_share(total: int, free: int, demand: Demand) -> int:
    if demand.num_gpu < 0:
        return min(total, int(BESIDE_OTHERS * free))
    blocks = demand.model.network.num_blocks + 1  # the output counts as one more
    return total * min(demand.num_gpu, blocks) // blocks


def _choose_devices(total: int, demand: Demand, machine: Machine, settings: Settings) -> list[Device]:
    """The device asked for; else the best one that holds all; else all of them."""
    if demand.main_gpu is not None:
        named = [device for device in machine.devices if device.index == demand.main_gpu]
        if named:
            return named
    ranked = sorted(machine.devices, key=lambda device: (device.integrated, -device_free(device, settings)))
    if not settings.sched_spread:
        for device in ranked:
            if total <= BESIDE_OTHERS * device_free(device, settings):
                return [device]
    return ranked
