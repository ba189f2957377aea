from __future__ import annotations

import pytest

from corral.engine import json_grammar, schema_grammar
from corral.errors import InvalidInput

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}


def test_members_stand_in_their_order_and_optional_ones_may_be_left_out():
    body = '"{" space "\\"name\\"" space ":" space root-name ( "," space root-kv )? space "}"'
    assert f"start ::= {body}" in schema_grammar(PERSON)


def test_a_schema_may_refer_to_itself():
    tree = {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        "$ref": "#/$defs/node",
    }
    assert 'ref-0 ::= "{"' in schema_grammar(tree)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "object", "patternProperties": {}}, "patternProperties"),
        ({"not": {}}, "not"),
        ({"if": {}, "then": {}}, "if"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "string", "pattern": "abc"}, "pattern"),
        ({"type": "string", "pattern": "^(?=x)$"}, "pattern"),
        ({"$ref": "#/nowhere"}, "ref"),
        ({"enum": []}, "enum"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "minimum"),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4}, "exclusiveMinimum"),
        ({"type": "string", "pattern": "^a$", "maxLength": 3}, "pattern"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "type"),
        ({"type": "object", "required": ["a"], "additionalProperties": False}, "required"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "ref"),
        ({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}, "ref"),
    ],
)
def test_an_unsupported_keyword_is_refused_by_name(schema: dict[str, object], word: str):
    with pytest.raises(InvalidInput, match=word):
        schema_grammar(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "number"}},
        {"type": ["string", "null"]},
        {"anyOf": [{"const": 1}, {"type": "boolean"}]},
        {"allOf": [PERSON, {"properties": {"x": {"type": "null"}}, "required": ["x"]}]},
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3},
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        {"type": "string", "minLength": 2, "maxLength": 5},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "uuid"},
        {"type": "string", "pattern": "^[A-Z]{2}-\\d+(a|b)?$"},
        {"type": "integer", "minimum": 1, "maximum": 5},
        {"type": "integer", "minimum": 1},
    ],
)
def test_supported_schemas_make_a_grammar(schema: dict[str, object]):
    assert schema_grammar(schema).startswith("root ::= start\n")


def test_any_json_means_an_object():
    assert json_grammar().startswith("root ::= object\n")


def test_a_schema_nested_without_end_is_refused():
    schema: dict[str, object] = {}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidInput, match="deeply"):
        schema_grammar(schema)
