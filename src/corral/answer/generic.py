"""Reasoning and tool calls of models without a built-in parser, by what their TEMPLATE reveals."""

from __future__ import annotations

from collections.abc import Sequence

from corral.answer.parser import AnswerParser, Logprobs, PlainParser
from corral.answer.thinking import ThinkingParser
from corral.answer.tools import ToolCallParser
from corral.core.events import Event, Text
from corral.core.messages import Tool


def generic_parser(
    thinking_tags: tuple[str, str] | None, inside: bool, tool_tag: str | None, tools: Sequence[Tool]
) -> AnswerParser:
    """The parser for one answer in rendered mode.

    `thinking_tags`: opening and closing tag, or None where reasoning is not to be split off; `inside`: the
    prompt already ends with the opening one. `tool_tag`: what begins a call, used only with `tools`; None
    leaves calls alone.
    Source: http-api.md 11.2.
    """
    calls = ToolCallParser(tool_tag, tools) if tool_tag is not None and tools else None
    if thinking_tags is None:
        return calls or PlainParser()
    thinking = ThinkingParser(*thinking_tags, inside=inside)
    return _Chain(thinking, calls) if calls else thinking


class _Chain:
    """What the splitter calls content goes through the parser of tool calls."""

    def __init__(self, thinking: ThinkingParser, calls: ToolCallParser) -> None:
        self.tags: Sequence[str] = (*thinking.tags, *calls.tags)
        self._thinking = thinking
        self._calls = calls

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        return self._pass(self._thinking.feed(text, logprobs))

    def finish(self) -> list[Event]:
        return self._pass(self._thinking.finish()) + self._calls.finish()

    def _pass(self, events: list[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            if isinstance(event, Text):
                out += self._calls.feed(event.text, event.logprobs)
            else:
                out.append(event)
        return out
