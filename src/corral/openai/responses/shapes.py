"""The request body of the Responses API. Source: http-api.md 6.6.1."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from corral.core.messages import Message, Tool, parse_tool
from corral.core.requests import ChatRequest, Format
from corral.openai.responses.items import to_messages
from corral.openai.shapes import ExtrasIn, ReasoningIn
from corral.openai.values import read_effort, read_tool_choice
from corral.wire import SEARCH, decode_json, with_search

log = logging.getLogger("corral.openai")


class ToolIn(msgspec.Struct):
    """A function, or a namespace with functions in it; other kinds are only echoed."""

    type: str = ""
    name: str = ""
    description: str | None = None
    strict: bool | None = None
    parameters: dict[str, Any] | None = None
    tools: list[ToolIn] = []


class TextFormatIn(msgspec.Struct):
    type: str = ""
    name: str | None = None
    schema: Any = None
    strict: bool | None = None

    def to_core(self) -> Format | object:
        if self.type == "json_object":
            return "json"
        return self.schema if self.type == "json_schema" else None


class TextIn(msgspec.Struct):
    format: TextFormatIn | None = None


class ResponsesIn(ExtrasIn, kw_only=True):
    model: str = ""
    input: Any = None
    instructions: str = ""
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning: ReasoningIn = msgspec.field(default_factory=ReasoningIn)
    text: TextIn = msgspec.field(default_factory=TextIn)
    tools: list[ToolIn] = msgspec.field(default_factory=list)
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str = ""
    store: bool | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    stream: bool = False
    truncation: str | None = None
    background: bool = False

    def items(self) -> list[Any]:
        """The input as a list of items."""
        if isinstance(self.input, list):
            return self.input
        return [{"role": "user", "content": self.input}] if self.input else []

    def to_core(self, earlier: Sequence[Mapping[str, Any]] = ()) -> ChatRequest:
        """`earlier` are the items of the conversation so far. Raises InvalidInput."""
        messages = to_messages([*earlier, *self.items()] if earlier else self.input)
        if self.instructions:
            messages = (Message("system", self.instructions), *messages)
        return ChatRequest(
            model=self.model,
            messages=messages,
            tools=self._tools(),
            tool_choice=read_tool_choice(self.tool_choice, parallel=self.parallel_tool_calls),
            options=self._options(),
            keep_alive_s=self.keep_alive_s(),
            format=self.text.format.to_core() if self.text.format is not None else None,
            think=read_effort(self.reasoning.effort),
        )

    @property
    def searches(self) -> bool:
        """Whether the model may call the server's own search."""
        return any(tool.type == SEARCH for tool in self.tools)

    def _tools(self) -> tuple[Tool, ...]:
        own = tuple(_functions(self.tools))
        return with_search(own) if self.searches else own

    def _options(self) -> dict[str, object]:
        named = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "num_predict": self.max_output_tokens,
        }
        options: dict[str, object] = {"temperature": 1.0} | self.extra_options()
        return options | {name: value for name, value in named.items() if value is not None}


def read_responses(body: bytes) -> tuple[ResponsesIn, ChatRequest | None]:
    """The request; one that goes on from an earlier response is complete only with that."""
    asked = decode_json(body, ResponsesIn, empty="EOF")
    return asked, None if asked.previous_response_id else asked.to_core()


def _functions(tools: Sequence[ToolIn], prefix: str = "") -> Iterator[Tool]:
    for tool in tools:
        name = tool.name if tool.name.startswith(prefix) else prefix + tool.name
        if tool.type == "namespace":
            yield from _functions(tool.tools, f"{name}.")
        elif tool.type == "function":
            function = {"name": name, "description": tool.description, "parameters": tool.parameters}
            yield parse_tool({"type": "function", "function": function})
        elif tool.type != SEARCH:
            # Nothing here can do it, so the model is not told of it.
            log.warning("tool left out: type=%s", tool.type)
