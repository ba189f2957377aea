"""The one job that runs: its child, and what has been asked of it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from corral.tune.events import Done, Failed
from corral.tune.jobs.child import Child, start
from corral.tune.jobs.job import Job, Summary
from corral.tune.jobs.summary import add
from corral.tune.spec import Spec

# A checkpoint is written after the step that runs, which may be a long one.
_STOP_S = 180.0


@dataclass(slots=True)
class Running:
    """`reason` is why it was asked to stop last; empty: it was not. `over`: all is written down."""

    id: str
    summary: Summary
    child: Child | None = None
    reason: str = ""
    said: Done | Failed | None = None
    code: int = 0
    ended: Job | None = None  # what came of it, before that is written down
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _killer: asyncio.TimerHandle | None = None

    async def train(self, spec: Spec, log: Path, on_event: Callable[[], None]) -> None:
        """Run the child to its end; what it said is in `summary` and `said`. Raises StorageError."""
        self.child = await start(spec, log)
        try:
            if self.reason:
                self.child.stop()
            async for event in self.child.events():
                self.summary = add(self.summary, event)
                if isinstance(event, Done | Failed):
                    self.said = event
                on_event()
            self.code = await self.child.wait()
        finally:
            if self._killer is not None:
                self._killer.cancel()
            await asyncio.shield(self.child.end())

    def stop(self, reason: str, *, within_s: float = _STOP_S) -> None:
        """Have it write a checkpoint and end; what has not ended in time is killed."""
        self.reason = reason
        if self._killer is not None:
            self._killer.cancel()
        loop = asyncio.get_running_loop()
        self._killer = loop.call_later(within_s, self.kill)
        if self.child is not None:
            self.child.stop()

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()
