"""What a user sees: an emulated terminal that text is written to."""

from __future__ import annotations

from collections.abc import Callable

import pyte


class Screen:
    """Columns and rows of a terminal, and what has scrolled out of it.

    `reply` takes what the terminal answers when a program asks where the cursor is.
    """

    def __init__(
        self, columns: int = 60, rows: int = 24, reply: Callable[[str], object] = lambda text: None
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=2000)
        self._screen.write_process_input = reply
        self._stream = pyte.Stream(self._screen)

    def write(self, text: str) -> None:
        """As a terminal driver passes it on: a line feed begins a new line."""
        self._stream.feed(text.replace("\r\n", "\n").replace("\n", "\r\n"))

    def size(self) -> tuple[int, int]:
        return self._screen.columns, self._screen.lines

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)

    def lines(self) -> list[str]:
        """All lines from the first, those that scrolled out too, without the empty ones at the end."""
        above = [
            "".join(line[x].data for x in range(self._screen.columns)) for line in self._screen.history.top
        ]
        lines = [line.rstrip() for line in (*above, *self._screen.display)]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def is_bold(self, row: int, column: int) -> bool:
        return bool(self._screen.buffer[row][column].bold)
