"""Blocks of Markdown as coloured text, by `rich`. Imported only when there is something to render.

HTML stays as it was written, line breaks stay line breaks, and links show where they lead: an answer loses
nothing but its marks.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Heading, Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text
from rich.theme import Theme

from corral.cli.answer.blocks import Block

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").enable("table")
_CODE_THEME = "ansi_dark"  # the terminal's own colours, so it suits light and dark ones
# Without backgrounds, which suit either light or dark terminals.
_THEME = Theme({"markdown.code": "cyan", "markdown.h1": "bold underline", "markdown.h2": "bold"})
_EMPTY_ENDS = re.compile(r"\A((\x1b\[[0-9;]*m)*\n)+|(\n(\x1b\[[0-9;]*m)*)+\Z")
_TRAILING_SPACES = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)


class _PlainHeading(Heading):
    """A heading at the left and without a box; the marks say its level, as colours may not."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize("bold")
        yield self.text


class _Markdown(Markdown):
    elements = {**Markdown.elements, "heading_open": _PlainHeading}  # noqa: RUF012  # as in the base

    def __init__(self, source: str) -> None:
        super().__init__("", code_theme=_CODE_THEME, hyperlinks=False)
        self.parsed = list(_with_breaks(_PARSER.parse(source)))


def render_block(block: Block, columns: int) -> str:
    """The block for a terminal of that many columns, without a line break at its end."""
    lines = block.lines
    indent = len(lines[0]) - len(lines[0].lstrip()) if block.kind == "item" else 0
    source = "\n".join(line[indent:] if not line[:indent].strip() else line for line in lines)
    markdown: RenderableType = _Markdown(source)
    return _to_text(Padding(markdown, (0, 0, 0, indent)) if indent else markdown, columns)


def highlight_last(lines: Iterable[str], language: str) -> str:
    """The last line of a piece of code in its colours, which depend on the lines before."""
    code = "\n".join(lines)
    text = Syntax(code, language or "text", theme=_CODE_THEME).highlight(code)
    text.rstrip()
    last = text.split("\n", allow_blank=True)[-1] if code else Text()
    last.no_wrap, last.overflow = True, "ignore"
    return _to_text(last, max(last.cell_len, 1), crop=False)


def _to_text(renderable: RenderableType, columns: int, *, crop: bool = True) -> str:
    buffer = io.StringIO()
    console = Console(
        file=buffer, force_terminal=True, width=columns, theme=_THEME, highlight=False, legacy_windows=False
    )
    console.print(renderable, crop=crop, no_wrap=None if crop else True, overflow=None if crop else "ignore")
    return _EMPTY_ENDS.sub("", _TRAILING_SPACES.sub(r"\1", buffer.getvalue()))


def _with_breaks(tokens: Iterable[Token]) -> Iterable[Token]:
    """Models break lines on purpose, so a line break in the source is one on the screen."""
    for token in tokens:
        if token.type == "softbreak":
            token.type = "hardbreak"
        if token.children:
            token.children = list(_with_breaks(token.children))
        yield token
