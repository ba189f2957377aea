"""Values as the Gemma families write them: keys without quotes, texts between marks of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corral.core.messages import ToolCall


@dataclass(frozen=True, slots=True)
class Quoting:
    """`mark` stands on both sides of a text."""

    mark: str

    def text(self, text: str) -> str:
        return f"{self.mark}{text}{self.mark}"

    def value(self, value: object) -> str:
        """Keys are sorted; all but texts is spelled as in JSON."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool) or value is None:
            return {True: "true", False: "false", None: "null"}[value]
        if isinstance(value, Mapping):
            return "{" + ",".join(f"{key}:{self.value(value[key])}" for key in sorted(value)) + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(self.value(item) for item in value) + "]"
        return str(value)

    def call(self, call: ToolCall) -> str:
        """A call, without the tags around it."""
        return f"call:{call.name}{self.value(call.arguments)}"
