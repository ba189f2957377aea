"""The parts of a row: messages of both spellings, tools, calls. What is wrong is said in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from corral.core.messages import Message, Tool, ToolCall, parse_tool
from corral.errors import InvalidInput


class BadRow(Exception):
    """This row cannot be used; the text says why."""


_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"} | {
    "tool": "tool",
    "function": "tool",
}
_SHARED_ROLES = {"system": "system", "human": "user", "user": "user"} | {
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "function_call": "call",
    "tool_call": "call",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
    "tool_response": "tool",
}
_THINKING = ("thinking", "reasoning_content", "reasoning")


def conversation(value: object) -> tuple[tuple[Message, ...], frozenset[int]]:
    """Messages of OpenAI's and Ollama's spelling, and the places of answers that are not to be learnt.

    Raises BadRow.
    """
    turns = _turns(value)
    messages = [_message(turn, number) for number, turn in enumerate(turns, 1)]
    untrained = frozenset(at for at, turn in enumerate(turns) if turn.get("weight") == 0)
    return _with_tool_names(messages), untrained


def shared_conversation(value: object, system: str) -> tuple[Message, ...]:
    """Messages of ShareGPT's spelling. Raises BadRow."""
    out = [Message("system", system)] if system.strip() else []
    for number, turn in enumerate(_turns(value), 1):
        role = _SHARED_ROLES.get(str(turn.get("from")).lower())
        if role is None:
            raise BadRow(f"message {number} is from {_quoted(turn.get('from'))}")
        if role == "call":
            out.append(Message("assistant", tool_calls=tool_calls(turn.get("value"), f"message {number}")))
        else:
            out.append(Message(role, text_of(turn.get("value"), f"message {number}")))
    return _with_tool_names(out)


def declared_tools(value: object) -> tuple[Tool, ...]:
    """Tools as a list, or that list as JSON; each bare or as the function of a tool. Raises BadRow."""
    items = _decoded(value, "tools")
    if items is None:
        return ()
    if not isinstance(items, list):
        raise BadRow("its tools are no list")
    wrapped = [
        item if isinstance(item, dict) and "function" in item else {"type": "function", "function": item}
        for item in items
    ]
    try:
        return tuple(parse_tool(item) for item in wrapped)
    except InvalidInput as error:
        raise BadRow(error.message) from error


def text_of(value: object, where: str) -> str:
    """Raises BadRow for what is neither a text nor missing."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRow(f"{where} is {_kind(value)}, no text")
    return value


def _turns(value: object) -> list[dict[str, Any]]:
    turns = _decoded(value, "messages")
    if not isinstance(turns, list) or not turns:
        raise BadRow("it has no messages")
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict):
            raise BadRow(f"message {number} is {_kind(turn)}, no object")
    return turns


def _message(turn: dict[str, Any], number: int) -> Message:
    role = _ROLES.get(str(turn.get("role")).lower())
    if role is None:
        raise BadRow(f"message {number} has the role {_quoted(turn.get('role'))}")
    where = f"message {number}"
    calls = turn.get("tool_calls") or ([turn["function_call"]] if turn.get("function_call") else None)
    thinking = next((turn[name] for name in _THINKING if turn.get(name)), None)
    if turn.get("images") or turn.get("audio"):
        raise BadRow(f"{where} has an image or a recording: only text can be learnt")
    return Message(
        role,
        _content(turn.get("content"), where),
        text_of(thinking, f"{where}, its thinking"),
        tool_calls=tool_calls(calls, where) if calls else (),
        tool_name=text_of(turn.get("tool_name") or turn.get("name"), where) if role == "tool" else "",
        tool_call_id=text_of(turn.get("tool_call_id"), where),
    )


def _content(value: object, where: str) -> str:
    if not isinstance(value, list):
        return text_of(value, f"{where}, its content")
    parts = []
    for part in value:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("text", "input_text", "output_text"):
            raise BadRow(f"{where} has a part of the type {_quoted(kind)}: only text can be learnt")
        parts.append(text_of(part.get("text"), where))
    return "".join(parts)


def tool_calls(value: object, where: str) -> tuple[ToolCall, ...]:
    """One call or a list of them, or either as JSON; each as OpenAI writes it, or bare. Raises BadRow."""
    items = _decoded(value, f"{where}, its calls")
    items = items if isinstance(items, list) else [items]
    return tuple(_call(item, at, f"{where}, its call {at + 1}") for at, item in enumerate(items))


def _call(item: object, at: int, where: str) -> ToolCall:
    if not isinstance(item, dict):
        raise BadRow(f"{where} is {_kind(item)}, no object")
    function = item.get("function", item)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise BadRow(f"{where} names no function")
    arguments = _decoded(function.get("arguments", function.get("parameters")), f"{where}, its arguments")
    if arguments is None or arguments == "":
        arguments = {}
    if not isinstance(arguments, dict):
        raise BadRow(f"{where} has arguments that are {_kind(arguments)}, no object")
    return ToolCall(function["name"], arguments, text_of(item.get("id"), where), at)


def _with_tool_names(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Results of tools get the names of the calls they answer: some templates write them."""
    names: dict[str, str] = {}
    waiting: list[str] = []
    out = []
    for message in messages:
        if message.tool_calls:
            names |= {call.id: call.name for call in message.tool_calls if call.id}
            waiting = [call.name for call in message.tool_calls]
        if message.role == "tool" and not message.tool_name:
            name = names.get(message.tool_call_id) or (waiting[0] if waiting else "")
            message = replace(message, tool_name=name)
        if message.role == "tool" and waiting:
            waiting.pop(0)
        out.append(message)
    return tuple(out)


def _decoded(value: object, where: str) -> Any:
    """A value, or what a text of JSON stands for. Raises BadRow."""
    if not isinstance(value, str) or not value.strip():
        return None if isinstance(value, str) else value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRow(f"{where}: no valid JSON") from error


def _quoted(value: object) -> str:
    return repr(value[:40]) if isinstance(value, str) else _kind(value)


def _kind(value: object) -> str:
    kinds: dict[type, str] = {dict: "an object", list: "a list", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a text" if isinstance(value, str) else "a number")
