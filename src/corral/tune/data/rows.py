"""One example of a file, whatever its format was, and one that cannot be used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from corral.core.messages import Message, Tool


@dataclass(frozen=True, slots=True)
class Place:
    """Where an example stands. `line` counts from 1; in a file without lines it is the number of the row."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation that ends with an answer, or a plain `text` to go on with (then without messages).

    `think` is what a request of this kind would say about reasoning; None: nothing. `untrained`: places of
    answers that are given, not learnt.
    """

    place: Place
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    think: bool | None = None
    text: str = ""
    untrained: frozenset[int] = frozenset()

    @property
    def key(self) -> bytes:
        """Equal for rows that teach the same."""
        tools = [tool.to_json() for tool in self.tools]
        content: tuple[Any, ...] = (self.messages, tools, self.think, self.text, sorted(self.untrained))
        return hashlib.sha256(msgspec.json.encode(content)).digest()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is left out, and why."""

    place: Place
    reason: str
