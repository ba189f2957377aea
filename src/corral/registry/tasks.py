"""Several tasks at once, of which the first error ends all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """asyncio's group, but what it raises is the first error itself and not a group of errors."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it is over, whatever becomes of it."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
