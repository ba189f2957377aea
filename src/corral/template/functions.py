"""The functions a template may call, by name.

A function takes its evaluated operands and the largest number of characters it may return; it raises
CallError for operands it cannot work with. `and` and `or` are only listed here: they do not evaluate all
their operands, so the runtime does their work.
Source: modelfile specification, section 10.3, and Go's documentation of text/template, "Functions".
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import quote_plus

from corral.template import compare
from corral.template.compare import CallError
from corral.template.encode import MAX_DEPTH, encode
from corral.template.format import print_format, print_line, print_values
from corral.template.literals import from_bytes, to_bytes
from corral.template.values import Struct, kind, truth, type_name


@dataclass(frozen=True, slots=True)
class Function:
    """`num_fixed` operands are required; more are taken only if `variadic`.

    `strings` says which operands must be strings: None, "first" or "all". The others may be anything.
    """

    call: Callable[[Sequence[object], int], object]
    num_fixed: int
    variadic: bool = False
    strings: str | None = None


def _length(arguments: Sequence[object], _limit: int) -> int:
    (value,) = arguments
    match kind(value):
        case "string":
            text = cast(str, value)
            return len(text) if text.isascii() else len(to_bytes(text))
        case "slice" | "map" | "bytes":
            return len(cast("Sequence[object]", value))
        case "nil":
            raise CallError("len of nil pointer")
    raise CallError(f"len of type {type_name(value)}")


def _position(value: object, length: int) -> int:
    """An operand used as an index; `length` itself is still allowed."""
    name = kind(value)
    if name == "nil":
        raise CallError("cannot index slice/array with nil")
    if name != "int":
        raise CallError(f"cannot index slice/array with type {type_name(value)}")
    number = cast(int, value)
    if not 0 <= number <= length:
        raise CallError(f"index out of range: {number if abs(number) < 2**64 else 'too large'}")
    return number


def _index(arguments: Sequence[object], _limit: int) -> object:
    item, *indexes = arguments
    if item is None:
        raise CallError("index of untyped nil")
    for index in indexes:
        item = _element(item, index)
    return item


def _element(item: object, index: object) -> object:
    match kind(item):
        case "nil":
            raise CallError("index of nil pointer")
        case "map":
            return cast("Mapping[str, object]", item).get(_key(index))
        case "string":
            return _at(to_bytes(cast(str, item)), index, "string")
        case "slice" | "bytes":
            return _at(cast("Sequence[object]", item), index, "slice")
    raise CallError(f"can't index item of type {type_name(item)}")


def _at(items: Sequence[object], index: object, noun: str) -> object:
    number = _position(index, len(items))
    if number == len(items):
        raise CallError(f"reflect: {noun} index out of range")
    return items[number]


def _key(index: object) -> str:
    if index is None:
        raise CallError("value is nil; should be of type string")
    if not isinstance(index, str):
        raise CallError(f"value has type {type_name(index)}; should be string")
    return index


def _slice(arguments: Sequence[object], _limit: int) -> object:
    item, *indexes = arguments
    if item is None:
        raise CallError("slice of untyped nil")
    if len(indexes) > 3:
        raise CallError(f"too many slice indexes: {len(indexes)}")
    name = kind(item)
    if name == "string" and len(indexes) == 3:
        raise CallError("cannot 3-index slice a string")
    if name not in ("string", "slice", "bytes"):
        raise CallError(f"can't slice item of type {type_name(item)}")
    items = to_bytes(cast(str, item)) if name == "string" else cast("Sequence[object]", item)
    bounds = [_position(index, len(items)) for index in indexes]
    first, last, capacity = (*bounds, *(0, len(items), len(items))[len(bounds) :])
    if first > last:
        raise CallError(f"invalid slice index: {first} > {last}")
    if last > capacity:
        raise CallError(f"invalid slice index: {last} > {capacity}")
    part = items[first:last]
    return from_bytes(part) if name == "string" and isinstance(part, bytes) else part


def _escaped_text(arguments: Sequence[object], limit: int) -> str:
    """The operands as one text, for the escapers; nil prints as a missing value there."""
    if len(arguments) == 1 and isinstance(arguments[0], str):
        return arguments[0]
    return print_values(["<no value>" if value is None else value for value in arguments], limit)


_HTML = str.maketrans({"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _html(arguments: Sequence[object], limit: int) -> str:
    return _escaped_text(arguments, limit).translate(_HTML)


def _js(arguments: Sequence[object], limit: int) -> str:
    return "".join(map(_js_character, _escaped_text(arguments, limit)))


def _js_character(character: str) -> str:
    if character in "\\'\"":
        return "\\" + character
    if character in "<>&=" or character < " " or not character.isprintable():
        return f"\\u{ord(character):04X}"
    return character


def _urlquery(arguments: Sequence[object], limit: int) -> str:
    return quote_plus(to_bytes(_escaped_text(arguments, limit)))


def _call(arguments: Sequence[object], _limit: int) -> object:
    # No value of ours is a function, so there is never anything to call.
    if arguments[0] is None:
        raise CallError("call of nil")
    raise CallError(f"non-function of type {type_name(arguments[0])}")


def _printf(arguments: Sequence[object], limit: int) -> str:
    return print_format(cast(str, arguments[0]), arguments[1:], limit)


def _json(arguments: Sequence[object], limit: int) -> str:
    return encode(arguments[0], limit)


def today() -> datetime.date:
    """Today's date where this machine is."""
    return datetime.date.today()


