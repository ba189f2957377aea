"""Tables and the sections of `show`. Layout: cli.md section 7.

No lines; columns four spaces apart; each body cell, the last too, is padded to its column and followed by
four spaces, the last header by one. Cells are broken into lines of about equal length between words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from corral.cli.terminal import printable, width

CELL_WIDTH = 30
TEXT_WIDTH = 100  # of cells that hold running text
_GAP = "    "
_FILLER = "  "  # what a cell holds on lines where it has no text; it may be wider than its column


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table with its header line, to stdout; no rows leave the header alone."""
    cells = [_row_lines(row, CELL_WIDTH) for row in rows]
    widths = _widths([[[word] for word in header], *cells])
    titles = [_pad(title, columns) for title, columns in zip(header, widths, strict=True)]
    sys.stdout.write(_GAP.join(titles) + " \n")
    sys.stdout.writelines(_body(cells, widths))


def section_text(title: str, rows: Iterable[Sequence[str]], *, cell_width: int = CELL_WIDTH) -> str:
    """`  Title`, the rows four spaces in, and an empty line."""
    cells = [_row_lines(("", *row), cell_width) for row in rows]
    return "".join((f"  {title}\n", *_body(cells, _widths(cells)), "\n"))


def _row_lines(row: Sequence[str], limit: int) -> list[list[str]]:
    return [_wrap(cell, limit) for cell in row]


def _widths(rows: Sequence[Sequence[Sequence[str]]]) -> list[int]:
    """Columns of each column of cells; the rows may differ in length."""
    widths: list[int] = []
    for row in rows:
        widths.extend(0 for _ in range(len(row) - len(widths)))
        for position, lines in enumerate(row):
            widths[position] = max(widths[position], *map(width, lines))
    return widths


def _body(rows: Iterable[Sequence[Sequence[str]]], widths: Sequence[int]) -> Iterable[str]:
    for row in rows:
        for number in range(max(map(len, row), default=0)):
            cells = [lines[number] if number < len(lines) else _FILLER for lines in row]
            padded = (_pad(cell, columns) for cell, columns in zip(cells, widths, strict=False))
            yield "".join(cell + _GAP for cell in padded) + "\n"


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def _wrap(text: str, limit: int) -> list[str]:
    """Lines of at most `limit` columns, or of the longest word, as even as they can be but for the last."""
    lines: list[str] = []
    for paragraph in printable(text).split("\n"):
        words = paragraph.split()
        if width(paragraph) <= limit:
            lines.append(" ".join(words))
        else:
            lines += _balanced(words, max(limit, *map(width, words)))
    return lines


def _balanced(words: Sequence[str], limit: int) -> list[str]:
    """Break where the sum of squares of the spaces left over is least; the last line costs nothing."""
    sizes = [width(word) for word in words]
    count = len(words)
    cost = [0.0] * (count + 1)
    after = [count] * (count + 1)  # where the line that begins at a word ends
    for start in reversed(range(count)):
        cost[start], used = float("inf"), -1
        for end in range(start + 1, count + 1):
            used += 1 + sizes[end - 1]
            if used > limit:
                break
            price = 0.0 if end == count else (limit - used) ** 2 + cost[end]
            if price < cost[start]:
                cost[start], after[start] = price, end
    lines, start = [], 0
    while start < count:
        lines.append(" ".join(words[start : after[start]]))
        start = after[start]
    return lines
