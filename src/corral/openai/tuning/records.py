"""Jobs, their events and checkpoints in OpenAI's shapes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from corral.tune.events import (
    DataRead,
    Done,
    Evaluated,
    Event,
    Failed,
    Judged,
    Note,
    Planned,
    Saved,
    Stepped,
)
from corral.tune.jobs import Job, remaining_s

Record = dict[str, Any]
_STATUS = {"stopping": "running", "draft": "failed", "stopped": "paused"}
_DEFAULT_SEED = 0


def job_record(job: Job) -> Record:
    files = {file.role: file.id for file in reversed(job.inputs)}
    given = _hyperparameters(job)
    running = job.state in ("running", "stopping")
    left = remaining_s(job.summary) if running else None
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": int(job.created_at),
        "finished_at": int(job.finished_at) or None,
        "estimated_finish": int(time.time() + left) if left is not None else None,
        "model": job.wanted.base,
        "fine_tuned_model": job.model or None,
        "organization_id": "",
        "status": _status(job),
        "hyperparameters": given,
        "method": {"type": "supervised", "supervised": {"hyperparameters": given}},
        "training_file": files.get("data", ""),
        "validation_file": files.get("validation"),
        "result_files": [job.result_file] if job.result_file else [],
        "trained_tokens": job.summary.trained_tokens if job.state in ("succeeded", "draft") else None,
        "error": _error(job),
        "seed": _option(job, "seed", _DEFAULT_SEED),
        "integrations": [],
        "metadata": job.metadata,
    }


def _status(job: Job) -> str:
    if job.state == "running" and job.summary.plan is None:
        return "validating_files"
    if job.state == "stopped" and job.cancelled:
        return "cancelled"
    return _STATUS.get(job.state, job.state)


def _hyperparameters(job: Job) -> Record:
    """What holds: as asked for until there is a plan, then as the plan has it."""
    return {
        "n_epochs": _option(job, "epochs", "auto"),
        "batch_size": _option(job, "batch_size", "auto"),
        "learning_rate_multiplier": job.wanted.learning_rate_multiplier or "auto",
    }


def _option(job: Job, name: str, default: Any) -> Any:
    planned = job.summary.plan.options.get(name) if job.summary.plan is not None else None
    value = planned if planned is not None else getattr(job.wanted.options, name)
    if isinstance(value, float) and value == int(value):
        return int(value)
    return default if value is None else value


def _error(job: Job) -> Record | None:
    if job.state == "draft":
        message = f"the result is no better than its base: {job.reason} (corral tune publish {job.id})"
        return {"code": "not_better", "message": message, "param": None}
    if job.error is None:
        return None
    in_data = job.summary.plan is None and job.error.kind == "InvalidInput"
    code = "invalid_training_file" if in_data else "server_error"
    return {
        "code": code,
        "message": job.error.message,
        "param": "training_file" if in_data else None,
    }


def event_records(job: Job, events: Sequence[Event]) -> list[Record]:
    """The newest first."""
    records = [_created(job)]
    records += [_event(job, number, event) for number, event in enumerate(events, 1)]
    return records[::-1]


def _created(job: Job) -> Record:
    return _record(job, 0, int(job.created_at), f"Created fine-tuning job: {job.id}")


def _event(job: Job, number: int, event: Event) -> Record:
    at = int(event.t)
    data = {name: value for name, value in msgspec.to_builtins(event).items() if name not in ("event", "t")}
    match event:
        case Stepped():
            text = f"Step {event.step}/{event.steps}: training loss={event.loss:.4f}"
            metrics = data | {"train_loss": event.loss, "total_steps": event.steps}
            return _record(job, number, at, text, type="metrics", data=metrics)
        case Evaluated():
            text = f"Step {event.step}: validation loss={event.loss:.4f}"
            return _record(job, number, at, text, type="metrics", data=data | {"valid_loss": event.loss})
        case Failed():
            return _record(job, number, at, event.message, level="error", data=data)
        case _:
            return _record(job, number, at, _words(event), data=data)


def _words(event: Event) -> str:
    match event:
        case DataRead():
            return f"Files validated: {event.report.get('used', 0)} of {event.report.get('rows', 0)} rows"
        case Planned():
            return f"Training begins: {event.steps} steps on {event.device}"
        case Saved():
            return f"Checkpoint at step {event.step}"
        case Judged():
            return f"{'Better' if event.better else 'Not better'} than the base: {event.reason}"
        case Note():
            return event.text
        case Done():
            return "Training has ended"
        case _:
            return type(event).__name__


def _record(job: Job, number: int, at: int, message: str, **more: Any) -> Record:
    return {
        "object": "fine_tuning.job.event",
        "id": f"ftevent-{job.id}-{number}",
        "created_at": at,
        "level": "info",
        "message": message,
        "type": "message",
        "data": None,
    } | more


def checkpoint_records(job: Job, events: Sequence[Event]) -> list[Record]:
    """What can be used: the model that was made. Checkpoints on the way are for going on from."""
    step = job.summary.step
    if not job.model or step is None:
        return []
    losses = list(_metrics(events))
    return [
        {
            "object": "fine_tuning.job.checkpoint",
            "id": f"ftckpt-{job.id}-{step.step}",
            "created_at": int(job.finished_at),
            "fine_tuned_model_checkpoint": job.model,
            "fine_tuning_job_id": job.id,
            "step_number": step.step,
            "metrics": {"step": step.step} | (losses[-1] if losses else {}),
        }
    ]


def _metrics(events: Sequence[Event]) -> Iterator[Record]:
    """The newest losses after each event that tells one."""
    known: Record = {}
    for event in events:
        if isinstance(event, Stepped):
            known |= {"train_loss": event.loss}
        elif isinstance(event, Evaluated):
            known |= {"valid_loss": event.loss, "full_valid_loss": event.loss}
        else:
            continue
        yield dict(known)
