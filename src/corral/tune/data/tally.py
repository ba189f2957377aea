"""Counts what happens to the rows, for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from corral.errors import InvalidInput
from corral.tune.data.encoding import EncodedRow
from corral.tune.data.report import DropReason, Lengths
from corral.tune.data.rows import Dropped, Place

_MAX_PLACES = 10
_MAX_SAID = 3
# Reasons quote what they found; a hostile file has another one in every row.
_MAX_REASONS = 50
_MAX_REASON = 200
_OTHER = "other reasons"


@dataclass(slots=True)
class Tally:
    """`lengths` are the tokens of sequences before any was cut; `num_cut` and `num_lost` as in EncodedRow."""

    num_rows: int = 0
    num_cut: int = 0
    num_lost: int = 0
    num_unreasoned: int = 0  # answers without reasoning, of a base that reasons
    num_reasoned: int = 0  # rows that got the base's own
    lengths: list[int] = field(default_factory=list)
    _places: dict[str, list[Place]] = field(default_factory=dict)  # by reason, the first ones
    _num_dropped: Counter[str] = field(default_factory=Counter)

    def use(self, row: EncodedRow) -> None:
        self.num_rows += 1
        self.num_cut += row.num_cut
        self.num_lost += row.num_lost
        self.num_unreasoned += row.is_unreasoned
        self.num_reasoned += row.is_reasoned
        self.lengths += row.lengths

    def drop(self, row: Dropped) -> None:
        self.num_rows += 1
        reason = row.reason[:_MAX_REASON]
        if reason not in self._places and len(self._places) >= _MAX_REASONS:
            reason = _OTHER
        self._num_dropped[reason] += 1
        places = self._places.setdefault(reason, [])
        if len(places) < _MAX_PLACES:
            places.append(row.place)

    def merged(self, other: Tally) -> Tally:
        places = dict(self._places)
        for reason, more in other._places.items():
            places[reason] = (places.get(reason, []) + more)[:_MAX_PLACES]
        return Tally(
            self.num_rows + other.num_rows,
            self.num_cut + other.num_cut,
            self.num_lost + other.num_lost,
            self.num_unreasoned + other.num_unreasoned,
            self.num_reasoned + other.num_reasoned,
            self.lengths + other.lengths,
            places,
            self._num_dropped + other._num_dropped,
        )

    def dropped(self) -> tuple[DropReason, ...]:
        """The commonest reason first."""
        return tuple(
            DropReason(reason=reason, rows=rows, places=tuple(map(str, self._places[reason])))
            for reason, rows in self._num_dropped.most_common()
        )

    def reasons(self) -> str:
        """Why rows were dropped, the commonest reason first; empty where none was."""
        said = [f"{found.reason} ({_rows(found.rows)}, {found.places[0]})" for found in self.dropped()]
        more = f"; and {len(said) - _MAX_SAID} more reasons" if len(said) > _MAX_SAID else ""
        return "; ".join(said[:_MAX_SAID]) + more

    def nothing_left(self) -> InvalidInput:
        """The error for data of which no row can be used."""
        return InvalidInput(
            f"no row can be used: {self.reasons() or 'there is none'}",
            hint="nothing was trained; docs/tuning-data.md describes what rows must look like",
        )


def lengths_of(lengths: Sequence[int]) -> Lengths:
    if not lengths:
        return Lengths()
    ordered = sorted(lengths)
    last = len(ordered) - 1
    return Lengths(
        min=ordered[0], median=ordered[last // 2], p95=ordered[round(last * 0.95)], max=ordered[last]
    )


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
