"""The request bodies of the native API. Source: http-api.md sections 3 and 5.

Every field may be absent; values whose type depends on their content stay untyped here and are read by
`read_keep_alive` and `read_think`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from corral.core.messages import Message, ToolCall, parse_tool
from corral.core.requests import (
    ChatRequest,
    EmbedRequest,
    GenerateRequest,
    RerankRequest,
    Think,
    TokenizeRequest,
)
from corral.errors import InvalidInput
from corral.wire.decode import Base64
from corral.wire.values import read_inputs, read_keep_alive


class FunctionIn(msgspec.Struct):
    name: str = ""
    arguments: dict[str, Any] = {}
    index: int = 0


class ToolCallIn(msgspec.Struct):
    function: FunctionIn = msgspec.field(default_factory=FunctionIn)
    id: str = ""


class MessageIn(msgspec.Struct):
    role: str = ""
    content: str = ""
    thinking: str = ""
    images: list[Base64] = []
    tool_calls: list[ToolCallIn] = []
    tool_name: str = ""
    tool_call_id: str = ""

    def to_core(self) -> Message:
        return Message(
            role=self.role.lower(),
            content=self.content,
            thinking=self.thinking,
            images=tuple(self.images),
            tool_calls=tuple(
                ToolCall(call.function.name, call.function.arguments, call.id, call.function.index)
                for call in self.tool_calls
            ),
            tool_name=self.tool_name,
            tool_call_id=self.tool_call_id,
        )


class GenerationIn(msgspec.Struct, kw_only=True):
    model: str = ""
    stream: bool = True
    format: Any = None
    keep_alive: Any = None
    options: dict[str, Any] = {}
    think: Any = None
    truncate: bool = True
    shift: bool | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    debug_render_only: bool = msgspec.field(default=False, name="_debug_render_only")
    preload: str | list[str] = []

    def common(self) -> dict[str, Any]:
        """The fields that both kinds of generation request share, in core's terms."""
        return {
            "model": self.model,
            "options": self.options,
            "format": self.format,
            "think": read_think(self.think),
            "keep_alive_s": read_keep_alive(self.keep_alive),
            "truncate": self.truncate,
            "shift": self.shift,
            "logprobs": self.logprobs,
            "top_logprobs": self.top_logprobs,
            "debug_render_only": self.debug_render_only,
            "preload": (self.preload,) if isinstance(self.preload, str) else tuple(self.preload),
        }


class GenerateIn(GenerationIn, kw_only=True):
    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: list[int] | None = None
    raw: bool = False
    images: list[Base64] = []

    def to_core(self) -> GenerateRequest:
        return GenerateRequest(
            **self.common(),
            prompt=self.prompt,
            suffix=self.suffix,
            system=self.system,
            template=self.template,
            context=None if self.context is None else tuple(self.context),
            raw=self.raw,
            images=tuple(self.images),
        )


class ChatIn(GenerationIn, kw_only=True):
    messages: list[MessageIn] = []
    tools: list[Any] = []

    def to_core(self) -> ChatRequest:
        return ChatRequest(
            **self.common(),
            messages=tuple(message.to_core() for message in self.messages),
            tools=tuple(parse_tool(tool) for tool in self.tools),
        )


class EmbedIn(msgspec.Struct, kw_only=True):
    model: str = ""
    input: Any = None
    keep_alive: Any = None
    truncate: bool = True
    dimensions: int = 0
    options: dict[str, Any] = {}

    def to_core(self) -> EmbedRequest:
        return EmbedRequest(
            model=self.model,
            inputs=read_inputs(self.input),
            options=self.options,
            keep_alive_s=read_keep_alive(self.keep_alive),
            truncate=self.truncate,
            dimensions=self.dimensions,
        )


class EmbeddingsIn(msgspec.Struct, kw_only=True):
    model: str = ""
    prompt: str = ""
    keep_alive: Any = None
    options: dict[str, Any] = {}

    def to_core(self) -> EmbedRequest:
        return EmbedRequest(
            model=self.model,
            inputs=(self.prompt,) if self.prompt else (),
            options=self.options,
            keep_alive_s=read_keep_alive(self.keep_alive),
            legacy=True,
        )


class RerankIn(msgspec.Struct, kw_only=True):
    model: str = ""
    query: str = ""
    documents: list[str] = []
    top_n: int = 0
    truncate: bool = True
    keep_alive: Any = None
    options: dict[str, Any] = {}

    def to_core(self) -> RerankRequest:
        return RerankRequest(
            model=self.model,
            query=self.query,
            documents=tuple(self.documents),
            top_n=self.top_n,
            options=self.options,
            keep_alive_s=read_keep_alive(self.keep_alive),
            truncate=self.truncate,
        )


class TokenizeIn(msgspec.Struct, kw_only=True):
    model: str = ""
    text: str = ""
    add_special: bool = False
    keep_alive: Any = None
    options: dict[str, Any] = {}

    def to_core(self) -> TokenizeRequest:
        return TokenizeRequest(
            model=self.model,
            text=self.text,
            add_special=self.add_special,
            options=self.options,
            keep_alive_s=read_keep_alive(self.keep_alive),
        )


class DetokenizeIn(msgspec.Struct, kw_only=True):
    model: str = ""
    tokens: list[int] = []
    keep_alive: Any = None
    options: dict[str, Any] = {}

    def to_core(self) -> TokenizeRequest:
        return TokenizeRequest(
            model=self.model,
            tokens=tuple(self.tokens),
            options=self.options,
            keep_alive_s=read_keep_alive(self.keep_alive),
        )


class ShowIn(msgspec.Struct, kw_only=True):
    model: str = ""
    name: str = ""
    system: str = ""
    verbose: bool = False
    options: dict[str, Any] = {}


class PlanIn(msgspec.Struct, kw_only=True):
    model: str = ""
    options: dict[str, Any] = {}


class CopyIn(msgspec.Struct, kw_only=True):
    source: str = ""
    destination: str = ""


class DeleteIn(msgspec.Struct, kw_only=True):
    model: str = ""
    name: str = ""


class TransferIn(msgspec.Struct, kw_only=True):
    model: str = ""
    name: str = ""
    insecure: bool = False
    stream: bool = True


class VerifyIn(msgspec.Struct, kw_only=True):
    models: list[str] = []
    repair: bool = False
    stream: bool = True


class ModelfileIn(msgspec.Struct, kw_only=True):
    """`files`: digests of uploaded files, by the names that the Modelfile calls them."""

    modelfile: str = ""
    files: dict[str, str] = {}


class CreateIn(msgspec.Struct, kw_only=True):
    model: str = ""
    name: str = ""
    stream: bool = True
    base: str = msgspec.field(default="", name="from")
    files: dict[str, str] | None = None
    draft_files: dict[str, str] | None = None
    adapters: dict[str, str] | None = None
    template: str = ""
    system: str = ""
    license: Any = None
    parameters: dict[str, Any] = {}
    messages: list[MessageIn] = []
    quantize: str = ""
    quantization: str = ""
    draft_quantize: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    remote_host: str = ""
    info: dict[str, Any] = {}


def read_think(value: object) -> Think:
    """Raises InvalidInput. Source: http-api.md 8.8."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value in ("low", "medium", "high", "max"):
            return value  # type: ignore[return-value]  # one of the levels
        words = '(must be "high", "medium", "low", "max", true, or false)'
        raise InvalidInput(f'invalid think value: "{value}" {words}')
    raise InvalidInput('think must be a boolean or string ("high", "medium", "low", "max", true, or false)')
