"""The slots of an engine as far as saving and restoring goes: states are texts, files are real."""

from __future__ import annotations

from pathlib import Path

from corral.errors import EngineError


class FakeEngineSlots:
    """Stands for an engine's client. `states` are what slots hold, `calls` what was asked of it."""

    def __init__(self, folder: Path, *, size: int = 1000) -> None:
        self.states: dict[int, str] = {}
        self.calls: list[str] = []
        self.size = size
        self.fails = False
        self._folder = folder

    async def save_slot(self, slot: int, name: str) -> None:
        self.calls.append(f"save {slot}")
        self._folder.joinpath(name).write_bytes(self.states[slot].encode().ljust(self.size))
        if self.fails:
            raise EngineError("the disk is full", status=500)

    async def restore_slot(self, slot: int, name: str) -> None:
        self.calls.append(f"restore {slot}")
        self.states.pop(slot, None)
        if self.fails:
            raise EngineError("it does not fit", status=400)
        self.states[slot] = self._folder.joinpath(name).read_bytes().decode().rstrip()

    async def set_adapters(self, slot: int, scales: tuple[float, ...]) -> None:
        self.calls.append(f"adapters {slot} {scales}")
        self.states.pop(slot, None)

    async def erase_slot(self, slot: int) -> None:
        self.calls.append(f"erase {slot}")
        self.states.pop(slot, None)
