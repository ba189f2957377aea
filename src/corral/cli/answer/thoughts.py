"""What a model thinks before it answers: in grey, folded into one line, or hidden. Source: cli.md 19.3."""

from __future__ import annotations

import sys
import time
from typing import Literal, Protocol

from corral.cli.answer.wrap import Wrapper
from corral.cli.progress import Display
from corral.cli.terminal import BOLD, GREY, RESET

_BEGIN = "Thinking...\n"
_END = "...done thinking.\n\n"


class Thoughts(Protocol):
    """Receives one stretch of thinking in pieces, and is told when it ends."""

    def feed(self, text: str) -> None:
        """Text of it."""

    def end(self) -> None:
        """The answer begins, or nothing more comes."""


def new_thoughts(how: Literal["show", "fold", "hide"], wrapper: Wrapper, *, dimmed: bool) -> Thoughts:
    """`dimmed`: stdout is a terminal. Elsewhere there is no line to fold into, and thinking is shown."""
    if how == "hide":
        return _Hidden()
    return _Folded() if how == "fold" and dimmed else _Shown(wrapper, dimmed=dimmed)


class _Shown:
    def __init__(self, wrapper: Wrapper, *, dimmed: bool) -> None:
        self._wrapper = wrapper
        self._dimmed = dimmed
        self._at_line_start = False
        sys.stdout.write(f"{GREY}{BOLD}{_BEGIN}{RESET}{GREY}" if dimmed else _BEGIN)

    def feed(self, text: str) -> None:
        self._at_line_start = text.endswith("\n")
        self._wrapper.feed(text)

    def end(self) -> None:
        newline = "" if self._at_line_start else "\n"
        sys.stdout.write(newline + (f"{GREY}{BOLD}{_END}{RESET}" if self._dimmed else _END))


class _Folded:
    """A turning mark while it lasts, then one line that says how long it took."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._num_words = 0
        self._display = Display()
        self._spinner = self._display.spinner("Thinking", announce=False)

    def feed(self, text: str) -> None:
        self._num_words += len(text.split())
        self._spinner.message = f"Thinking, {self._num_words} words"

    def end(self) -> None:
        self._display.clear()
        seconds = time.monotonic() - self._began
        sys.stdout.write(f"{GREY}▸ Thought for {seconds:.1f} s, about {self._num_words} words{RESET}\n\n")


class _Hidden:
    def feed(self, text: str) -> None:
        """Not shown."""

    def end(self) -> None:
        """Nor is its end."""
