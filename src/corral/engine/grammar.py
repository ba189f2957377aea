"""JSON Schema as a grammar (GBNF) that constrains what the engine may write.

The engine's own `json_schema` field lets text pass unconstrained when it meets a keyword that it does not
know; here such a keyword is refused by name. White space between tokens is bounded, so an answer cannot run
away in blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from corral.engine.number_grammar import MOST_DIGITS, Bound, integers, numbers
from corral.engine.pattern_grammar import CHAR, pattern_grammar
from corral.errors import InvalidInput

_SPACE = r'| " " | "\n"{1,2} [ \t]{0,20}'
_COMPACT_SPACE = '" "?'

_PRIMITIVES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "boolean": ('("true" | "false")', ()),
    "null": ('"null"', ()),
    "char": (CHAR, ()),
    "string": (r'"\"" char* "\""', ("char",)),
    "integral-part": ("[0] | [1-9] [0-9]{0,15}", ()),
    "decimal-part": ("[0-9]{1,16}", ()),
    "integer": ('("-"? integral-part)', ("integral-part",)),
    "number": (
        '("-"? integral-part) ("." decimal-part)? ([eE] [-+]? integral-part)?',
        ("integral-part", "decimal-part"),
    ),
    "value": (
        "object | array | string | number | boolean | null",
        ("object", "array", "string", "number", "boolean", "null"),
    ),
    "object": (
        r'"{" space ( string ":" space value ("," space string ":" space value)* )? space "}"',
        ("string", "value"),
    ),
    "array": ('"[" space ( value ("," space value)* )? space "]"', ("value",)),
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
# Keywords that limit nothing when they have this value.
_IDLE = {"uniqueItems": False, "minProperties": 0, "minContains": 0, "unevaluatedProperties": True}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "object": (dict,),
    "array": (list,),
}
# What a schema without a type can only mean, by the keywords it has.
_KINDS = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_MAX_DEPTH = 64
_MAX_REPEAT = 100_000
_BLOCK = 1000


def json_grammar() -> str:
    """Any JSON object."""
    builder = _Builder({})
    return builder.text(builder.primitive("object"))


def schema_grammar(schema: Mapping[str, Any], *, compact: bool = False) -> str:
    """The values that `schema` allows, `compact` on one line.

    Raises InvalidInput naming the first keyword that is not supported.
    """
    builder = _Builder(schema, _COMPACT_SPACE if compact else _SPACE)
    return builder.text(builder.rule("start", builder.visit(schema, "root", 0)))


class _Builder:
    """Collects rules; `visit` returns the right-hand side that a schema stands for."""

    def __init__(self, root: Mapping[str, Any], space: str = _SPACE) -> None:
        self._root = root
        self._rules: dict[str, str] = {"space": space}
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
        schema = {key: value for key, value in schema.items() if _IDLE.get(key, _IDLE) != value}
        unknown = next((key for key in schema if key not in _KNOWN), None)
        if unknown is not None:
            raise InvalidInput(f'unsupported schema keyword "{unknown}"')
        if "$ref" in schema:
            return self._reference(schema, name, depth)
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return self._enum(schema)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._choice(schema, word, name, depth)
        if "allOf" in schema:
            return self.visit(self._all_of(schema), name, depth + 1)
        return self._typed(schema, name, depth)

    def _choice(self, schema: Mapping[str, Any], word: str, name: str, depth: int) -> str:
        """Alternatives, each together with what stands beside them."""
        beside = {key: value for key, value in schema.items() if key != word and key not in _NOTES}
        options = schema[word]
        if beside and isinstance(options, list):
            options = [self._all_of({"allOf": [beside, option]}) for option in options]
        return self._alternatives(options, name, depth)

    def _typed(self, schema: Mapping[str, Any], name: str, depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._alternatives([{**schema, "type": one} for one in kind], name, depth)
        if kind is None:
            kind = next((k for k, words in _KINDS.items() if any(word in schema for word in words)), None)
        if kind == "object":
            return self._object(schema, name, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "string":
            return self._string(schema, name)
        if kind in ("integer", "number"):
            return self._number(kind, schema)
        if kind in ("boolean", "null"):
            return self.primitive(kind)
        if kind is None:
            return self.primitive("value")
        raise InvalidInput(f"unsupported schema type {json.dumps(kind)}")

    def _reference(self, schema: Mapping[str, Any], name: str, depth: int) -> str:
        if any(key not in _NOTES for key in schema if key != "$ref"):
            return self.visit(
                self._all_of({"allOf": [{"$ref": schema["$ref"]}, _without(schema, "$ref")]}), name, depth + 1
            )
        found = resolve(self._root, schema["$ref"])
        key = str(schema["$ref"])
        if key not in self._references:
            # Named before it is visited: a schema may refer to itself.
            rule = f"ref-{len(self._references)}"
            self._references[key] = rule
            self._rules[rule] = ""
            self._rules[rule] = self.visit(found, rule, depth + 1)
            self._check_progress(rule)
        return self._references[key]

    def _check_progress(self, rule: str) -> None:
        """A rule that means nothing but itself would let the engine run in a circle."""
        seen, at = {rule}, self._rules[rule]
        while at in self._rules:
            if at in seen:
                raise InvalidInput('schema keyword "$ref" leads back to itself')
            seen.add(at)
            at = self._rules[at]

    def _all_of(self, schema: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        """The members of `allOf` and what stands beside them, as one schema."""
        out = _without(schema, "allOf")
        if depth > _MAX_DEPTH:
            raise InvalidInput('schema keyword "$ref" or "allOf" is nested too deeply')
        if not isinstance(schema["allOf"], list):
            raise InvalidInput('schema keyword "allOf" must be a list')
        for part in schema["allOf"]:
            found = self._resolved(part)
            if "allOf" in found:
                found = self._all_of(found, depth + 1)
            _join(out, found)
        return out

    def _resolved(self, part: object) -> Mapping[str, Any]:
        for _ in range(_MAX_DEPTH):
            if part is True:
                return {}
            if not isinstance(part, Mapping):
                raise InvalidInput('unsupported member of schema keyword "allOf"')
            if "$ref" not in part:
                return part
            found = resolve(self._root, part["$ref"])
            rest = {key: value for key, value in part.items() if key != "$ref" and key not in _NOTES}
            part = {"allOf": [found, rest]} if rest else found
        raise InvalidInput('schema keyword "$ref" leads back to itself')

    def _enum(self, schema: Mapping[str, Any]) -> str:
        values, kind = schema["enum"], schema.get("type")
        if not isinstance(values, list) or not values:
            raise InvalidInput('schema keyword "enum" must be a list that is not empty')
        kinds = [kind] if isinstance(kind, str) else kind
        fitting = [value for value in values if kinds is None or any(_is_a(value, one) for one in kinds)]
        if not fitting:
            raise InvalidInput('schema keyword "enum" has no value of the type that is asked for')
        return f"({' | '.join(_literal(value) for value in fitting)})"

    def _alternatives(self, options: object, name: str, depth: int) -> str:
        if not isinstance(options, list) or not options:
            raise InvalidInput("a schema needs at least one alternative")
        rules = [
            self.rule(f"{name}-{i}", self.visit(one, f"{name}-{i}", depth + 1))
            for i, one in enumerate(options)
        ]
        return f"({' | '.join(rules)})"

    def _object(self, schema: Mapping[str, Any], name: str, depth: int) -> str:
        properties = dict(schema.get("properties") or {})
        extra = schema.get("additionalProperties")
        required = schema.get("required") or []
        for key in required:
            # Asked for but not described: whatever the others may be.
            if key not in properties and extra is False:
                raise InvalidInput(f'schema keyword "required" asks for "{key}", which is not allowed')
            properties.setdefault(key, extra if isinstance(extra, Mapping) else True)
        if not properties:
            return r'"{" space "}"' if extra is False else self._open_object(extra, name, depth)
        members = []
        for key, value in properties.items():
            rule = self.rule(f"{name}-{key}", self.visit(value, f"{name}-{key}", depth + 1))
            members.append((f'{_literal(key)} space ":" space {rule}', key in required))
        return f'"{{" space {self._members(members, name)} space "}}"'

    def _open_object(self, extra: object, name: str, depth: int) -> str:
        if not isinstance(extra, Mapping):
            return self.primitive("object")
        value = self.rule(f"{name}-value", self.visit(extra, f"{name}-value", depth + 1))
        member = f'{self.primitive("string")} ":" space {value}'
        return f'"{{" space ( {member} ("," space {member})* )? space "}}"'

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
        least, most = _bounds(schema, "minItems", "maxItems")
        prefix = [
            self.rule(f"{name}-item-{i}", self.visit(one, f"{name}-item-{i}", depth + 1))
            for i, one in enumerate(schema.get("prefixItems", ())[:most])
        ]
        items = schema.get("items", {})
        # A list that is described item by item is not made longer than it must be.
        if items is False or ("prefixItems" in schema and "items" not in schema and least <= len(prefix)):
            most = len(prefix)
        least = max(least - len(prefix), 0)
        most = None if most is None else max(most - len(prefix), 0)
        if least and most == 0:
            raise InvalidInput('schema keyword "minItems" asks for more items than there may be')
        head = ' "," space '.join(prefix)
        if most == 0:
            return f'"[" space {head} space "]"' if head else '"[" space "]"'
        item = self.rule(f"{name}-item", self.visit(items, f"{name}-item", depth + 1))
        if head:
            return f'"[" space {head} {self._repeat(f"""("," space {item})""", least, most, name)} space "]"'
        more = self._repeat(
            f'("," space {item})', max(least - 1, 0), None if most is None else most - 1, name
        )
        return f'"[" space {f"{item} {more}" if least else f"({item} {more})?"} space "]"'

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        least, most = _bounds(schema, "minLength", "maxLength")
        if "pattern" in schema:
            if least or most is not None:
                raise InvalidInput('unsupported schema keyword "pattern" together with a length')
            return f'"\\"" {pattern_grammar(str(schema["pattern"]))} "\\""'
        form = schema.get("format")
        if form == "date-time":
            return f'"\\"" {self.primitive("date")} "T" {self.primitive("time")} "\\""'
        if form in _FORMATS:
            return f'"\\"" {self.primitive(_FORMATS[form])} "\\""'
        if least == 0 and most is None:
            return self.primitive("string")
        return f'"\\"" {self._repeat(self.primitive("char"), least, most, name)} "\\""'

    def _number(self, kind: str, schema: Mapping[str, Any]) -> str:
        low = _bound(schema, "minimum", "exclusiveMinimum")
        high = _bound(schema, "maximum", "exclusiveMaximum")
        if low is None and high is None:
            return self.primitive(kind)
        found = integers(low, high) if kind == "integer" else numbers(low, high)
        if found is None:
            word = next(word for word in _KINDS["number"] if word in schema)
            raise InvalidInput(f'schema keyword "{word}" leaves no number')
        return found

    def _repeat(self, item: str, least: int, most: int | None, name: str) -> str:
        """`item` from `least` to `most` times; in blocks, as the engine repeats at most 2000 times."""
        if most == 0:
            return ""
        if most is None and least <= _BLOCK:
            return {0: f"{item}*", 1: f"{item}+"}.get(least, f"{item}{{{least},}}")
        if most is not None and most <= _BLOCK:
            return f"{item}{{{least},{most}}}"
        rest = self._repeat(item, max(least - _BLOCK, 0), None if most is None else most - _BLOCK, name)
        whole = f"{item}{{{_BLOCK}}} {rest}".rstrip()
        # Fewer than a block, or a block and the rest: never both, so that the text is read in one way.
        short = "" if least >= _BLOCK else f"{item}{{{least},{_BLOCK - 1}}} | "
        return self.rule(f"{name}-many", f"{short}{whole}")


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


def _without(schema: Mapping[str, Any], word: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != word}


def _join(out: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Add what `part` asks for to `out`. Raises InvalidInput where both ask for different things."""
    for key, value in part.items():
        if key in _NOTES and key != "additionalProperties":
            out.setdefault(key, value)
        elif key == "properties":
            out[key] = {**_same(out.get(key, {}), value, key), **value}
        elif key == "required":
            out[key] = list(dict.fromkeys([*out.get(key, []), *value]))
        elif key in out and out[key] != value:
            raise InvalidInput(f'unsupported: schema keyword "{key}" in two parts that must both hold')
        else:
            out[key] = value


