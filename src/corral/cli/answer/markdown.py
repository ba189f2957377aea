"""An answer in Markdown on a terminal, while it arrives.

What comes is printed at once, as it is. When a block is complete its text is erased and the rendered block
takes its place, unless it has no marks, has left the screen, or the terminal was resized meanwhile: then the
plain text stays, which is never wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from corral.cli.answer.blocks import Block, Splitter
from corral.cli.answer.wrap import Wrapper
from corral.cli.terminal import width

_MARKS = re.compile(r"[*_`\[\]\\~&<>]|https?://")
_DIM, _RESET = "\x1b[2m", "\x1b[0m"
_HOLD, _RELEASE = "\x1b[?2026h", "\x1b[?2026l"  # the terminal shows what is between at once
Size = tuple[int, int]


class MarkdownWriter:
    """Feed it pieces of text, then `finish`. `size` tells the columns and rows of the terminal, each time."""

    def __init__(self, write: Callable[[str], object], size: Callable[[], Size]) -> None:
        self._write = write
        self._size = size
        self._blocks = Splitter()
        self._line = ""  # of the text, as far as it has come
        self._code: list[str] = []  # the lines of the piece of code that is open
        self._raw = _RawText(write, size)

    def feed(self, text: str) -> None:
        *lines, rest = text.split("\n")
        for line in lines:
            self._draw(line)
            self._end_line()
        self._draw(rest)

    def finish(self) -> None:
        """Render what is still open. No line break is written after the last line."""
        done = self._blocks.feed(self._line) if self._line else []
        self._line = ""
        self._replace([*done, *self._blocks.finish()], end="")

    def _draw(self, text: str) -> None:
        self._line += text
        self._raw.draw(text, wrap=not self._blocks.in_code)

    def _end_line(self) -> None:
        self._raw.draw("\n", wrap=not self._blocks.in_code)
        done = self._blocks.feed(self._line)
        self._line = ""
        self._replace(done, end="\n")

    def _replace(self, done: list[Block], end: str) -> None:
        """Put the rendered blocks in the place of their text; a block that is begun follows them as text."""
        if not done:
            return
        rendered = [self._rendered(block) for block in done]
        begun = self._blocks.open
        if rendered == [block.text for block in done] or not self._raw.can_erase():
            self._raw.keep_last_line() if begun else self._raw.keep()
            return
        self._write(_HOLD)
        self._raw.erase()
        self._write("\n".join(rendered) + end)
        if begun is not None:
            self._raw.draw(begun.text + end, wrap=True)
        self._write(_RELEASE)

    def _rendered(self, block: Block) -> str:
        if block.kind == "fence":
            self._code.clear()
            return f"{_DIM}{block.text}{_RESET}"
        if block.kind == "code":
            self._code.append(block.text.removeprefix(block.indent).expandtabs(4))
            from corral.cli.answer.render import highlight_last  # as below

            return block.indent + highlight_last(self._code, block.language)
        if block.kind == "blank" or (block.kind == "paragraph" and not _MARKS.search(block.text)):
            return block.text
        from corral.cli.answer.render import render_block  # brings rich, and many an answer needs none of it

        return render_block(block, self._size()[0])


class _RawText:
    """Text on the screen that can still be erased, and how many rows it takes."""

    def __init__(self, write: Callable[[str], object], size: Callable[[], Size]) -> None:
        self._write = write
        self._size = size
        self._wrapper = Wrapper(self._wrapped, lambda: size()[0])
        self._columns = size()[0]
        self._rows = 0  # above the one that the cursor is in
        self._line_began = 0  # the row, counted so, in which the last line of the text begins
        self._ended = False  # whether that line has its line break
        self._used = 0  # columns of a line that is not wrapped

    def draw(self, text: str, *, wrap: bool) -> None:
        if not text:
            return
        if self._ended:
            self._line_began, self._ended = self._rows, False
        if wrap:
            self._wrapper.feed(text)
        else:
            self._unwrapped(text)
        self._ended = text.endswith("\n")

    def can_erase(self) -> bool:
        """Whether all of it is still on the screen, in the rows in which it was drawn."""
        columns, rows = self._size()
        return columns == self._columns and self._rows + self._overflow() < rows

    def erase(self) -> None:
        up = self._rows + self._overflow()
        self._write("\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J")
        self.keep()

    def keep(self) -> None:
        """Leave all of it on the screen and begin anew behind it."""
        self._columns = self._size()[0]
        self._wrapper = Wrapper(self._wrapped, lambda: self._size()[0])
        self._rows = self._line_began = self._used = 0
        self._ended = False

    def keep_last_line(self) -> None:
        """As `keep`, but the last line may still be erased."""
        rows = self._rows - self._line_began
        self.keep()
        self._rows, self._ended = rows, True

    def _wrapped(self, text: str) -> None:
        self._rows += text.count("\n")
        self._write(text)

    def _unwrapped(self, text: str) -> None:
        """The terminal itself breaks these lines, where they are longer than its rows."""
        self._used += width(text.rstrip("\n").expandtabs(8))
        if text.endswith("\n"):
            self._rows += 1 + self._overflow()
            self._used = 0
        self._write(text)

    def _overflow(self) -> int:
        return max(self._used - 1, 0) // max(self._columns, 1)