def _current_date(_arguments: Sequence[object], _limit: int) -> str:
    return today().isoformat()


def _yesterday_date(_arguments: Sequence[object], _limit: int) -> str:
    return (today() - datetime.timedelta(days=1)).isoformat()


_TYPESCRIPT = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "array": "any[]",
    "object": "Record<string, any>",
    "null": "null",
}


def _typescript(arguments: Sequence[object], _limit: int) -> str:
    return _typescript_type(arguments[0], 0)


def _typescript_type(value: object, depth: int) -> str:
    """TypeScript's name for the type of a tool's property: a Struct with fields Type and AnyOf."""
    if not isinstance(value, Struct) or "Type" not in value.fields or depth > MAX_DEPTH:
        return "any"
    alternatives = value.fields.get("AnyOf")
    if isinstance(alternatives, list | tuple) and alternatives:
        return " | ".join(_typescript_type(alternative, depth + 1) for alternative in alternatives)
    names = value.fields["Type"]
    if isinstance(names, str):
        names = [names] if names else []
    if not isinstance(names, list | tuple) or not names:
        return "any"
    return " | ".join(_TYPESCRIPT.get(str(name), "any") for name in names)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "and": Function(lambda arguments, _limit: arguments[-1], 1, variadic=True),
    "or": Function(lambda arguments, _limit: arguments[-1], 1, variadic=True),
    "not": Function(lambda arguments, _limit: not truth(arguments[0]), 1),
    "eq": Function(compare.eq, 1, variadic=True),
    "ne": Function(compare.ne, 2),
    "lt": Function(compare.lt, 2),
    "le": Function(compare.le, 2),
    "gt": Function(compare.gt, 2),
    "ge": Function(compare.ge, 2),
    "len": Function(_length, 1),
    "index": Function(_index, 1, variadic=True),
    "slice": Function(_slice, 1, variadic=True),
    "print": Function(print_values, 0, variadic=True),
    "println": Function(print_line, 0, variadic=True),
    "printf": Function(_printf, 1, variadic=True, strings="first"),
    "html": Function(_html, 0, variadic=True),
    "js": Function(_js, 0, variadic=True),
    "urlquery": Function(_urlquery, 0, variadic=True),
    "call": Function(_call, 1, variadic=True),
    "json": Function(_json, 1),
    "currentDate": Function(_current_date, 0, variadic=True, strings="all"),
    "yesterdayDate": Function(_yesterday_date, 0, variadic=True, strings="all"),
    "toTypeScriptType": Function(_typescript, 1),
}
