"""The page of a job, made by a child and kept in the job's folder."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec

import msgspec

from corral.engine import child_environment
from corral.errors import CorralError, StorageError, Unsupported
from corral.tune.jobs.folder import EVENTS, REPORT, JobFolder
from corral.tune.jobs.job import Job

_TIMEOUT_S = 120.0


async def report(folder: JobFolder, job: Job) -> bytes:
    """The page; made anew where something has happened since. Raises Unsupported, StorageError."""
    path, events = folder.path / REPORT, folder.path / EVENTS
    known_at = max(job.finished_at, events.stat().st_mtime if events.exists() else 0.0)
    if path.exists() and path.stat().st_mtime > known_at:
        return await asyncio.to_thread(path.read_bytes)
    if find_spec("matplotlib") is None:
        raise Unsupported(
            "reports need matplotlib, which is not installed here",
            hint="on the server's machine, run: pip install 'corral[tune]'",
        )
    page = await _make(folder, job)
    try:
        await asyncio.to_thread(path.write_bytes, page)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    return page


async def _make(folder: JobFolder, job: Job) -> bytes:
    pipe = asyncio.subprocess.PIPE
    words = (sys.executable, "-m", "corral.tune.report", str(folder.path))
    # Its fonts are looked up once, and remembered in the folder of all jobs.
    env = child_environment() | {"MPLCONFIGDIR": str(folder.path.parent / "matplotlib")}
    try:
        child = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=pipe, env=env)
    except OSError as error:
        raise StorageError(f"error starting the report: {error}") from error
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            page, said = await child.communicate(msgspec.json.encode(job) + b"\n")
    except TimeoutError:
        raise CorralError("the report took too long to be made") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise CorralError(f"the report could not be made: {said.decode('utf-8', 'replace').strip()[-500:]}")
    return page
