"""A look at the data and at the work, in a folder that is gone afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from msgspec.structs import replace

from corral.settings import Settings
from corral.tune.events import Event, Failed, Planned
from corral.tune.jobs.child import start
from corral.tune.jobs.folder import LOG, Inputs, JobFolder
from corral.tune.jobs.job import Job
from corral.tune.jobs.results import crash
from corral.tune.spec import Mode


async def planned(
    settings: Settings, folder: JobFolder, job: Job, manifest: bytes, files: Inputs, mode: Mode
) -> AsyncGenerator[Event, None]:
    """What a child says of `job`, whose base has `manifest`. Raises StorageError."""
    try:
        inputs = await asyncio.to_thread(folder.make, manifest, files)
        spec = await asyncio.to_thread(folder.write_spec, replace(job, inputs=inputs), settings, mode)
        child = await start(spec, folder.path / LOG)
        try:
            said = False
            async for event in child.events():
                said = said or isinstance(event, Failed | Planned)
                yield event
            code = await child.wait()
            if code and not said:
                problem = crash(code, folder.path / LOG)
                yield Failed(t=time.time(), kind=problem.kind, message=problem.message, hint=problem.hint)
        finally:
            await asyncio.shield(child.end())
    finally:
        await asyncio.shield(asyncio.to_thread(folder.remove))
