"""The response object, at the start, in the middle and at the end. Source: http-api.md 6.6.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from corral.core.events import Usage
from corral.openai.responses.shapes import ResponsesIn, ToolIn

Record = dict[str, Any]


def response_record(
    body: ResponsesIn,
    *,
    id: str,
    created_at: int,
    status: str,
    output: Sequence[Record] = (),
    usage: Usage | None = None,
    completed_at: int | None = None,
    error: Record | None = None,
) -> Record:
    """In wire order; what the request may set is echoed, the rest has the values of a plain request."""
    return {
        "id": id,
        "object": "response",
        "created_at": created_at,
        "completed_at": completed_at,
        "status": status,
        "incomplete_details": None,
        "model": body.model,
        "previous_response_id": body.previous_response_id or None,
        "instructions": body.instructions or None,
        "output": list(output),
        "error": error,
        "tools": [_tool(tool) for tool in body.tools],
        "tool_choice": "auto" if body.tool_choice is None else body.tool_choice,
        "truncation": body.truncation or "disabled",
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "text": {"format": _format(body)},
        "top_p": _number(body.top_p),
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "top_logprobs": 0,
        "temperature": _number(body.temperature),
        "reasoning": _reasoning(body),
        "usage": None if usage is None else _usage(usage),
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": None,
        "store": body.store is True,
        "background": body.background,
        "service_tier": "default",
        "metadata": body.metadata,
        "safety_identifier": None,
        "prompt_cache_key": None,
    }


def with_all_keys(record: Record) -> Record:
    """The same response as the events of a stream carry it: no key of `reasoning` is left out."""
    reasoning = record["reasoning"]
    if reasoning is None:
        return record
    return record | {"reasoning": {"effort": None, "summary": None} | reasoning}


def _number(value: float | None) -> float | int:
    """Without a fraction where there is none; 1 when the request did not say."""
    if value is None:
        return 1
    return int(value) if value.is_integer() else value


def _reasoning(body: ResponsesIn) -> Record | None:
    said = {"effort": body.reasoning.effort, "summary": body.reasoning.summary}
    return {key: value for key, value in said.items() if value} or None


def _format(body: ResponsesIn) -> Record:
    asked = body.text.format
    if asked is None or not asked.type:
        return {"type": "text"}
    fields = {"type": asked.type, "name": asked.name, "schema": asked.schema, "strict": asked.strict}
    return {key: value for key, value in fields.items() if value is not None}


def _tool(tool: ToolIn) -> Record:
    record: Record = {
        "type": tool.type,
        "name": tool.name,
        "description": tool.description,
        "strict": tool.strict,
        "parameters": msgspec.to_builtins(tool.parameters, order="sorted"),
    }
    return record | ({"tools": [_tool(inner) for inner in tool.tools]} if tool.tools else {})


def _usage(usage: Usage) -> Record:
    return {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens_details": {"reasoning_tokens": 0},
    }


def text_part(text: str) -> Record:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(id: str, text: str) -> Record:
    return {
        "id": id,
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [text_part(text)],
    }


def reasoning_item(id: str, text: str) -> Record:
    summary = [{"type": "summary_text", "text": text}]
    return {"id": id, "type": "reasoning", "summary": summary, "encrypted_content": text}


def call_item(id: str, call_id: str, name: str, arguments: str, *, status: str = "completed") -> Record:
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }
