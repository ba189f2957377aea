"""The grammar of a tool call that a request insists on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from corral.core.messages import Tool
from corral.engine import schema_grammar
from corral.errors import InvalidInput

log = logging.getLogger("corral.serving")

_ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
# Many models write this in front of a call. It may be left out, so it costs the others nothing.
_MARKED = 'root ::= ("<tool_call>" "\\n"?)? call\ncall ::='


def call_grammar(tools: Sequence[Tool]) -> str:
    """One call, `{"name": ..., "arguments": {...}}`, of one of `tools`.

    Arguments follow the schema of their tool; where it has keywords that no grammar can express, they are
    only held to be an object, as they would be without a grammar.
    """
    calls = [_call_schema(tool.name, _arguments_schema(tool)) for tool in tools]
    # A reference within the arguments of a tool is looked up from the top.
    defs = {name: value for tool in tools for name, value in _defs(tool).items()}
    return schema_grammar({"anyOf": calls, "$defs": defs}, compact=True).replace("root ::=", _MARKED, 1)


def _call_schema(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"name": {"const": name}, "arguments": arguments}
    return {"type": "object", "properties": properties, "required": ["name", "arguments"]}


def _defs(tool: Tool) -> Mapping[str, Any]:
    defs = tool.parameters.defs
    return defs if isinstance(defs, dict) else {}


def _arguments_schema(tool: Tool) -> Mapping[str, Any]:
    schema = tool.parameters.to_json() | {"type": "object"}
    if schema["properties"] is None:
        return _ANY_OBJECT
    try:
        schema_grammar(schema)
    except InvalidInput as error:
        log.warning("arguments of a forced call are free: tool=%s reason=%s", tool.name, error.message)
        return _ANY_OBJECT
    return schema
