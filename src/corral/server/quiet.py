"""uvicorn's server without its ten looks a second for a reason to end.

Each wakes the process, which costs a fifth of a millisecond where the engine has filled the caches meanwhile:
as much again as a token of a slow model.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import FrameType

import uvicorn

# How often the date in the heads of answers is made anew.
_DATE_S = 1.0


class QuietServer(uvicorn.Server):
    """Looks once a second, and at once when a signal says to end."""

    _loop: asyncio.AbstractEventLoop | None = None
    _signalled: asyncio.Event

    async def main_loop(self) -> None:
        self._loop, self._signalled = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):  # 0: the count of a look at which the date is made
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DATE_S):
                    await self._signalled.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._signalled.set)
