"""A curve in a few lines of Braille: each letter holds two columns and four rows of points. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

Point = tuple[float, float]

# The bit of each point within a letter, by row and column. Source: the Unicode block Braille Patterns.
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_EMPTY = 0x2800


def chart(
    curve: Sequence[Point], marks: Sequence[Point], *, columns: int, rows: int, last_x: float
) -> list[str]:
    """`rows` lines of at most `columns` letters: `curve` as a line, `marks` as `o`, from x = 0 to `last_x`.

    The scale stands on the left of the first and the last line. Empty without a point.
    """
    points = [point for point in (*curve, *marks) if isfinite(point[1])]
    if not points or rows < 2:
        return []
    low, high = min(y for _, y in points), max(y for _, y in points)
    labels = [f"{high:.2f}", f"{low:.2f}"]
    margin = max(map(len, labels)) + 1
    canvas = _Canvas(max(columns - margin - 1, 2), rows, last_x, low, high)
    canvas.line([point for point in curve if isfinite(point[1])])
    canvas.marks([point for point in marks if isfinite(point[1])])
    sides = [labels[0], *[""] * (rows - 2), labels[1]]
    return [f"{side:>{margin}}│{line}" for side, line in zip(sides, canvas.lines(), strict=True)]


class _Canvas:
    def __init__(self, columns: int, rows: int, last_x: float, low: float, high: float) -> None:
        self._bits = [[0] * columns for _ in range(rows)]
        self._marks: set[tuple[int, int]] = set()
        self._scale_x = (columns * 2 - 1) / max(last_x, 1.0)
        self._height = rows * 4 - 1
        self._low, self._range = low, (high - low) or 1.0

    def line(self, points: Sequence[Point]) -> None:
        """Straight from each point to the next."""
        places = [self._place(point) for point in points]
        if len(places) == 1:
            self._set(*places[0])
        for (x0, y0), (x1, y1) in pairwise(places):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                self._set(x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps))

    def marks(self, points: Sequence[Point]) -> None:
        self._marks |= {(y // 4, x // 2) for x, y in map(self._place, points)}

    def lines(self) -> list[str]:
        return [
            "".join(
                "o" if (row, column) in self._marks else chr(_EMPTY + bits)
                for column, bits in enumerate(line)
            ).rstrip(chr(_EMPTY))
            for row, line in enumerate(self._bits)
        ]

    def _place(self, point: Point) -> tuple[int, int]:
        """Column and row of points, from the top left."""
        x, y = point
        column = min(max(round(x * self._scale_x), 0), len(self._bits[0]) * 2 - 1)
        return column, round((1 - (y - self._low) / self._range) * self._height)

    def _set(self, column: int, row: int) -> None:
        self._bits[row // 4][column // 2] |= _BITS[row % 4][column % 2]
