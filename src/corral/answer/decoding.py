"""Spellings of tool calls that several families share: JSON objects, function tags, Python calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

import msgspec

from corral.answer.arguments import coerce_all
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

_FUNCTION = re.compile(r"\s*<function=([^>]*)>(.*)</function>\s*", re.DOTALL)
_PARAMETER = re.compile(r"\s*<parameter=([^>]*)>(.*?)</parameter>\s*", re.DOTALL)
_MAX_PYTHON_CHARACTERS = 1_000_000


def decode_json(text: str) -> object:
    """The value of a JSON text. Raises CorralError with the decoder's words."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CorralError(f"failed to parse JSON: {error}") from error


def json_call(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    """One object `{"name": ..., "arguments": {...}}`."""
    value = decode_json(text.strip())
    if not isinstance(value, dict):
        raise CorralError("failed to parse JSON: expected an object")
    name, arguments = value.get("name"), value.get("arguments")
    if not isinstance(name, str) or not name:
        raise CorralError("empty function name")
    return [ToolCall(name, as_arguments(arguments))]


def as_arguments(value: object) -> Mapping[str, object]:
    """Arguments as an object, where they may be missing or be a text that holds one."""
    if isinstance(value, str) and value.strip():
        value = decode_json(value)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise CorralError("failed to parse JSON: expected the arguments to be an object")
    return value


def function_tags_call(text: str, tools: Sequence[Tool]) -> list[ToolCall]:
    """`<function=NAME><parameter=KEY>value</parameter>...</function>`; values take their declared types."""
    found = _FUNCTION.fullmatch(text)
    if not found:
        raise CorralError("failed to parse XML: expected one <function=...> element")
    name, body = found[1].strip(), found[2]
    values: dict[str, str] = {}
    at = 0
    while parameter := _PARAMETER.match(body, at):
        values[parameter[1].strip()] = parameter[2]
        at = parameter.end()
    if body[at:].strip():
        raise CorralError("failed to parse XML: unexpected text between parameters")
    if not name:
        raise CorralError("empty function name")
    return [ToolCall(name, coerce_all(name, values, tools))]


def python_calls(text: str) -> list[ToolCall]:
    """Calls with named arguments, alone or in a list: `f(a='v', n=1, flag=true)`.

    Constants may be spelled as in Python or JSON. Raises CorralError on all else; nothing is executed.
    """
    if len(text) > _MAX_PYTHON_CHARACTERS:
        raise CorralError("failed to parse tool call: too long")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        nodes = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_python_call(node) for node in nodes]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CorralError(f"failed to parse tool call: {error}") from error


def _python_call(node: ast.expr) -> ToolCall:
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("expected a call with named arguments")
    return ToolCall(
        ast.unparse(node.func), {keyword.arg or "": _python_value(keyword.value) for keyword in node.keywords}
    )


def _python_value(node: ast.expr) -> object:
    match node:
        case ast.Name(id=name) if name.lower() in _CONSTANTS:
            return _CONSTANTS[name.lower()]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_python_value(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {
                str(ast.literal_eval(key)): _python_value(value)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            }
    value = ast.literal_eval(node)
    if not isinstance(value, str | int | float):
        raise ValueError("expected a text, a number or a list of them")
    return value


_CONSTANTS = {"true": True, "false": False, "none": None, "null": None}
