"""Cutting Markdown into the blocks that can be shown one by one while an answer still arrives. Pure.

Only as much of the grammar as is needed to see where a block ends; what is in a block is rendered elsewhere.
Source: the CommonMark specification, section 4, and GitHub's tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["paragraph", "heading", "rule", "item", "table", "quote", "blank", "fence", "code"]

_FENCE = re.compile(r"(?P<indent>\s*)(?P<mark>`{3,}|~{3,})\s*(?P<language>[\w+#.-]*)[^`]*$")
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("blank", re.compile(r"\s*$")),
    ("heading", re.compile(r" {0,3}#{1,6}(\s|$)")),
    ("rule", re.compile(r" {0,3}([-*_])(\s*\1){2,}\s*$")),
    ("item", re.compile(r"\s*([-*+]|\d{1,9}[.)])\s+\S")),
    ("table", re.compile(r"\s*\|")),
    ("quote", re.compile(r" {0,3}>")),
)
_OF_ONE_LINE = ("blank", "heading", "rule", "fence", "code")
_JOINED = {"paragraph": ("paragraph", "item", "quote"), "table": ("table",), "quote": ("quote",)}


@dataclass(slots=True)
class Block:
    """Lines that belong together. Lines of code, and the fences around them, are blocks of their own.

    `language` and `indent` are those of the fence that a line of code is in.
    """

    kind: Kind
    lines: list[str] = field(default_factory=list)
    language: str = ""
    indent: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Splitter:
    """Fed one line at a time; `open` is the block that the next line may still join."""

    def __init__(self) -> None:
        self.open: Block | None = None
        self._fence: re.Match[str] | None = None

    @property
    def in_code(self) -> bool:
        return self._fence is not None

    def feed(self, line: str) -> list[Block]:
        """The blocks that this line, without its line break, completes."""
        block = self._block_of(line)
        if self.open is not None and self.open.kind in _JOINED.get(block.kind, ()):
            self.open.lines.append(line)
            return []
        done = self.finish()
        if block.kind in _OF_ONE_LINE:
            return [*done, block]
        self.open = block
        return done

    def finish(self) -> list[Block]:
        """What is still open, now complete."""
        done = [] if self.open is None else [self.open]
        self.open = None
        return done

    def _block_of(self, line: str) -> Block:
        found = _FENCE.match(line)
        if self._fence is not None:
            fence = self._fence
            if found and found["mark"].startswith(fence["mark"]) and not found["language"]:
                self._fence = None
                return Block("fence", [line])
            return Block("code", [line], fence["language"], fence["indent"])
        if found:
            self._fence = found
            return Block("fence", [line])
        found_kinds: list[Kind] = [kind for kind, pattern in _KINDS if pattern.match(line)]
        return Block(found_kinds[0] if found_kinds else "paragraph", [line])
