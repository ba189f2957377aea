"""Cohere Command."""

from __future__ import annotations

import json
from collections.abc import Sequence

from corral.core.messages import Message, Tool
from corral.core.requests import Think
from corral.prompt.families.writing import first_system, is_prefill, spaced_json

_CHATBOT = "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
_SYSTEM = "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>"
_USER = "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>"
_END = "<|END_OF_TURN_TOKEN|>"


def render(messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    system = first_system(messages)
    turns = messages if system is None else messages[1:]
    out = _head(system or "", tools)
    numbers = _call_numbers(turns)
    at = 0
    while at < len(turns):
        message = turns[at]
        if message.role == "tool":
            end = at
            while end < len(turns) and turns[end].role == "tool":
                end += 1
            out += _results(turns[at:end], numbers)
            at = end
            continue
        if message.role == "assistant":
            out += _assistant(message, numbers, open_end=is_prefill(turns, at))
        else:
            out += f"{_SYSTEM if message.role == 'system' else _USER}{_text(message.content)}{_END}"
        at += 1
    if turns and turns[-1].role == "assistant":
        return out
    thinking = "<|START_THINKING|>" + ("<|END_THINKING|>" if think is False else "")
    return out + _CHATBOT + thinking


def _text(text: str) -> str:
    return f"<|START_TEXT|>{text}<|END_TEXT|>"


def _head(system: str, tools: Sequence[Tool]) -> str:
    if not tools:
        return f"{_SYSTEM}{_text(system)}{_END}" if system else ""
    declared = ",\n\n\n    ".join(_declare(tool) for tool in tools)
    listed = f"# Available Tools\n```json\n[\n\n    {declared}\n\n\n]\n```"
    before = system + "\n\n\n\n" if system else ""
    return f"{_SYSTEM}{_text(before + listed)}{_END}"


def _declare(tool: Tool) -> str:
    return spaced_json(
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters.to_json(),
            "responses": None,
        }
    )


def _call_numbers(turns: Sequence[Message]) -> dict[str, int]:
    """Calls are numbered over the conversation; by their ids where they have some."""
    calls = [call for message in turns for call in message.tool_calls]
    return {call.id: number for number, call in enumerate(calls) if call.id}


def _assistant(message: Message, numbers: dict[str, int], *, open_end: bool) -> str:
    thinking = f"<|START_THINKING|>{message.thinking}<|END_THINKING|>" if message.thinking else ""
    if message.tool_calls:
        calls = ",\n\n    ".join(
            spaced_json(
                {
                    "tool_call_id": str(numbers.get(call.id, number)),
                    "tool_name": call.name,
                    "parameters": dict(call.arguments),
                }
            )
            for number, call in enumerate(message.tool_calls)
        )
        space = "\n            \n                "
        return f"{_CHATBOT}{space}{thinking}<|START_ACTION|>[\n\n    {calls}\n\n]<|END_ACTION|>{_END}"
    if open_end:
        return f"{_CHATBOT}{thinking}<|START_TEXT|>{message.content}"
    return f"{_CHATBOT}{thinking}{_text(message.content)}{_END}"


def _results(messages: Sequence[Message], numbers: dict[str, int]) -> str:
    results = ",\n".join(
        "    {\n"
        f'        "tool_call_id": {json.dumps(_result_id(message, number, numbers))},\n'
        '        "results": {\n\n            \n'
        f'            "0": {{"content": {spaced_json(message.content)}}}\n\n'
        '        },\n        "is_error": null\n    }'
        for number, message in enumerate(messages)
    )
    return f"{_SYSTEM}<|START_TOOL_RESULT|>[\n{results}\n\n]<|END_TOOL_RESULT|>{_END}"


def _result_id(message: Message, number: int, numbers: dict[str, int]) -> str:
    if message.tool_call_id in numbers:
        return str(numbers[message.tool_call_id])
    return message.tool_call_id or str(number)
