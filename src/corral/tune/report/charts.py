"""Curves as PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from corral.tune.events import Evaluated, Event, Stepped

_SIZE = (8.0, 3.2)  # inches
_DPI = 110
_SMOOTH = 0.1  # the share of the newest step in the curve that is smoothed


def loss_chart(events: Sequence[Event]) -> bytes | None:
    """Loss by step: of each batch, smoothed, and of the held-out examples. None where there is none."""
    steps, evals = _steps(events), [event for event in events if isinstance(event, Evaluated)]
    if not steps and not evals:
        return None
    figure, axes = _figure("loss (nats a token)")
    if steps:
        numbers, losses = [step.step for step in steps], [step.loss for step in steps]
        axes.plot(numbers, losses, color="#9db4c9", linewidth=0.8, label="batches")
        axes.plot(numbers, _smoothed(losses), color="#1f5f99", linewidth=1.8, label="smoothed")
    if evals:
        held_out = {event.step: event.loss for event in evals}
        axes.plot(*zip(*sorted(held_out.items()), strict=True), "o-", color="#c4501b", label="held out")
    axes.legend(frameon=False)
    return _png(figure)


def pace_chart(events: Sequence[Event]) -> bytes | None:
    """Learning rate and tokens a second by step."""
    steps = _steps(events)
    if not steps:
        return None
    figure, axes = _figure("learning rate")
    numbers = [step.step for step in steps]
    axes.plot(numbers, [step.learning_rate for step in steps], color="#1f5f99")
    other = axes.twinx()
    other.plot(numbers, [step.tokens_per_s for step in steps], color="#7a9a3b", linewidth=0.8)
    other.set_ylabel("tokens a second")
    return _png(figure)


def _steps(events: Sequence[Event]) -> list[Stepped]:
    """In order, the last of each number: a job that was resumed has done some twice."""
    found = {event.step: event for event in events if isinstance(event, Stepped)}
    return [found[number] for number in sorted(found)]


def _smoothed(values: Sequence[float]) -> list[float]:
    out = [values[0]]
    for value in values[1:]:
        out.append(out[-1] + _SMOOTH * (value - out[-1]))
    return out


def _figure(label: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # draws without a display; a large library

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
