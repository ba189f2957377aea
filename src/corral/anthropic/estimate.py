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
    return sum(_block_length(block) for block in content or ())


def _block_length(block: dict[str, Any]) -> int:
    match block.get("type"):
        case "text" | "thinking":
            return len(block.get(block["type"]) or "")
        case "tool_use" | "server_tool_use":
            return len(block.get("name") or "") + len(json.dumps(block.get("input") or {}))
        case "tool_result":
            return _length(block.get("content"))
    return 0
