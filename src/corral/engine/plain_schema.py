"""The JSON Schemas that the engine's own conversion holds in full.

It passes over what it cannot express, so a schema is only left to it when every keyword is one that it keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Say something about a value without limiting it; not passed on.
_NOTES = frozenset({"$schema", "$id", "$comment", "title", "description", "default", "examples"})
_BASIC = frozenset({"string", "integer", "number", "boolean", "null"})
_ENUM_TYPES: Mapping[str | None, tuple[type, ...]] = {
    None: (str, int, bool, type(None)),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
}


def plain_schema(schema: object) -> dict[str, Any] | None:
    """The schema without notes, where the engine holds it by itself; else None."""
    if not isinstance(schema, Mapping):
        return None
    limits = {word: value for word, value in schema.items() if word not in _NOTES}
    if "enum" in limits:
        return limits if _is_plain_enum(limits) else None
    match limits.get("type"):
        case "object":
            return _plain_object(limits)
        case "array":
            items = plain_schema(limits.get("items"))
            return {"type": "array", "items": items} if items and limits.keys() == {"type", "items"} else None
        case str(kind) if kind in _BASIC and len(limits) == 1:
            return limits
    return None


def _is_plain_enum(limits: Mapping[str, Any]) -> bool:
    kind, values = limits.get("type"), limits["enum"]
    types = _ENUM_TYPES.get(kind) if kind is None or isinstance(kind, str) else None
    return (
        limits.keys() <= {"enum", "type"}
        and isinstance(values, list)
        and bool(values)
        and types is not None
        and all(type(value) in types for value in values)
    )


def _plain_object(limits: Mapping[str, Any]) -> dict[str, Any] | None:
    properties, required = limits.get("properties"), limits.get("required", [])
    if not (isinstance(properties, Mapping) and properties and isinstance(required, list)):
        return None
    plain = {name: plain_schema(value) for name, value in properties.items()}
    if (
        not limits.keys() <= {"type", "properties", "required", "additionalProperties"}
        or limits.get("additionalProperties", False) is not False
        or not all(plain.values())
        or not all(name in plain for name in required)
    ):
        return None
    return {"type": "object", "properties": plain, "required": required, "additionalProperties": False}
