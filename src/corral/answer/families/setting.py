"""What a built-in parser is told about the answer that it is going to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from corral.answer.parser import AnswerParser
from corral.answer.tagged import Start
from corral.core.messages import Message, Tool


@dataclass(frozen=True, slots=True)
class Setting:
    """`thinks`: reasoning is on; `last_message`: of the request, which the answer may continue."""

    tools: tuple[Tool, ...] = ()
    thinks: bool = False
    last_message: Message | None = None

    @property
    def is_continuation(self) -> bool:
        """The model goes on writing an assistant message that the request began."""
        return self.last_message is not None and self.last_message.role == "assistant"

    @property
    def has_prefill(self) -> bool:
        """As `is_continuation`, and that message already has content."""
        return self.is_continuation and self.last_message is not None and bool(self.last_message.content)

    def start(self, *, always: bool = False) -> Start:
        """Inside reasoning where it is on (or `always` is), unless content was begun."""
        return Start.THINKING if (self.thinks or always) and not self.has_prefill else Start.CONTENT


Builder = Callable[[Setting], AnswerParser]
