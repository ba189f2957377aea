"""JSON Schema as a grammar (GBNF) that constrains what the engine may write.

The engine's own `json_schema` field lets text pass unconstrained when it meets a keyword that it does not
know; here such a keyword is refused by name. White space between tokens is bounded, so an answer cannot run
away in blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from corral.errors import InvalidInput

_SPACE = r'| " " | "\n"{1,2} [ \t]{0,20}'
_CHAR = r'[^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt/] | "u" [0-9a-fA-F]{4})'

_PRIMITIVES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "boolean": ('("true" | "false") space', ()),
    "null": ('"null" space', ()),
    "char": (_CHAR, ()),
    "string": (r'"\"" char* "\"" space', ("char",)),
    "integral-part": ("[0] | [1-9] [0-9]{0,15}", ()),
    "decimal-part": ("[0-9]{1,16}", ()),
    "integer": ('("-"? integral-part) space', ("integral-part",)),
    "number": (
        '("-"? integral-part) ("." decimal-part)? ([eE] [-+]? integral-part)? space',
        ("integral-part", "decimal-part"),
    ),
    "value": (
        "object | array | string | number | boolean | null",
        ("object", "array", "string", "number", "boolean", "null"),
    ),
    "object": (
        r'"{" space ( string ":" space value ("," space string ":" space value)* )? "}" space',
        ("string", "value"),
    ),
    "array": ('"[" space ( value ("," space value)* )? "]" space', ("value",)),
    "date": ('[0-9]{4} "-" ( "0" [1-9] | "1" [0-2] ) "-" ( "0" [1-9] | [1-2] [0-9] | "3" [0-1] )', ()),
    "time": (
        '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ( "." [0-9]{3} )? '
        '( "Z" | ( "+" | "-" ) ( [01] [0-9] | "2" [0-3] ) ":" [0-5] [0-9] )',
        (),
    ),
    "uuid": (
        r'[0-9a-fA-F]{8} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{12}',
        (),
    ),
}
_FORMATS = {"date": "date", "time": "time", "uuid": "uuid"}

# Say something about a value without limiting what may be written.
_NOTES = frozenset(
    {"$schema", "$id", "$comment", "$anchor", "title", "description", "default", "examples", "deprecated"}
    | {"readOnly", "writeOnly", "$defs", "definitions", "nullable", "additionalProperties", "strict", "name"}
)
_KNOWN = _NOTES | {
    "type", "properties", "required", "enum", "const", "anyOf", "oneOf", "allOf", "items", "prefixItems",
    "minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "$ref", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum",
}  # fmt: skip
_MAX_DEPTH = 64
_MAX_REPEAT = 2000


def json_grammar() -> str:
    """Any JSON object."""
    builder = _Builder({})
    return builder.text(builder.primitive("object"))


def schema_grammar(schema: Mapping[str, Any]) -> str:
    """The values that `schema` allows. Raises InvalidInput naming the first keyword that is not supported."""
    builder = _Builder(schema)
    return builder.text(builder.rule("start", builder.visit(schema, "root", 0)))


class _Builder:
    """Collects rules; `visit` returns the right-hand side that a schema stands for."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._rules: dict[str, str] = {"space": _SPACE}
        self._references: dict[str, str] = {}

    def text(self, start: str) -> str:
        return "\n".join([f"root ::= {start}", *(f"{name} ::= {body}" for name, body in self._rules.items())])

    def rule(self, name: str, body: str) -> str:
        """The name under which `body` is kept; a taken name gets a number."""
        base, count = re.sub(r"[^a-zA-Z0-9-]+", "-", name), 0
        name = base
        while name in self._rules and self._rules[name] != body:
            count += 1
            name = f"{base}-{count}"
        self._rules[name] = body
        return name

    def primitive(self, name: str) -> str:
        if name not in self._rules:
            body, needs = _PRIMITIVES[name]
            self._rules[name] = body
            for need in needs:
                self.primitive(need)
        return name

    def visit(self, schema: object, name: str, depth: int) -> str:
        if depth > _MAX_DEPTH:
            raise InvalidInput("the schema is nested too deeply")
        if schema is True or schema == {}:
            return self.primitive("value")
        if not isinstance(schema, Mapping):
            raise InvalidInput(f"unsupported schema: {json.dumps(schema)}")
        unknown = next((key for key in schema if key not in _KNOWN), None)
        if unknown is not None:
            raise InvalidInput(f'unsupported schema keyword "{unknown}"')
        if "$ref" in schema:
            return self._reference(schema["$ref"], depth)
        if "const" in schema:
            return f"{_literal(schema['const'])} space"
        if "enum" in schema:
            return self._enum(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._alternatives(schema[word], name, depth)
        if "allOf" in schema:
            return self.visit(_merged(self._root, schema), name, depth + 1)
        return self._typed(schema, name, depth)

    def _typed(self, schema: Mapping[str, Any], name: str, depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._alternatives([{**schema, "type": one} for one in kind], name, depth)
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, name, depth)
        if kind == "array" or (kind is None and ("items" in schema or "prefixItems" in schema)):
            return self._array(schema, name, depth)
        if kind == "string" or (kind is None and ("pattern" in schema or "format" in schema)):
            return self._string(schema)
        if kind in ("integer", "number"):
            return self._number(kind, schema)
        if kind in ("boolean", "null"):
            return self.primitive(kind)
        if kind is None:
            return self.primitive("value")
        raise InvalidInput(f"unsupported schema type {json.dumps(kind)}")

    def _reference(self, target: object, depth: int) -> str:
        found = resolve(self._root, target)
        key = str(target)
        if key not in self._references:
            # Named before it is visited: a schema may refer to itself.
            name = f"ref-{len(self._references)}"
            self._references[key] = name
            self._rules[name] = ""
            self._rules[name] = self.visit(found, name, depth + 1)
        return self._references[key]

    def _enum(self, values: object) -> str:
        if not isinstance(values, list) or not values:
            raise InvalidInput('schema keyword "enum" must be a list that is not empty')
        return f"({' | '.join(_literal(value) for value in values)}) space"

    def _alternatives(self, options: object, name: str, depth: int) -> str:
        if not isinstance(options, list) or not options:
            raise InvalidInput("a schema needs at least one alternative")
        rules = [
            self.rule(f"{name}-{i}", self.visit(one, f"{name}-{i}", depth + 1))
            for i, one in enumerate(options)
        ]
        return f"({' | '.join(rules)})"

    def _object(self, schema: Mapping[str, Any], name: str, depth: int) -> str:
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        if not properties:
            if extra is False:
                return '"{" space "}" space'
            return self._open_object(extra, name, depth)
        required = set(schema.get("required") or ())
        members = []
        for key, value in properties.items():
            rule = self.rule(f"{name}-{key}", self.visit(value, f"{name}-{key}", depth + 1))
            members.append((f'{_literal(key)} space ":" space {rule}', key in required))
        return f'"{{" space {self._members(members, name)} "}}" space'

    def _open_object(self, extra: object, name: str, depth: int) -> str:
        if not isinstance(extra, Mapping):
            return self.primitive("object")
        value = self.rule(f"{name}-value", self.visit(extra, f"{name}-value", depth + 1))
        member = f'{self.primitive("string")} ":" space {value}'
        return f'"{{" space ( {member} ("," space {member})* )? "}}" space'

    def _members(self, members: Sequence[tuple[str, bool]], name: str) -> str:
        """Members in their order; those that are not required may be left out, wherever they stand."""
        required = [text for text, needed in members if needed]
        optional = [text for text, needed in members if not needed]
        head = ' "," space '.join(required)
        if not optional:
            return head
        rules = [self.rule(f"{name}-kv", text) for text in optional]
        if head:
            return head + "".join(f' ( "," space {rule} )?' for rule in rules)
        tails = [
            f"{rule}{''.join(f' ( {chr(34)},{chr(34)} space {later} )?' for later in rules[i + 1 :])}"
            for i, rule in enumerate(rules)
        ]
        return f"( {' | '.join(tails)} )?"

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> str:
        if "prefixItems" in schema:
            items = [
                self.rule(f"{name}-item-{i}", self.visit(one, f"{name}-item-{i}", depth + 1))
                for i, one in enumerate(schema["prefixItems"])
            ]
            body = ' "," space '.join(items)
            return f'"[" space {body} "]" space'
        item = self.rule(f"{name}-item", self.visit(schema.get("items", {}), f"{name}-item", depth + 1))
        least, most = _bounds(schema, "minItems", "maxItems")
        if most == 0:
            return '"[" space "]" space'
        more = _repeat(f'("," space {item})', max(least - 1, 0), None if most is None else most - 1)
        body = f"{item} {more}" if least > 0 else f"({item} {more})?"
        return f'"[" space {body} "]" space'

    def _string(self, schema: Mapping[str, Any]) -> str:
        if "pattern" in schema:
            return f'"\\"" {self._pattern(str(schema["pattern"]))} "\\"" space'
        form = schema.get("format")
        if form == "date-time":
            return f'"\\"" {self.primitive("date")} "T" {self.primitive("time")} "\\"" space'
        if form in _FORMATS:
            return f'"\\"" {self.primitive(_FORMATS[form])} "\\"" space'
        least, most = _bounds(schema, "minLength", "maxLength")
        if least == 0 and most is None:
            return self.primitive("string")
        return f'"\\"" {_repeat(self.primitive("char"), least, most)} "\\"" space'

    def _number(self, kind: str, schema: Mapping[str, Any]) -> str:
        low, high = schema.get("minimum"), schema.get("maximum")
        if "exclusiveMinimum" in schema or "exclusiveMaximum" in schema or not (low is None and high is None):
            return self._bounded(kind, schema)
        return self.primitive(kind)

    def _bounded(self, kind: str, schema: Mapping[str, Any]) -> str:
        """Small ranges of whole numbers are spelled out; of others only the sign can be held."""
        low = _lowest(schema)
        high = _highest(schema)
        if kind == "integer" and low is not None and high is not None and 0 <= high - low <= _MAX_REPEAT:
            return f"({' | '.join(_literal(value) for value in range(low, high + 1))}) space"
        if kind == "integer" and high is None and low in (0, 1):
            first = "[1-9] [0-9]{0,15}"
            return f"({first}) space" if low == 1 else f"([0] | {first}) space"
        raise InvalidInput(f'unsupported schema keyword "{_bound_word(schema)}" for this range')

    def _pattern(self, pattern: str) -> str:
        """A regular expression of literals, classes, groups, alternatives and repetitions, anchored."""
        if not (pattern.startswith("^") and pattern.endswith("$")):
            raise InvalidInput('unsupported schema keyword "pattern": it must start with ^ and end with $')
        return _PatternReader(pattern[1:-1]).read()


def resolve(root: Mapping[str, Any], target: object) -> object:
    """The schema that a `$ref` inside `root` means. Raises InvalidInput when there is none."""
    if not isinstance(target, str) or not target.startswith("#"):
        raise InvalidInput(f'unsupported schema keyword "$ref": {json.dumps(target)}')
    found: object = root
    for part in target.lstrip("#").strip("/").split("/") if target != "#" else ():
        part = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or part not in found:
            raise InvalidInput(f'schema keyword "$ref" points nowhere: {target}')
        found = found[part]
    return found


def _merged(root: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The members of `allOf` as one schema: properties and requirements together."""
    out = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        found = resolve(root, part["$ref"]) if isinstance(part, Mapping) and "$ref" in part else part
        if not isinstance(found, Mapping):
            raise InvalidInput('unsupported member of schema keyword "allOf"')
        if "properties" in found:
            out["properties"] = {**out.get("properties", {}), **found["properties"]}
        out["required"] = [*out.get("required", []), *found.get("required", [])]
        out |= {key: value for key, value in found.items() if key not in ("properties", "required", "$defs")}
    if not out.get("required"):
        out.pop("required", None)
    return out


def _literal(value: object) -> str:
    """The JSON text of a value as a terminal."""
    return json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)


def _bounds(schema: Mapping[str, Any], low: str, high: str) -> tuple[int, int | None]:
    least, most = schema.get(low, 0), schema.get(high)
    for word, value in ((low, least), (high, most)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise InvalidInput(f'schema keyword "{word}" must be a number that is not negative')
    if least > _MAX_REPEAT or (most is not None and (most > _MAX_REPEAT * 100 or most < least)):
        raise InvalidInput(f'schema keyword "{low}" or "{high}" is out of range')
    return least, most


def _repeat(item: str, least: int, most: int | None) -> str:
    if most is None:
        return {0: f"{item}*", 1: f"{item}+"}.get(least, f"{item}{{{least},}}")
    return f"{item}{{{least},{most}}}"


def _lowest(schema: Mapping[str, Any]) -> int | None:
    if "exclusiveMinimum" in schema:
        return int(schema["exclusiveMinimum"]) + 1
    return int(schema["minimum"]) if "minimum" in schema else None


def _highest(schema: Mapping[str, Any]) -> int | None:
    if "exclusiveMaximum" in schema:
        return int(schema["exclusiveMaximum"]) - 1
    return int(schema["maximum"]) if "maximum" in schema else None


def _bound_word(schema: Mapping[str, Any]) -> str:
    words = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    return next(word for word in words if word in schema)


_CLASSES = {"d": "[0-9]", "w": "[a-zA-Z0-9_]", "s": "[ \\t]"}


class _PatternReader:
    """Turns a small regular language into grammar text."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def read(self) -> str:
        body = self._alternatives()
        if self._at < len(self._pattern):
            raise self._refuse()
        return f"({body})"

    def _refuse(self) -> InvalidInput:
        return InvalidInput(
            f'unsupported schema keyword "pattern": {self._pattern[self._at : self._at + 12]!r}'
        )

    def _alternatives(self) -> str:
        options = [self._sequence()]
        while self._pattern[self._at : self._at + 1] == "|":
            self._at += 1
            options.append(self._sequence())
        return " | ".join(options)

    def _sequence(self) -> str:
        items = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            items.append(self._atom() + self._repetition())
        return " ".join(items) or '""'

    def _repetition(self) -> str:
        found = re.compile(r"[*+?]|\{\d+(,\d*)?\}").match(self._pattern, self._at)
        if not found:
            return ""
        self._at = found.end()
        return found[0]

    def _atom(self) -> str:
        char = self._pattern[self._at]
        self._at += 1
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char == ".":
            return r'[^"\\\x7F\x00-\x1F]'
        if char in '*+?{}^$"':
            self._at -= 1
            raise self._refuse()
        return json.dumps(char, ensure_ascii=False)

    def _group(self) -> str:
        if self._pattern.startswith("?:", self._at):
            self._at += 2
        elif self._pattern.startswith("?", self._at):
            raise self._refuse()
        body = self._alternatives()
        if self._pattern[self._at : self._at + 1] != ")":
            raise self._refuse()
        self._at += 1
        return f"({body})"

    def _class(self) -> str:
        end = self._pattern.find("]", self._at + 1)
        body = self._pattern[self._at : end]
        if end < 0 or '"' in body or "[" in body:
            raise self._refuse()
        self._at = end + 1
        for name, members in _CLASSES.items():
            body = body.replace(f"\\{name}", members[1:-1])
        return f"[{body}]"

    def _escape(self) -> str:
        char = self._pattern[self._at : self._at + 1]
        self._at += 1
        if char in _CLASSES:
            return _CLASSES[char]
        if not char or char.isalnum() or char in '"\\':
            raise self._refuse()
        return json.dumps(char)
