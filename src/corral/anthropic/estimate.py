"""How many tokens a request probably has, before anybody has counted them. Source: http-api.md 7.4."""

from __future__ import annotations

import json
from typing import Any

from corral.anthropic.messages import system_text
from corral.anthropic.shapes import MessagesIn, ToolIn


def estimate_tokens(body: MessagesIn) -> int:
    """A quarter of the characters of system prompt, roles, messages and tools; at least 1."""
    messages = sum(len(message.role) + _length(message.content) for message in body.messages)
    tools = sum(_tool_length(tool) for tool in body.tools)
    return max((len(system_text(body.system)) + messages + tools) // 4, 1)


def _tool_length(tool: ToolIn) -> int:
    schema = "" if tool.input_schema is None else json.dumps(tool.input_schema)
    return len(tool.name) + len(tool.description) + len(schema)


def _length(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    blocks = content if isinstance(content, list) else ()
    return sum(_block_length(block) for block in blocks if isinstance(block, dict))


def _block_length(block: dict[str, Any]) -> int:
    kind = block.get("type")
    if kind in ("text", "thinking"):
        return _length(block.get(kind))
    if kind in ("tool_use", "server_tool_use"):
        return _length(block.get("name")) + len(json.dumps(block.get("input") or {}))
    return _length(block.get("content")) if kind == "tool_result" else 0
