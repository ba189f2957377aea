"""Gemma 4; its larger networks are told where reasoning is off."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from corral.core.messages import Message, Tool, ToolCall, ToolProperty
from corral.core.model import Model
from corral.core.requests import Think
from corral.prompt.families.quoted import Quoting
from corral.prompt.families.writing import last_question

_QUOTING = Quoting('<|"|>')
_LARGE_FROM = 12_000_000_000  # parameters


def is_large(model: Model) -> bool:
    """By a size in the model's name, else by its parameter count."""
    name = model.name.short.lower()
    if any(size in name for size in ("e2b", "e4b")):
        return False
    if any(size in name for size in ("12b", "26b", "31b")):
        return True
    return model.network.parameter_count >= _LARGE_FROM


def _render(is_large: bool, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    thinks = think is not False
    system = messages[0].content if messages and messages[0].role in ("system", "developer") else None
    out = "<bos>" + _head(system, tools, thinks)
    turns = messages if system is None else messages[1:]
    question = last_question(turns)
    at = 0
    while at < len(turns):
        if turns[at].role in ("assistant", "tool"):
            end = _end_of_answer(turns, at)
            out += _answer(turns[at:end], at > question)
            # A message that the request began is left open, for the model to continue.
            out += "" if end == len(turns) and _is_prefill(turns[-1]) else "<turn|>\n"
            at = end
        else:
            out += f"<|turn>{turns[at].role}\n{turns[at].content}<turn|>\n"
            at += 1
    if turns and turns[-1].role in ("assistant", "tool"):
        return out
    return out + "<|turn>model\n" + ("<|channel>thought\n<channel|>" if is_large and not thinks else "")


small = functools.partial(_render, False)
large = functools.partial(_render, True)


def _is_prefill(message: Message) -> bool:
    return message.role == "assistant" and not message.tool_calls


def _head(system: str | None, tools: Sequence[Tool], thinks: bool) -> str:
    if not (system or tools or thinks):
        return ""
    mark = "<|think|>\n" if thinks else ""
    return f"<|turn>system\n{mark}{system or ''}{''.join(_declare(tool) for tool in tools)}<turn|>\n"


def _end_of_answer(turns: Sequence[Message], at: int) -> int:
    """An answer goes on over its calls and their results."""
    while at < len(turns) and turns[at].role in ("assistant", "tool"):
        at += 1
    return at


def _answer(turns: Sequence[Message], recent: bool) -> str:
    out = "<|turn>model\n"
    names: list[str] = []
    pending = ""  # the text beside calls stands after their results
    for message in turns:
        if message.role == "tool":
            name = message.tool_name or (names.pop(0) if names else "")
            result = _QUOTING.text(message.content)
            out += f"<|tool_response>response:{name}{{value:{result}}}<tool_response|>"
            continue
        out += pending
        if recent and message.thinking and message.tool_calls:
            out += f"<|channel>thought\n{message.thinking}\n<channel|>"
        out += "".join(_call(call) for call in message.tool_calls)
        names = [call.name for call in message.tool_calls]
        pending = message.content
    return out + pending


def _call(call: ToolCall) -> str:
    return f"<|tool_call>{_QUOTING.call(call)}<tool_call|>"


def _declare(tool: Tool) -> str:
    parameters = tool.parameters
    parts = [f"description:{_QUOTING.text(tool.description)}"]
    if parameters.type or parameters.properties:
        schema = ToolProperty(
            type=(parameters.type,) if parameters.type else (),
            properties=parameters.properties,
            required=parameters.required,
        )
        parts.append(f"parameters:{_schema(schema)}")
    return f"<|tool>declaration:{tool.name}{{{','.join(parts)}}}<tool|>"


def _schema(schema: ToolProperty) -> str:
    parts = [f"description:{_QUOTING.text(schema.description)}"] if schema.description else []
    if schema.enum:
        parts.append(f"enum:{_QUOTING.value(list(schema.enum))}")
    if isinstance(schema.items, Mapping):
        parts.append(f"items:{_items(schema.items)}")
    if schema.properties:
        properties = ",".join(
            f"{name}:{_schema(schema.properties[name])}" for name in sorted(schema.properties)
        )
        parts.append(f"properties:{{{properties}}}")
    if schema.required:
        parts.append(f"required:{_QUOTING.value(list(schema.required))}")
    kinds = schema.type or tuple(name for option in schema.any_of for name in option.type)
    if kinds:
        parts.append(f"type:{_QUOTING.text(_kind(kinds))}")
    return "{" + ",".join(parts) + "}"


def _kind(kinds: Sequence[str]) -> str:
    upper = [kind.upper() for kind in kinds]
    return upper[0] if len(upper) == 1 else str(upper)


def _items(items: Mapping[str, object]) -> str:
    kind = items.get("type")
    rest = {key: value for key, value in sorted(items.items()) if key != "type"}
    parts = [f"{key}:{_QUOTING.value(value)}" for key, value in rest.items()]
    if isinstance(kind, str):
        parts.append(f"type:{_QUOTING.text(kind.upper())}")
    return "{" + ",".join(parts) + "}"
