"""The description of the API as a page for people; made on the server, so nothing runs or loads in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

import msgspec

from corral import web
from corral.server.openapi import document

Schema = Mapping[str, Any]


@cache
def docs_page() -> bytes:
    """HTML in UTF-8."""
    described = msgspec.json.decode(document())
    schemas = described["components"]["schemas"]
    sections = (_section(tag, described["paths"], schemas) for tag in described["tags"])
    shared = _fields(schemas["Options"], schemas)
    options = f'<h2 id="Options">Options</h2><p>Keys of the field <code>options</code>.</p>{shared}'
    return web.docs_page("".join(sections) + options)


def _section(tag: Schema, paths: Schema, schemas: Schema) -> str:
    operations = (
        _operation(method, path, operation, schemas)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if operation["tags"] == [tag["name"]]
    )
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{''.join(operations)}"


def _operation(method: str, path: str, operation: Schema, schemas: Schema) -> str:
    head = f'<span class="method">{method.upper()}</span><code>{escape(path)}</code>'
    head += f'<span class="what">{_words(operation["summary"])}</span>'
    body = "".join(_body(kind, part, schemas) for kind, part in _content(operation.get("requestBody")))
    kinds = ", ".join(escape(kind) for kind, _ in _content(operation["responses"]["200"]))
    answer = f"<p>Answer: {kinds or 'without a body'}</p>"
    return f"<details><summary>{head}</summary>{body}{answer}</details>"


def _words(text: str) -> str:
    """Text with its `names` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _content(part: Schema | None) -> Iterator[tuple[str, Schema]]:
    yield from (part or {}).get("content", {}).items()


def _body(kind: str, part: Schema, schemas: Schema) -> str:
    example = ""
    if "example" in part:
        example = f"<pre>{escape(json.dumps(part['example'], indent=2, ensure_ascii=False))}</pre>"
    schema = part["schema"]
    required = schema.get("required", ())
    if "allOf" in schema:
        schema = schema["allOf"][0]
    schema = _resolved(schema, schemas)
    words = schema.get("description", "")
    note = f"<p>{_words(words)}</p>" if words else ""
    return f"<p>Body: {escape(kind)}</p>{note}{_fields(schema, schemas, required)}{example}"


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    found: Schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _fields(schema: Schema, schemas: Schema, required: Any = ()) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_kind(field, schemas)}</td>"
        f"<td>{_words(field.get('description', ''))}{' (required)' if name in required else ''}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<table><tr><th>Field</th><th>Type</th><th></th></tr>{rows}</table>" if rows else ""


def _kind(field: Schema, schemas: Schema) -> str:
    """The type of a field in words."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return '<a href="#Options">options</a>' if name == "Options" else _object(schemas[name])
    if "anyOf" in field:
        return " or ".join(_kind(one, schemas) for one in field["anyOf"] if one.get("type") != "null")
    if "enum" in field:
        return ", ".join(escape(json.dumps(value)) for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}), schemas)}"
    return escape(str(field.get("type", "any")))


def _object(schema: Schema) -> str:
    return f"object: {', '.join(escape(name) for name in schema['properties'])}"
