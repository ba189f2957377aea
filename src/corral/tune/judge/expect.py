"""What an answer must hold, and what a given answer lacks of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corral.core.messages import ToolCall


@dataclass(slots=True)
class Given:
    """An answer as its events gave it."""

    content: str = ""
    thinking: str = ""
    calls: list[ToolCall] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """All that is set must hold. In `contains`, `any` and `lacks` case does not matter.

    `calls` are names and arguments, in order; an empty tuple: none. `thinks`: with or without reasoning.
    """

    contains: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    regex: re.Pattern[str] | None = None
    exact: str | None = None
    calls: Sequence[tuple[str, Mapping[str, object]]] | None = None
    thinks: bool | None = None

    def problem(self, given: Given) -> str:
        """Why the answer does not pass, in a few words; empty where it does."""
        return self._text_problem(given.content) or self._form_problem(given)

    def _text_problem(self, content: str) -> str:
        text = content.casefold()
        if missing := [part for part in self.contains if part.casefold() not in text]:
            return f"lacks {missing[0]!r}"
        if self.any and not any(part.casefold() in text for part in self.any):
            return f"has none of {', '.join(map(repr, self.any))}"
        if unwanted := [part for part in self.lacks if part.casefold() in text]:
            return f"has {unwanted[0]!r}"
        if self.regex is not None and self.regex.search(content) is None:
            return f"does not match {self.regex.pattern!r}"
        if self.exact is not None and content.strip() != self.exact.strip():
            return f"is not {self.exact!r}"
        return ""

    def _form_problem(self, given: Given) -> str:
        called = [(call.name, call.arguments) for call in given.calls]
        if self.calls is not None and called != list(self.calls):
            return f"does not call {', '.join(name for name, _ in self.calls) or 'nothing'} as it should"
        if self.thinks is not None and bool(given.thinking.strip()) != self.thinks:
            return "does not reason" if self.thinks else "reasons"
        return ""
