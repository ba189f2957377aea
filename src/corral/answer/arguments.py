"""Argument values that a model writes as bare text, brought to the types their tool declares.

Source: http-api.md 11.6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from corral.core.messages import Tool, ToolProperty

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MAX_DIGITS = 300  # longer numbers stay text


def coerce(text: str, declared: ToolProperty | None) -> object:
    """The value that `text` stands for, by the declared types of its parameter."""
    value = _without_outer_newlines(text)
    if value.lower() == "null":
        return None
    types = _types(declared)
    if not types:
        return value
    for name, read in _READERS:
        if name in types:
            found = read(value)
            if found is not _NOTHING:
                return found
    return False if types == {"boolean"} else value


def coerce_all(tool_name: str, values: Mapping[str, str], tools: Sequence[Tool]) -> dict[str, object]:
    """All arguments of a call, in the order given."""
    properties = _properties(tool_name, tools)
    return {key: coerce(text, properties.get(key)) for key, text in values.items()}


def _properties(tool_name: str, tools: Sequence[Tool]) -> Mapping[str, ToolProperty]:
    for tool in tools:
        if tool.name == tool_name:
            return tool.parameters.properties or {}
    return {}


def _types(declared: ToolProperty | None) -> set[str]:
    if declared is None:
        return set()
    return {*declared.type, *(name for option in declared.any_of for name in option.type)}


def _without_outer_newlines(text: str) -> str:
    return text.removeprefix("\n").removesuffix("\n")


class _Nothing:
    """Says that a text has no value of the wanted type."""


_NOTHING = _Nothing()


def _boolean(text: str) -> object:
    return {"true": True, "false": False}.get(text.lower(), _NOTHING)


def _integer(text: str) -> object:
    return int(text) if _INTEGER.fullmatch(text) and len(text) <= _MAX_DIGITS else _NOTHING


def _number(text: str) -> object:
    if not _NUMBER.fullmatch(text) or len(text) > _MAX_DIGITS:
        return _NOTHING
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return _NOTHING
    return int(number) if number.is_integer() else number


def _json(text: str, kind: type) -> object:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _NOTHING
    return value if isinstance(value, kind) else _NOTHING


# In the order in which they are tried.
_READERS = (
    ("boolean", _boolean),
    ("integer", _integer),
    ("number", _number),
    ("array", lambda text: _json(text, list)),
    ("object", lambda text: _json(text, dict)),
    ("string", lambda text: text),
)
