"""The machine: cores, memory, the limits of this process, and room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from corral import hardware
from corral.cli.doctor.finding import Finding, ok, warning
from corral.core.units import human_bytes
from corral.settings import Settings

_LITTLE_MEMORY = 2_000_000_000  # bytes; a model of a billion parameters needs about as much
_LITTLE_DISK = 5_000_000_000


def look(settings: Settings) -> Iterator[Finding]:
    yield _memory()
    yield from (
        ok("device", f"{gpu.name}: {human_bytes(gpu.free)} free of {human_bytes(gpu.total)}")
        for gpu in hardware.gpus()
    )
    yield _disk(settings)


def _memory() -> Finding:
    found, cores = hardware.memory(), hardware.cores()
    text = f"{cores} cores, {human_bytes(found.available)} of memory free of {human_bytes(found.total)}"
    if found.available >= _LITTLE_MEMORY:
        return ok("machine", text)
    return warning(
        "machine", text, "end other programs, or use small models: 'corral plan MODEL' tells which"
    )


def _disk(settings: Settings) -> Finding:
    folder = settings.models
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    text = f"{human_bytes(free)} free for models in {folder}"
    if free >= _LITTLE_DISK:
        return ok("disk", text)
    return warning("disk", text, "remove models with 'corral rm', or set CORRAL_MODELS to a larger disk")