def _same(ours: Mapping[str, Any], theirs: Mapping[str, Any], word: str) -> Mapping[str, Any]:
    for key in ours.keys() & theirs.keys():
        if {} not in (ours[key], theirs[key]) and ours[key] != theirs[key]:
            raise InvalidInput(f'unsupported: "{key}" in two schema keywords "{word}" that must both hold')
    return ours


def _is_a(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "null":
        return value is None
    return isinstance(value, _PYTHON_TYPES.get(kind, ()))


def _literal(value: object) -> str:
    """The JSON text of a value as a terminal."""
    return json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)


def _bounds(schema: Mapping[str, Any], low: str, high: str) -> tuple[int, int | None]:
    least, most = schema.get(low, 0), schema.get(high)
    for word, value in ((low, least), (high, most)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise InvalidInput(f'schema keyword "{word}" must be a number that is not negative')
    if max(least, most or 0) > _MAX_REPEAT or (most is not None and most < least):
        raise InvalidInput(f'schema keyword "{low}" or "{high}" is out of range')
    return least, most


def _bound(schema: Mapping[str, Any], word: str, open_word: str) -> Bound | None:
    """The end of a range that two keywords may give; of both, the one that allows less."""
    found = []
    for key, is_open in ((word, False), (open_word, True)):
        value = schema.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InvalidInput(f'schema keyword "{key}" must be a number')
        exact = Decimal(str(value))
        if (
            not exact.is_finite()
            or -int(exact.as_tuple().exponent) > MOST_DIGITS
            or abs(exact) >= 10**MOST_DIGITS
        ):
            raise InvalidInput(f'schema keyword "{key}" is out of range')
        found.append(Bound(exact, is_open))
    # The stricter of the two is last: the higher of two lower ends, and an open end before a closed one.
    sign = 1 if word == "minimum" else -1
    found.sort(key=lambda bound: (sign * bound.value, bound.open))
    return found[-1] if found else None
