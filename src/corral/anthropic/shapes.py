"""The request body of /v1/messages. Source: http-api.md 7.1."""

from __future__ import annotations

from typing import Any

import msgspec

from corral.anthropic.messages import MessageIn, system_text, to_messages
from corral.core.messages import Message, Tool, parse_tool
from corral.core.requests import ChatRequest, Think, ToolChoice
from corral.errors import InvalidInput
from corral.wire import decode_json, with_search

_EFFORTS: dict[str, Think] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "max",
}


class ToolIn(msgspec.Struct):
    """A function with a schema; a `type` that begins with `web_search` means the built-in search."""

    type: str = ""
    name: str = ""
    description: str = ""
    input_schema: Any = None

    @property
    def is_search(self) -> bool:
        return self.type.startswith("web_search")

    def to_core(self) -> Tool:
        function = {"name": self.name, "description": self.description, "parameters": self.input_schema}
        try:
            return parse_tool({"type": "function", "function": function})
        except InvalidInput as error:
            raise InvalidInput(f'invalid input_schema for tool "{self.name}": {error.message}') from None


class ToolChoiceIn(msgspec.Struct):
    type: str = "auto"
    name: str = ""
    disable_parallel_tool_use: bool = False

    def to_core(self) -> ToolChoice:
        """Raises InvalidInput."""
        parallel = not self.disable_parallel_tool_use
        if self.type == "tool":
            if not self.name:
                raise InvalidInput("tool_choice.name: Field required")
            return ToolChoice("required", (self.name,), parallel)
        if self.type == "any":
            return ToolChoice("required", parallel=parallel)
        if self.type in ("auto", "none"):
            return ToolChoice(self.type, parallel=parallel)  # type: ignore[arg-type]  # one of the modes
        raise InvalidInput(f"tool_choice.type: '{self.type}' is none of 'auto', 'any', 'tool', 'none'")


class ThinkingIn(msgspec.Struct):
    type: str = ""


class OutputConfigIn(msgspec.Struct):
    effort: str = ""


class MessagesIn(msgspec.Struct, kw_only=True):
    model: str = ""
    max_tokens: int = 0
    messages: list[MessageIn] = []
    system: Any = None
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] = []
    tools: list[ToolIn] = []
    tool_choice: ToolChoiceIn = msgspec.field(default_factory=ToolChoiceIn)
    thinking: ThinkingIn = msgspec.field(default_factory=ThinkingIn)
    output_config: OutputConfigIn = msgspec.field(default_factory=OutputConfigIn)

    def to_core(self, *, generates: bool = True) -> ChatRequest:
        """Only a request that generates must say how much. Raises InvalidInput."""
        self._check(generates=generates)
        messages = to_messages(self.messages)
        system = system_text(self.system)
        return ChatRequest(
            model=self.model,
            messages=(Message("system", system), *messages) if system else messages,
            tools=self._tools(),
            tool_choice=self.tool_choice.to_core(),
            options=self._options(),
            think=self._think(),
            lenient_think=True,
        )

    def _check(self, *, generates: bool) -> None:
        if not self.model:
            raise InvalidInput("model is required")
        if generates and self.max_tokens <= 0:
            raise InvalidInput("max_tokens is required and must be positive")
        if not self.messages:
            raise InvalidInput("messages is required")

    @property
    def searches(self) -> bool:
        """Whether the model may call the server's own search."""
        return any(tool.is_search for tool in self.tools)

    def _tools(self) -> tuple[Tool, ...]:
        own = tuple(tool.to_core() for tool in self.tools if not tool.is_search)
        return with_search(own) if self.searches else own

    def _options(self) -> dict[str, object]:
        named = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
        options: dict[str, object] = {name: value for name, value in named.items() if value is not None}
        options["num_predict"] = self.max_tokens
        return options | ({"stop": self.stop_sequences} if self.stop_sequences else {})

    def _think(self) -> Think:
        if self.thinking.type in ("enabled", "disabled"):
            return self.thinking.type == "enabled"
        return _EFFORTS.get(self.output_config.effort.strip().lower())


def read_messages(body: bytes) -> tuple[MessagesIn, ChatRequest]:
    asked = decode_json(body, MessagesIn, empty="EOF")
    return asked, asked.to_core()


def read_count(body: bytes) -> ChatRequest:
    return decode_json(body, MessagesIn, empty="EOF").to_core(generates=False)
