"""What becomes of a job when its child has ended."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from corral.errors import CorralError
from corral.library import Library, Tuned
from corral.tune.events import Done, Failed
from corral.tune.jobs.folder import LOG, JobFolder
from corral.tune.jobs.job import Job, Problem
from corral.tune.jobs.running import Running

_LOG_LINES = 5


def ended(job: Job, running: Running, folder: JobFolder) -> Job:
    """The job by what its child said last, before anything is made of it."""
    job = replace(job, summary=running.summary, finished_at=time.time())
    match running.said:
        case Failed() as failed:
            error = Problem(kind=failed.kind, message=failed.message, hint=failed.hint)
            return replace(job, state="failed", error=error)
        case Done() as done:
            gate = running.summary.gate
            reason = gate.reason if gate is not None and not gate.better else ""
            parts = {"card": done.card, "adapter": done.adapter, "merged": done.merged}
            return replace(job, state="draft", reason=reason, **parts)
    if running.reason:
        return replace(job, state="stopped", reason=running.reason)
    return replace(job, state="failed", error=crash(running.code, folder.path / LOG))


def is_worth_its_name(job: Job) -> bool:
    gate = job.summary.gate
    return job.wanted.force or (gate is not None and gate.better)


async def publish(library: Library, folder: JobFolder, job: Job, name: str) -> Job:
    """Make the model `name` of what was trained. Raises CorralError, and makes nothing then."""
    tuned = Tuned(
        name=name,
        base=folder.base_manifest(),
        base_name=job.wanted.base,
        card=folder.read(job.card),
        adapter=None if job.merged else folder.path / job.adapter,
        merged=folder.path / job.merged if job.merged else None,
    )
    await library.make_tuned(tuned)
    return replace(job, state="succeeded", reason="", error=None, model=name)


def failed(job: Job, error: CorralError, **fields: Any) -> Job:
    problem = Problem(kind=type(error).__name__, message=error.message, hint=error.hint or "")
    return replace(job, state="failed", error=problem, finished_at=time.time(), **fields)


def crash(code: int, log: Path) -> Problem:
    if code == -signal.SIGKILL:
        return Problem(
            kind="NotEnoughMemory",
            message="the trainer was killed, most likely because memory ran out",
            hint="train with a smaller micro_batch_size or max_length",
        )
    lines = log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    said = f": {' | '.join(line.strip() for line in lines)}" if lines else ""
    return Problem(kind="RunnerCrashed", message=f"the trainer ended with status {code}{said}")
