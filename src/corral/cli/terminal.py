"""Facts about the terminal, asked each time: tests and users redirect the streams."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

GREY = "\x1b[38;5;245m"
BOLD = "\x1b[1m"
RESET = "\x1b[0m"


def is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def input_is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def quiet_keys() -> Iterator[None]:
    """Keys typed within the block are not shown where the cursor stands; they wait for whoever reads next.

    An answer that is being printed must know where it is on the screen. Ctrl-C works as ever.
    """
    if not (input_is_terminal() and os.name == "posix"):
        yield
        return
    import termios  # there is none on Windows

    before = termios.tcgetattr(sys.stdin)
    # Enter stays what the key sends, so that it still ends a line for a reader in raw mode.
    silent = [before[0] & ~termios.ICRNL, *before[1:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def size(stream: TextIO) -> tuple[int, int]:
    """Columns and rows of the terminal behind `stream`; 80 x 24 where there is none."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return found.columns or 80, found.lines or 24


def width(text: str) -> int:
    """Columns that `text` takes. Control characters take none."""
    if text.isascii() and text.isprintable():
        return len(text)
    from wcwidth import wcswidth, wcwidth  # wide tables, needed only beyond ASCII

    return wcswidth(text) if wcswidth(text) >= 0 else sum(max(wcwidth(letter), 0) for letter in text)


def printable(text: str) -> str:
    """Without control characters: what a server sends must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc")
