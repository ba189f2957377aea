"""What is read off a simulation, and tables of it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from rich.table import Table

from bench.sim.run import Outcome
from bench.sim.trace import HOUR

_UNPOPULAR = 0.5  # the part of the models that counts as little used


@dataclass(frozen=True, slots=True)
class Figures:
    """Waits are seconds until a slot is there. `unpopular`: for the little used half of the models."""

    wait_p50: float
    wait_p95: float
    wait_p99: float
    wait_mean: float
    unpopular_mean: float
    reloads_per_hour: float
    loading_share: float  # of the time
    cached_share: float  # of the tokens that a conversation brings back
    busy_slots: float
    failed: float

    @classmethod
    def of(cls, outcome: Outcome) -> Figures:
        waits = sorted(served.wait_s for served in outcome.served)
        first_unpopular = int(outcome.models * (1 - _UNPOPULAR))
        unpopular = [s.wait_s for s in outcome.served if s.turn.model >= first_unpopular]
        brought = sum(served.turn.prefix for served in outcome.served)
        return cls(
            wait_p50=_quantile(waits, 0.50),
            wait_p95=_quantile(waits, 0.95),
            wait_p99=_quantile(waits, 0.99),
            wait_mean=statistics.fmean(waits),
            unpopular_mean=statistics.fmean(unpopular) if unpopular else 0.0,
            reloads_per_hour=(outcome.loads - outcome.first_loads) / outcome.seconds * HOUR,
            loading_share=outcome.load_s / outcome.seconds,
            cached_share=sum(served.cached for served in outcome.served) / max(brought, 1),
            busy_slots=outcome.busy_s / outcome.seconds,
            failed=float(outcome.failed.total()),
        )


def mean(figures: Sequence[Figures]) -> Figures:
    """Of several seeds."""
    return Figures(*(statistics.fmean(getattr(f, name.name) for f in figures) for name in fields(Figures)))


def table(title: str, rows: Mapping[str, Figures]) -> Table:
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    made.add_column("")
    for heading in (
        "p50 s",
        "p95 s",
        "p99 s",
        "mean s",
        "little used",
        "reloads/h",
        "loading",
        "cached",
        "busy slots",
    ):
        made.add_column(heading, justify="right")
    for name, f in rows.items():
        made.add_row(
            name,
            f"{f.wait_p50:.1f}",
            f"{f.wait_p95:.1f}",
            f"{f.wait_p99:.1f}",
            f"{f.wait_mean:.2f}",
            f"{f.unpopular_mean:.2f}",
            f"{f.reloads_per_hour:.0f}",
            f"{f.loading_share:.0%}",
            f"{f.cached_share:.0%}",
            f"{f.busy_slots:.1f}",
        )
    return made


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(int(share * len(values)), len(values) - 1)]
