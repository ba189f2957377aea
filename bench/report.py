"""Rows of figures, what is worked out from them, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Sample, Samples

RESULTS = Path(__file__).parent / "results"

# Factors from seconds, bytes and counts to the units shown.
MICRO, MILLI, MEGABYTES, PLAIN = 1e6, 1e3, 1e-6, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of every side. `base` is the bare engine, or what stands for it (named in `base_is`).

    Values are in seconds, bytes or counts; `unit` is what they are shown in, after multiplying by `scale`.
    `added` is what the budget limits, where `budget` is given: values of its own, else corral less base.
    """

    name: str
    unit: str
    scale: float
    corral: Sample
    base: Sample | None = None
    against: Sample | None = None
    base_is: str = "engine"
    added: Sample | None = None
    budget: float | None = None
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """Corral over the base, of medians."""
        return ratio(self.corral, self.base)

    @property
    def against_ratio(self) -> float | None:
        """Corral over the other server."""
        return ratio(self.corral, self.against)

    @property
    def added_value(self) -> float | None:
        if self.added is not None:
            return self.added.median
        if self.base is None or self.more_is_better:
            return None
        return self.corral.median - self.base.median

    @property
    def kept(self) -> bool | None:
        """Whether the budget is kept; None where there is none."""
        value = self.added_value
        return None if self.budget is None or value is None else value <= self.budget

    def record(self) -> dict[str, Any]:
        """For the JSON file: all values, in the unit shown."""
        return {
            "name": self.name,
            "unit": self.unit,
            "base_is": self.base_is,
            "more_is_better": self.more_is_better,
            "base": self._sample(self.base),
            "corral": self._sample(self.corral),
            "against": self._sample(self.against),
            "ratio": self.ratio,
            "against_ratio": self.against_ratio,
            "added": self._scaled(self.added_value),
            "budget": self._scaled(self.budget),
            "kept": self.kept,
        }

    def cells(self, *, with_against: bool) -> list[str]:
        is_plain = self.base_is in ("engine", "none")
        name = self.name if is_plain else f"{self.name} (base: {self.base_is})"
        out = [name, self.unit, self._shown(self.base), self._shown(self.corral), times(self.ratio)]
        if with_against:
            out += [self._shown(self.against), times(self.against_ratio)]
        verdict = {None: "", True: "kept", False: "MISSED"}[self.kept]
        return [*out, number(self._scaled(self.added_value)), number(self._scaled(self.budget)), verdict]

    def _scaled(self, value: float | None) -> float | None:
        return None if value is None else value * self.scale

    def _shown(self, sample: Sample | None) -> str:
        if sample is None:
            return ""
        return f"{number(sample.median * self.scale)} ± {number(sample.spread * self.scale)}"

    def _sample(self, sample: Sample | None) -> dict[str, Any] | None:
        if sample is None:
            return None
        return {
            "median": sample.median * self.scale,
            "spread": sample.spread * self.scale,
            "values": [value * self.scale for value in sample.values],
        }


@dataclass(slots=True)
class Report:
    """The rows so far, and facts about the run."""

    facts: dict[str, Any]
    rows: list[Row] = field(default_factory=list)

    def add(self, name: str, unit: str, scale: float, samples: Samples, **more: Any) -> None:
        """A row from the samples of targets by their names."""
        row = Row(
            name=name,
            unit=unit,
            scale=scale,
            corral=samples["corral"],
            base=samples.get("engine"),
            against=samples.get("against"),
            **more,
        )
        self.rows.append(row)

    def write(self) -> Path:
        """Write a JSON file named after the moment."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
        content = {**self.facts, "rows": [row.record() for row in self.rows]}
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path

    def print(self, console: Console) -> None:
        with_against = any(row.against is not None for row in self.rows)
        console.print(make_table(self.rows, with_against=with_against))

    @property
    def missed(self) -> list[str]:
        """The names of rows over their budget."""
        return [row.name for row in self.rows if row.kept is False]


def make_table(rows: Sequence[Row], *, with_against: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    heads = ["figure", "unit", "engine", "corral", "ratio"]
    heads += ["against", "ratio"] if with_against else []
    for index, head in enumerate([*heads, "added", "budget", ""]):
        table.add_column(head, justify="left" if index < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row.cells(with_against=with_against))
    return table


def ratio(mine: Sample, other: Sample | None) -> float | None:
    """Of the medians; None without another, or where it is zero."""
    return mine.median / other.median if other is not None and other.median else None


def number(value: float | None) -> str:
    """About three digits."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}x"
