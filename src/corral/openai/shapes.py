"""The request bodies of chat completions, completions and embeddings. Source: http-api.md 6.2 to 6.4."""

from __future__ import annotations

from typing import Any

import msgspec

from corral.core.messages import parse_tool
from corral.core.requests import ChatRequest, Format, GenerateRequest, Think
from corral.errors import InvalidInput
from corral.openai.messages import MessageIn, to_messages
from corral.openai.values import read_effort, read_stop, read_texts, read_tool_choice
from corral.wire import decode_json
from corral.wire.values import read_keep_alive

_NO_BODY = "EOF"
_MAX_CHOICES = 128


class ExtrasIn(msgspec.Struct, kw_only=True):
    """What OpenAI's API has no words for: options by their own names, and how long a model stays loaded.

    `num_ctx` is short for the option of that name.
    """

    options: dict[str, Any] = {}
    num_ctx: int | None = None
    keep_alive: Any = None

    def extra_options(self) -> dict[str, object]:
        return self.options if self.num_ctx is None else self.options | {"num_ctx": self.num_ctx}

    def keep_alive_s(self) -> float | None:
        """Raises InvalidInput."""
        return read_keep_alive(self.keep_alive)


class StreamOptionsIn(msgspec.Struct):
    include_usage: bool = False


class SchemaIn(msgspec.Struct):
    schema: Any = None


class ResponseFormatIn(msgspec.Struct):
    type: str = ""
    json_schema: SchemaIn | None = None

    def to_core(self) -> Format | object:
        kind = self.type.lower()
        if kind == "json_object":
            return "json"
        return self.json_schema.schema if kind == "json_schema" and self.json_schema is not None else None


class ReasoningIn(msgspec.Struct):
    effort: str = ""
    summary: str = ""


class SamplingIn(ExtrasIn, kw_only=True):
    """What both kinds of completion have in common. Where two say the same, the name of OpenAI's API wins."""

    model: str = ""
    stream: bool = False
    stream_options: StreamOptionsIn = msgspec.field(default_factory=StreamOptionsIn)
    n: int = 1
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: Any = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    debug_render_only: bool = msgspec.field(default=False, name="_debug_render_only")

    def common(self) -> dict[str, Any]:
        """The fields that both kinds of request share, in core's terms. Raises InvalidInput."""
        if not 1 <= self.n <= _MAX_CHOICES:
            raise InvalidInput(f"Invalid 'n': {self.n} is not between 1 and {_MAX_CHOICES}")
        return {
            "model": self.model,
            "keep_alive_s": self.keep_alive_s(),
            "debug_render_only": self.debug_render_only,
        }

    def sampling(self) -> dict[str, object]:
        """The options that hold for every request of this dialect, and those that this one names."""
        named = {
            "num_predict": self.max_tokens,
            "seed": self.seed,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
        }
        options: dict[str, object] = {"temperature": 1.0, "top_p": 1.0} | self.extra_options()
        return options | {name: value for name, value in named.items() if value is not None}


class ChatIn(SamplingIn, kw_only=True):
    messages: list[MessageIn] = []
    max_completion_tokens: int | None = None
    response_format: ResponseFormatIn = msgspec.field(default_factory=ResponseFormatIn)
    tools: list[Any] = []
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningIn | None = None
    reasoning_effort: str = ""
    logprobs: bool = False
    top_logprobs: int = 0

    def to_core(self) -> ChatRequest:
        """Raises InvalidInput."""
        if not self.messages:
            raise InvalidInput("[] is too short - 'messages'")
        return ChatRequest(
            **self.common(),
            messages=to_messages(self.messages),
            tools=tuple(parse_tool(tool) for tool in self.tools),
            tool_choice=read_tool_choice(self.tool_choice, parallel=self.parallel_tool_calls),
            options=self._options(),
            format=self.response_format.to_core(),
            think=self._think(),
            logprobs=self.logprobs,
            top_logprobs=self.top_logprobs,
        )

    def _options(self) -> dict[str, object]:
        options = self.sampling()
        if self.max_tokens is None and self.max_completion_tokens is not None:
            options["num_predict"] = self.max_completion_tokens
        return options | ({"stop": stop} if (stop := read_stop(self.stop)) else {})

    def _think(self) -> Think:
        return read_effort(self.reasoning_effort if self.reasoning is None else self.reasoning.effort)


class CompletionIn(SamplingIn, kw_only=True):
    prompt: str = ""
    suffix: str = ""
    logprobs: int = 0

    def to_core(self) -> GenerateRequest:
        """Raises InvalidInput."""
        return GenerateRequest(
            **self.common(),
            prompt=self.prompt,
            suffix=self.suffix,
            options=self._options(),
            logprobs=self.logprobs > 0,
            top_logprobs=max(self.logprobs, 0),
        )

    def _options(self) -> dict[str, object]:
        options = {"frequency_penalty": 0.0, "presence_penalty": 0.0} | self.sampling()
        if not options["top_p"]:
            options["top_p"] = 1.0
        return options | ({"stop": stop} if (stop := read_texts(self.stop)) else {})


class EmbeddingsIn(ExtrasIn, kw_only=True):
    model: str = ""
    input: Any = None
    dimensions: int = 0
    encoding_format: str = ""

    def check(self) -> None:
        """Raises InvalidInput."""
        if self.encoding_format.lower() not in ("", "float", "base64"):
            raise InvalidInput(
                f"Invalid value for 'encoding_format' = {self.encoding_format}. "
                "Supported values: ['float', 'base64']."
            )
        if self.input is None or self.input == []:
            raise InvalidInput("invalid input")


def read_chat(body: bytes) -> tuple[ChatIn, ChatRequest]:
    asked = decode_json(body, ChatIn, empty=_NO_BODY)
    return asked, asked.to_core()


def read_completion(body: bytes) -> tuple[CompletionIn, GenerateRequest]:
    asked = decode_json(body, CompletionIn, empty=_NO_BODY)
    return asked, asked.to_core()


def read_embeddings(body: bytes) -> EmbeddingsIn:
    asked = decode_json(body, EmbeddingsIn, empty=_NO_BODY)
    asked.check()
    return asked
