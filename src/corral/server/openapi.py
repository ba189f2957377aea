"""The description of the API: an OpenAPI 3.1 document, made from the shapes that requests are read into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from corral import __version__, anthropic, api, openai
from corral.core.options import OPTIONS
from corral.server import watching
from corral.wire import Operation
from corral.wire.decode import Base64

Record = dict[str, Any]

_DIALECTS: tuple[tuple[str, str, Sequence[Operation]], ...] = (
    ("Ollama", "The native API", (*api.OPERATIONS, *watching.OPERATIONS)),
    (
        "OpenAI",
        "Chat, completions, embeddings, responses, files, fine-tuning",
        openai.OPERATIONS,
    ),
    ("Anthropic", "Messages", anthropic.OPERATIONS),
)
_TEXT: Record = {"type": "string"}
_ERRORS: Mapping[str, Record] = {
    "Ollama": {"error": _TEXT},
    "OpenAI": {"error": {"type": "object", "properties": {"message": _TEXT, "type": _TEXT}}},
    "Anthropic": {
        "type": {"const": "error"},
        "error": {"type": "object", "properties": {"type": _TEXT, "message": _TEXT}},
        "request_id": _TEXT,
    },
}
_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_KINDS = {"integer": "integer", "float32": "number", "boolean": "boolean"}
# What an untyped or a short field of a request means, wherever it occurs.
_MEANINGS = {
    "model": "Name of the model, `name` or `name:tag`",
    "stream": "Whether the answer comes piece by piece",
    "keep_alive": "How long the model stays loaded: `5m`, seconds, below 0 for ever, 0 not at all",
    "format": '`"json"` or a JSON Schema that the answer must follow',
    "think": "Whether the model reasons first: true, false, `low`, `medium`, `high` or `max`",
    "tools": "Functions that the model may call",
    "tool_choice": "Which of its tools the model may or must call",
    "images": "Image or audio files in base64",
    "truncate": "Whether a text that is too long may be cut",
    "shift": "Whether old tokens may be dropped once the context window is full",
    "num_ctx": "Size of the context window in tokens",
    "stop": "Texts that end the answer",
    "input": "One text or several",
    "n": "How many choices to make",
    "raw": "Whether the prompt is sent to the model as it is",
}


@cache
def document() -> bytes:
    """The document as JSON."""
    schemas: Record = {"Options": _options_schema()}
    paths: Record = {}
    for dialect, _, operations in _DIALECTS:
        bodies, found = _shapes(dialect, operations)
        schemas |= found
        schemas[f"{dialect}.Error"] = {"type": "object", "properties": _ERRORS[dialect]}
        for operation in operations:
            item = paths.setdefault(re.sub(r":(\w+)", r"{\1}", operation.path), {})
            item[operation.method.lower()] = _operation(dialect, operation, bodies)
    tags = [{"name": name, "description": words} for name, words, _ in _DIALECTS]
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Corral", "version": __version__, "license": {"name": "MIT"}},
            "tags": tags,
            "paths": paths,
            "components": {"schemas": schemas, "securitySchemes": _KEYS},
            "security": [{}, *({name: []} for name in _KEYS)],
        }
    )


_KEYS: Record = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def _shapes(dialect: str, operations: Iterable[Operation]) -> tuple[Mapping[type, Record], Record]:
    """A reference for each shape of a body, and the schemas behind them."""
    shapes = {body for operation in operations if isinstance(body := operation.body, type)}
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    references, schemas = msgspec.json.schema_components(
        ordered, schema_hook=_schema_of, ref_template=f"#/components/schemas/{dialect}.{{name}}"
    )
    named = {f"{dialect}.{name}": _explained(schema) for name, schema in schemas.items()}
    return dict(zip(ordered, references, strict=True)), named


def _schema_of(kind: type) -> Record:
    assert kind is Base64
    return {"type": "string", "contentEncoding": "base64"}


def _explained(schema: Record) -> Record:
    """The schema with meanings, and with the options by name. All fields may be left out, or be null."""
    for name, field in schema.get("properties", {}).items():
        if name == "options" and "type" in field:
            schema["properties"][name] = {"$ref": "#/components/schemas/Options"}
        elif name in _MEANINGS:
            field.setdefault("description", _MEANINGS[name])
        if field.get("default", 0) is None:
            del field["default"]
    schema.pop("required", None)
    return schema


def _options_schema() -> Record:
    properties: Record = {
        name: {"type": "array", "items": _TEXT} if spec.kind == "array" else {"type": _KINDS[spec.kind]}
        for name, spec in OPTIONS.items()
    }
    return {"title": "Options", "type": "object", "properties": properties}


def _operation(dialect: str, operation: Operation, bodies: Mapping[type, Record]) -> Record:
    record: Record = {
        "tags": [dialect],
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path}").strip("_"),
        "responses": {"200": _answer(operation), "default": _error(dialect, operation)},
    }
    if parameters := _parameters(operation.path):
        record["parameters"] = parameters
    if operation.body is not None:
        record["requestBody"] = {"required": True, "content": _body(operation, bodies)}
    return record


def _parameters(path: str) -> list[Record]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _DIGEST if name == "digest" else _TEXT,
        }
        for name in re.findall(r":(\w+)", path)
    ]


def _body(operation: Operation, bodies: Mapping[type, Record]) -> Record:
    body = operation.body
    schema: Any = bodies[body] if isinstance(body, type) else body
    if operation.required:
        schema = {"allOf": [schema], "required": list(operation.required)}
    content: Record = {"schema": schema}
    if operation.example is not None:
        content["example"] = operation.example
    return {operation.body_type: content}


def _answer(operation: Operation) -> Record:
    content: Record = {kind: {} for kind in (operation.answer, operation.stream) if kind}
    return {"description": "The answer"} | ({"content": content} if content else {})


def _error(dialect: str, operation: Operation) -> Record:
    record: Record = {"description": "What is wrong, and what to do about it"}
    if operation.method != "HEAD":
        reference = {"$ref": f"#/components/schemas/{dialect}.Error"}
        record["content"] = {"application/json": {"schema": reference}}
    return record
