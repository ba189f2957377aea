"""Events of a child added up, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from corral.tune.events import DataRead, Evaluated, Event, Judged, Planned, Saved, Stepped
from corral.tune.jobs.job import Summary


def add(summary: Summary, event: Event) -> Summary:
    match event:
        case DataRead():
            # A child begins: what comes now is measured from its own first step.
            tokens = _tokens_per_epoch(event.report)
            return replace(summary, first_step_at=0.0, first_step=0, tokens_per_epoch=tokens)
        case Planned():
            return replace(summary, plan=event)
        case Stepped() if not summary.first_step_at:
            return replace(summary, step=event, first_step_at=event.t, first_step=event.step)
        case Stepped():
            return replace(summary, step=event)
        case Evaluated():
            return replace(summary, first_eval=summary.first_eval or event, last_eval=event)
        case Saved():
            return replace(summary, checkpoint=event.step)
        case Judged():
            return replace(summary, gate=event)
        case _:
            return summary


def summed(events: Iterable[Event]) -> Summary:
    summary = Summary()
    for event in events:
        summary = add(summary, event)
    return summary


def _tokens_per_epoch(report: Mapping[str, Any]) -> float:
    """Of the rows that are trained on, were all rows alike; the report counts those that are held out too."""
    used = report.get("used") or 0
    return report.get("trained_tokens", 0) * report.get("train_rows", 0) / used if used else 0.0


def remaining_s(summary: Summary) -> float | None:
    """Seconds until the last step, at the speed so far; None while it is not known."""
    step = summary.step
    if step is None or step.step <= summary.first_step:
        return None
    per_step = (step.t - summary.first_step_at) / (step.step - summary.first_step)
    return max(step.steps - step.step, 0) * per_step
