"""Which schemas are left to the engine: only those whose every keyword it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from corral.engine import plain_schema

ENUM = {"enum": ["Lima", "Rome"]}


@pytest.mark.parametrize(
    "schema",
    [
        ENUM,
        {"type": "string", "enum": ["Lima"]},
        {"type": "integer"},
        {"type": "array", "items": {"type": "boolean"}},
        {"type": "object", "properties": {"city": ENUM}, "required": ["city"], "additionalProperties": False},
    ],
)
def test_a_plain_schema_is_left_to_the_engine(schema: dict[str, Any]) -> None:
    assert plain_schema(schema) == schema


@pytest.mark.parametrize(
    "schema",
    [
        "json",
        None,
        {},
        {"type": "number", "minimum": 5000},
        {"type": "integer", "enum": ["a word"]},
        {"type": "integer", "enum": [True]},
        {"type": ["string", "null"], "enum": ["a"]},
        {"enum": ["ab"], "minLength": 3},
        {"enum": []},
        {"type": "array"},
        {"type": "array", "items": {"type": "number"}, "minItems": 1},
        {"type": "object", "properties": {"a": ENUM}, "required": ["b"]},
        {"type": "object", "properties": {"a": ENUM}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}},
        {"type": "object", "properties": {}},
        {"$ref": "#/$defs/a", "$defs": {"a": ENUM}},
    ],
)
def test_a_schema_that_the_engine_would_hold_in_part_is_not_left_to_it(schema: object) -> None:
    assert plain_schema(schema) is None


def test_notes_are_not_passed_on() -> None:
    assert plain_schema({"title": "City", "type": "string"}) == {"type": "string"}
