"""Spinners and bars on stderr. Look: cli.md section 8.

On a terminal all items are drawn again ten times a second; elsewhere each step is one plain line, and a
transfer that takes long says every few seconds how far it is.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Protocol, TextIO

from corral.cli.rate import Rate, remaining_text
from corral.cli.terminal import is_terminal, printable, size, width
from corral.core.units import human_bytes

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_S = 0.1
_PLAIN_EVERY_S = 10.0
_WORTH_A_LINE_S = 1.0  # what was over sooner is not worth a line in a log
_CLEAR_LINE = "\x1b[2K\x1b[1G"


class Item(Protocol):
    """Something that is shown on a line of its own."""

    def line(self, columns: int) -> str:
        """What the line holds now, for a terminal of that many columns."""


class Spinner:
    """A message and a turning mark; once stopped, the message alone."""

    def __init__(self, message: str) -> None:
        self.message = printable(message)
        self._stopped = False
        self._begun = time.monotonic()

    def line(self, columns: int) -> str:
        if self._stopped:
            return f"{self.message} "
        turn = int((time.monotonic() - self._begun) / _FRAME_S)
        return f"{self.message} {FRAMES[turn % len(FRAMES)]} "

    def stop(self) -> None:
        self._stopped = True


class Bar:
    """How much of `total` bytes is done, how fast it goes and how long it will take."""

    def __init__(self, message: str, total: int, done: int = 0) -> None:
        self.message = printable(message)
        self.total = total
        self.done = done
        self._rate = Rate(done)
        self.last_line_at = self._begun = time.monotonic()

    def set(self, done: int) -> None:
        self.done = min(done, self.total) if self.total else done
        self._rate.add(self.done)

    @property
    def complete(self) -> bool:
        return self.done >= self.total

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._begun

    def line(self, columns: int) -> str:
        prefix = self.head()
        suffix = self._suffix()
        cells = max(columns - width(prefix) - len(suffix) - 5, 0)
        filled = int(cells * self._share())
        return f"{prefix} ▕{'█' * filled}{' ' * (cells - filled)}▏ {suffix}"

    def head(self) -> str:
        return f"{self.message} {100 * self._share():3.0f}%"

    def _share(self) -> float:
        return min(self.done / self.total, 1.0) if self.total > 0 else 1.0

    def _suffix(self) -> str:
        if self.complete:
            return f"{human_bytes(self.total):>6}{'':25}"
        rate = self._rate.per_second()
        speed = f"  {human_bytes(int(rate)):>6}/s" if rate else " " * 10
        left = f"  {remaining_text((self.total - self.done) / rate):>6}" if rate else " " * 8
        return f"{human_bytes(self.done):>6}/{human_bytes(self.total):>6}{speed}{left}"


class Display:
    """The items of one command. Use it with `with`: leaving the block stops it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = is_terminal(self._stream) and os.environ.get("TERM") != "dumb"
        self._items: list[Item] = []
        self._drawn = 0  # lines on the screen
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def live(self) -> bool:
        """Whether items are drawn again and again, on a terminal."""
        return self._live

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def spinner(self, message: str = "", *, announce: bool = True) -> Spinner:
        """Add a spinner; the one before it, if it still turns, stops.

        With `announce` off, plain output has no line of it until `finish`.
        """
        self._stop_last()
        spinner = Spinner(message)
        if message and announce and not self._live:
            self._print(spinner.message)
        self._add(spinner)
        return spinner

    def finish(self, spinner: Spinner, message: str) -> None:
        """Stop a spinner with its last message."""
        spinner.message = printable(message)
        spinner.stop()
        if not self._live:
            self._print(spinner.message)

    def bar(self, message: str, total: int, done: int = 0) -> Bar:
        """Add a bar for `total` bytes."""
        self._stop_last()
        bar = Bar(message, total, done)
        self._add(bar)
        return bar

    def show(self, item: Item) -> None:
        """Add a line of another kind; it is seen on a terminal only."""
        self._stop_last()
        self._add(item)

    def update(self, bar: Bar, done: int) -> None:
        """Move a bar; in plain output this may print a line."""
        was_complete = bar.complete
        bar.set(done)
        if self._live or was_complete:
            return
        now = time.monotonic()
        due = now - bar.last_line_at > _PLAIN_EVERY_S
        if due or (bar.complete and bar.age_s > _WORTH_A_LINE_S):
            bar.last_line_at = now
            self._print(f"{bar.head()} {bar._suffix().rstrip()}")

    def stop(self) -> None:
        """Draw a last time and leave the items on the screen."""
        if self._end():
            self._draw()
            self._write("\n")
        self._items.clear()

    def clear(self) -> None:
        """End and erase everything that was drawn."""
        if self._end():
            self._write(_CLEAR_LINE + ("\x1b[A" + _CLEAR_LINE) * max(self._drawn - 1, 0))
        self._items.clear()

    def _stop_last(self) -> None:
        if self._items and isinstance(self._items[-1], Spinner):
            self._items[-1].stop()

    def _add(self, item: Item) -> None:
        with self._lock:
            self._items.append(item)
        if self._live and self._thread is None:
            self._ended.clear()
            self._drawn = 0
            self._thread = threading.Thread(target=self._animate, daemon=True)
            self._thread.start()

    def _end(self) -> bool:
        """Stop drawing; whether anything was drawn."""
        self._stop_last()
        if self._thread is None:
            return False
        self._ended.set()
        self._thread.join()
        self._thread = None
        return True

    def _animate(self) -> None:
        while not self._ended.is_set():
            self._draw()
            self._ended.wait(_FRAME_S)

    def _draw(self) -> None:
        columns, rows = size(self._stream)
        with self._lock:
            shown = self._items[-rows:]
            lines = [_cut(item.line(columns), columns) for item in shown]
        up = "\x1b[A" * max(self._drawn - 1, 0)
        body = "\n".join(line + "\x1b[K" for line in lines)
        self._write(f"\x1b[?2026h\x1b[?25l{up}\x1b[1G{body}\x1b[?25h\x1b[?2026l")
        self._drawn = len(lines)

    def _print(self, line: str) -> None:
        self._write(line + "\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _cut(line: str, columns: int) -> str:
    """A line that wrapped would be counted as one and leave its rest behind."""
    while width(line) > columns:
        line = line[: len(line) - max(width(line) - columns, 1)]
    return line
