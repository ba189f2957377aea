"""The losses of a job as a table for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from corral.tune.events import Evaluated, Event, Stepped

_COLUMNS = ("step", "train_loss", "valid_loss", "learning_rate")


def curves_csv(events: Iterable[Event]) -> bytes:
    """One line a step; a step that was done twice, by a job that went on, counts as done last."""
    rows: dict[int, dict[str, float]] = {}
    for event in events:
        if isinstance(event, Stepped):
            row = rows.setdefault(event.step, {})
            row |= {"train_loss": event.loss, "learning_rate": event.learning_rate}
        elif isinstance(event, Evaluated):
            rows.setdefault(event.step, {})["valid_loss"] = event.loss
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"step": step} | rows[step] for step in sorted(rows))
    return out.getvalue().encode()
