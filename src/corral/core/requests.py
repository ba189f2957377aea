"""What a client asks for, in no dialect's terms: the values that walk the road.

A dialect decodes its own wire format into one of these and knows nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from corral.core.messages import Message, Tool

Level = Literal["low", "medium", "high", "max"]
# None: the client did not say. A level implies True.
Think = bool | Level | None
# "json", or a JSON Schema. None: unconstrained.
Format = str | Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Which of its tools an answer may call: none, some if it wants to (auto), or at least one (required).

    `names` leaves only these tools, empty leaves all. `parallel`: an answer may make more than one call.
    """

    mode: Literal["auto", "none", "required"] = "auto"
    names: tuple[str, ...] = ()
    parallel: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What generate and chat have in common.

    `model` is the name as sent. `keep_alive_s` is in seconds, infinite for "never unload", None when the
    client did not say. `shift` None means the model's default. `preload` names the models that the client
    will ask for next.
    """

    model: str
    options: Mapping[str, object] = field(default_factory=dict)
    format: Format | object = None
    think: Think = None
    keep_alive_s: float | None = None
    truncate: bool = True
    shift: bool | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    debug_render_only: bool = False
    preload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest(GenerationRequest):
    """One prompt. `context` None and an empty tuple differ: see http-api.md 8.4."""

    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: tuple[int, ...] | None = None
    raw: bool = False
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest(GenerationRequest):
    """A conversation to continue. `lenient_think`: drop `think` silently where the model has none."""

    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    lenient_think: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedRequest:
    """Texts to embed. `dimensions` 0 means all; `legacy`: no cut, raw vectors (5.5)."""

    model: str
    inputs: tuple[str, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    keep_alive_s: float | None = None
    truncate: bool = True
    dimensions: int = 0
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The answer: one vector per input, and the tokens of all inputs together."""

    vectors: tuple[tuple[float, ...], ...]
    num_tokens: int = 0
    load_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizeRequest:
    """A `text` to cut into tokens, or `tokens` to make a text of.

    `add_special`: with the tokens that the model has around every prompt.
    """

    model: str
    text: str = ""
    tokens: tuple[int, ...] = ()
    add_special: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    keep_alive_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankRequest:
    """Documents to compare with a query. `top_n` 0 means all of them.

    `truncate`: documents that are too long are cut, to `max_document_tokens` where it is not 0.
    """

    model: str
    query: str
    documents: tuple[str, ...]
    top_n: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    keep_alive_s: float | None = None
    truncate: bool = True
    max_document_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Ranked:
    """One document by its place in the request, and how well it answers the query: from 0 to 1."""

    index: int
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer, best document first, and the tokens that were read."""

    documents: tuple[Ranked, ...]
    num_tokens: int = 0
    load_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ProgressRecord:
    """A step of pull, push or create. `digest` is a text, as some steps use a made-up one."""

    status: str
    digest: str = ""
    total: int = 0
    completed: int = 0
