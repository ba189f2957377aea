"""The HTML around the curves. It needs nothing beside itself."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from corral.core.units import human_bytes, local_time_text
from corral.tune.events import DataRead, Event, Note
from corral.tune.jobs.job import Job
from corral.tune.report.charts import loss_chart, pace_chart

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; } h1, h2 { font-weight: 600; } table { border-collapse: collapse; }
th { text-align: left; padding: .2rem 1.5rem .2rem 0; font-weight: 500; vertical-align: top; color: #555; }
td, pre { padding: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { background: #f6f6f4; padding: .6rem .8rem; font-size: .85rem; } mark { background: #cfe8cf; }
"""

Row = tuple[str, str]


def page(job: Job, events: Sequence[Event]) -> str:
    reports = [event.report for event in events if isinstance(event, DataRead)]
    report: Mapping[str, Any] = reports[-1] if reports else {}
    sections = [
        _section("Job", _table(_job_rows(job))),
        _section("Loss", _image(loss_chart(events), "Loss by step")),
        _section("Pace", _image(pace_chart(events), "Learning rate and tokens a second by step")),
        _section("Before and after", _table(_gate_rows(job))),
        _section("Data", _table(_data_rows(report))),
        _section(
            "The first rows: what is learnt is marked", "".join(map(_sample, report.get("samples", ())))
        ),
        _section("Plan", _table(_plan_rows(job))),
        _section("Notes", _table(("", event.text) for event in events if isinstance(event, Note))),
    ]
    title = html.escape(f"Fine-tuning of {job.wanted.base}: {job.wanted.name}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{''.join(sections)}</body></html>\n"
    )


def _job_rows(job: Job) -> Iterable[Row]:
    yield "job", job.id
    yield "state", f"{job.state}: {job.reason}" if job.reason else job.state
    if job.error is not None:
        yield "error", job.error.message
    if job.model:
        yield "model", job.model
    yield "preset", job.wanted.preset
    for title, moment in (("begun", job.started_at), ("ended", job.finished_at)):
        if moment:
            yield title, local_time_text(moment)
    for file in job.inputs:
        yield file.role, f"{file.name} ({human_bytes(file.size)})"


def _gate_rows(job: Job) -> Iterable[Row]:
    gate = job.summary.gate
    if gate is None:
        return
    yield gate.measured, f"{gate.loss_before:.4f} → {gate.loss_after:.4f}"
    if gate.prompts:
        yield "prompts", f"{gate.passed_before} → {gate.passed_after} of {gate.prompts}"
    yield "better", f"{'yes' if gate.better else 'no'}: {gate.reason}"


def _data_rows(report: Mapping[str, Any]) -> Iterable[Row]:
    for name, value in report.items():
        if name != "samples" and value != []:
            yield name.replace("_", " "), _text(name, value)


def _sample(sample: Mapping[str, Any]) -> str:
    pieces = [(html.escape(str(text)), trained) for text, trained in sample["spans"]]
    body = "".join(f"<mark>{text}</mark>" if trained else text for text, trained in pieces)
    return f"<h3>{html.escape(_text('place', sample['place']))}</h3><pre>{body}</pre>"


def _plan_rows(job: Job) -> Iterable[Row]:
    plan = job.summary.plan
    if plan is None:
        return
    yield "device", plan.device
    yield "steps", str(plan.steps)
    yield "memory", human_bytes(plan.memory_bytes)
    for name, value in plan.options.items():
        yield name.replace("_", " "), _text(name, value)


def _text(name: str, value: Any) -> str:
    """A value of that name for people: many in lines, sizes in their units, files without folders."""
    match value:
        case dict():
            return ", ".join(f"{key.replace('_', ' ')} {_text(key, part)}" for key, part in value.items())
        case list():
            return "\n".join(_text(name, part) for part in value)
        case None:
            return "-"
        case int() if name.endswith("bytes"):
            return human_bytes(value)
        case float():
            return f"{value:g}"
    return str(value).rsplit("/", 1)[-1] if name in ("path", "place", "places") else str(value)


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>{body}" if body else ""


def _table(rows: Iterable[Row]) -> str:
    cells = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in rows]
    return f"<table>{''.join(cells)}</table>" if cells else ""


def _image(png: bytes | None, words: str) -> str:
    if png is None:
        return ""
    return f'<img alt="{words}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
