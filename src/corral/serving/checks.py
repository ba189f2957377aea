"""What is refused before anything is loaded or generated, in the order of the API.

Source: http-api.md 5.2 and 5.3 (the tables of checks), 8.7, 8.8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from corral.core.messages import Tool
from corral.core.model import Model
from corral.core.names import Reference, parse_reference
from corral.core.requests import (
    Format,
    GenerateRequest,
    GenerationRequest,
    RerankRequest,
    Think,
    ToolChoice,
)
from corral.errors import CloudDisabled, InvalidFormat, InvalidInput, ModelNotFound, Unsupported


def check_logprobs(request: GenerationRequest) -> None:
    if not 0 <= request.top_logprobs <= 20:
        raise InvalidInput("top_logprobs must be between 0 and 20")


def local_reference(text: str) -> Reference:
    """The model that is meant. Raises CloudDisabled for one that only a cloud has."""
    reference = parse_reference(text)
    if reference.cloud:
        raise CloudDisabled
    return reference


def check_local(model: Model, reference: Reference, sent: str) -> None:
    """Stubs of models that another server runs cannot be run here."""
    if not model.is_remote:
        return
    if reference.local:
        raise ModelNotFound(sent)
    raise CloudDisabled


def check_generation(model: Model, sent: str, verb: str) -> None:
    """`verb` is what the client wants of the model: generate or chat."""
    if model.can("image"):
        raise Unsupported("image generation models are not currently supported")
    if not model.can("completion"):
        raise Unsupported(f'"{sent}" does not support {verb}')


def effective_think(model: Model, sent: str, think: Think, *, lenient: bool = False) -> Think:
    """What holds for this request: models that can reason do so unless told otherwise."""
    if model.can("thinking"):
        return True if think is None else think
    if think and not lenient:
        raise Unsupported(f'"{sent}" does not support thinking')
    return None if lenient else think


def check_capabilities(model: Model, wanted: Mapping[str, bool]) -> None:
    """`wanted` maps capabilities to whether this request needs them."""
    missing = [name for name, needed in wanted.items() if needed and not model.can(name)]
    if missing:
        raise Unsupported(f"{model.name.full} does not support " + "\n".join(missing))


def offered_tools(tools: Sequence[Tool], choice: ToolChoice) -> tuple[Tool, ...]:
    """The tools that the model is told of. Raises InvalidInput for a choice that these tools cannot meet."""
    if choice.mode == "none":
        return ()
    if choice.mode == "required" and not tools:
        raise InvalidInput("'tool_choice' asks for a call, but there are no 'tools'")
    missing = set(choice.names) - {tool.name for tool in tools}
    if missing:
        raise InvalidInput(f"Tool choice '{min(missing)}' not found in 'tools' parameter")
    return tuple(tool for tool in tools if not choice.names or tool.name in choice.names)


def check_rerank(request: RerankRequest) -> None:
    if not request.model.strip():
        raise InvalidInput("model is required")
    if not request.query.strip():
        raise InvalidInput("query is required")
    if not request.documents:
        raise InvalidInput("documents is required and must not be empty")
    if request.top_n < 0 or request.max_document_tokens < 0:
        raise InvalidInput("a number of documents or tokens must not be negative")


def check_raw(request: GenerateRequest) -> None:
    if request.raw and (request.template or request.system or request.context):
        raise InvalidInput("raw mode does not support template, system, or context")


def read_format(value: object) -> Format:
    """`format` as a request may have it. Raises InvalidFormat."""
    if value is None or value == "":
        return None
    if value == "json" or isinstance(value, dict):
        return value
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    quoted = json.dumps(raw, ensure_ascii=False)
    raise InvalidFormat(f'invalid format: {quoted}; expected "json" or a valid JSON Schema object')
