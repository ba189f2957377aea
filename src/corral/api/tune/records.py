"""Jobs and their events as JSON. Seconds and bytes are in the names of their fields, as in the events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from corral.core.units import local_time_text
from corral.tune.events import Event
from corral.tune.jobs import Job, Summary, remaining_s

Record = dict[str, Any]
_PROGRESS = ("step", "steps", "epoch", "loss", "learning_rate", "tokens_per_s")


def job_record(job: Job) -> Record:
    """What has not happened yet is left out."""
    wanted = job.wanted
    out: Record = {
        "id": job.id,
        "state": job.state,
        "model": wanted.base,
        "name": wanted.name,
        "format": wanted.format,
        "preset": wanted.preset,
        "hyperparameters": msgspec.to_builtins(wanted.options),
        "device": wanted.device,
        "num_thread": wanted.num_threads,
        "merge": wanted.merge,
        "quantize": wanted.quantize,
        "force": wanted.force,
        "files": [
            {"role": file.role, "id": file.id, "name": file.name, "bytes": file.size} for file in job.inputs
        ],
        "created_at": local_time_text(job.created_at),
    }
    for name in ("started_at", "finished_at"):
        if moment := getattr(job, name):
            out[name] = local_time_text(moment)
    if job.reason:
        out["reason"] = job.reason
    if job.error is not None:
        out["error"] = msgspec.to_builtins(job.error)
    if job.model:
        out["published"] = job.model
    return out | _summary(job.summary, running=job.state == "running")


def event_record(event: Event) -> Record:
    record: Record = msgspec.to_builtins(event)
    return record


def line_record(number: int, line: bytes) -> bytes:
    """An event as the child wrote it, with its number; empty for a line that is no event."""
    return line[:-1] + b',"position":%d}' % number if line.startswith(b"{") and line.endswith(b"}") else b""


def _summary(summary: Summary, *, running: bool) -> Record:
    out: Record = {}
    if summary.plan is not None:
        out["plan"] = _fields(summary.plan)
    if summary.step is not None:
        out["progress"] = {name: getattr(summary.step, name) for name in _PROGRESS}
        left = remaining_s(summary) if running else None
        if left is not None:
            out["progress"]["remaining_s"] = round(left, 1)
    if summary.first_eval is not None and summary.last_eval is not None:
        out["held_out_loss"] = {"before": summary.first_eval.loss, "now": summary.last_eval.loss}
    if summary.checkpoint is not None:
        out["checkpoint"] = summary.checkpoint
    if summary.gate is not None:
        out["gate"] = _fields(summary.gate)
    return out


def _fields(event: Event) -> Record:
    fields: Mapping[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in fields.items() if name not in ("event", "t")}
