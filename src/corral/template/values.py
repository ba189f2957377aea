"""The values a template sees, and what Go would call them.

Plain Python values stand for Go's: None (nil, or missing), bool, int, float, str, bytes, list and tuple
(slices), dict (a map with string keys, always visited in sorted order). Everything else a caller needs is
built from the classes below. Each may be subclassed; any class of list, dict or Struct may define

    __go_string__(self) -> str | None    what printing the value gives, as Go's String; None to go without
    __go_json__(self) -> object          the value that `json` encodes in its place
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from corral.template.encode import encode


class Struct:
    """A Go struct: a fixed set of fields, so that an unknown one is an error.

    `type_name` appears in messages ("api.Message"). With `json` (keys in order of output) printing the value
    and `json` give that object as compact JSON; without it they give the fields, as Go does for a struct
    that has no String method and no tags.
    """

    __slots__ = ("fields", "json", "type_name")

    def __init__(
        self, type_name: str, fields: Mapping[str, object], *, json: Mapping[str, object] | None = None
    ) -> None:
        self.type_name = type_name
        self.fields = fields
        self.json = json

    def __go_string__(self) -> str | None:
        return None if self.json is None else encode(self)

    def __go_json__(self) -> object:
        return OrderedMap(self.fields if self.json is None else self.json)


class JSONMap(dict[str, object]):
    """A map that prints as compact JSON with sorted keys, as a tool call's arguments do."""

    __slots__ = ()

    def __go_string__(self) -> str:
        return encode(self)


class OrderedMap(JSONMap):
    """A map whose JSON keeps the order of its entries; `range` still visits them sorted."""

    __slots__ = ()

    __go_ordered__: Final = True


class JSONList(list[object]):
    """A list that prints as compact JSON, as `.Tools` does."""

    __slots__ = ()

    def __go_string__(self) -> str:
        return encode(self)


class TypeList(list[str]):
    """The `type` of a JSON schema: one name prints bare (`string`), several as `[string null]`."""

    __slots__ = ()

    def __go_string__(self) -> str:
        return self[0] if len(self) == 1 else f"[{' '.join(self)}]" if self else ""

    def __go_json__(self) -> object:
        return self[0] if len(self) == 1 else list(self)


class _NilElement:
    """A nil met as an element of a list or map: unlike a missing value, asking it for a field is an error."""

    __slots__ = ()


NIL_ELEMENT: Final = _NilElement()

_KINDS: dict[type, str] = {
    type(None): "nil",
    bool: "bool",
    int: "int",
    float: "float64",
    str: "string",
    bytes: "bytes",
    list: "slice",
    tuple: "slice",
    dict: "map",
    Struct: "struct",
}
_TYPE_NAMES = {
    "slice": "[]interface {}",
    "map": "map[string]interface {}",
    "bytes": "[]uint8",
    "nil": "<nil>",
}


def kind(value: object) -> str:
    """One of nil, bool, int, float64, string, bytes, slice, map, struct; "other" for any foreign object."""
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    for parent in type(value).__mro__[1:]:
        if parent in _KINDS:
            return _KINDS[parent]
    return "other"


def type_name(value: object) -> str:
    """Name of the value's type as Go prints it."""
    if isinstance(value, Struct):
        return value.type_name
    name = kind(value)
    return type(value).__name__ if name == "other" else _TYPE_NAMES.get(name, name)


def truth(value: object) -> bool:
    """Go's truth: false, 0, nil, and whatever is empty are false; a struct is true."""
    if isinstance(value, Struct):
        return True
    return bool(value) and value is not NIL_ELEMENT


def map_items(value: Mapping[str, object]) -> Sequence[tuple[str, object]]:
    """Entries in sorted order of their keys."""
    return sorted(value.items(), key=_key_text)


def _key_text(item: tuple[str, object]) -> str:
    return item[0] if type(item[0]) is str else str(item[0])
