"""The file for an event loop: each call runs in one thread of its own, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from corral.database.file import DatabaseFile, Work

T = TypeVar("T")


class Database:
    """As DatabaseFile, but every call is awaited. The thread begins with the first call."""

    def __init__(self, path: Path) -> None:
        self._file = DatabaseFile(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    def exists(self) -> bool:
        return self._file.exists()

    async def read(self, work: Work[T]) -> T:
        return await self._call(lambda: self._file.read(work))

    async def write(self, work: Work[T]) -> T:
        """A caller that is cancelled does not take its changes back."""
        return await self._call(lambda: self._file.write(work))

    async def version(self) -> int:
        return await self._call(self._file.version)

    async def close(self) -> None:
        """Wait for what is running, then close the file. Nothing may be called afterwards."""
        await self._call(self._file.close)
        self._thread.shutdown()

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
