"""What the engine writes under our grammars: valid JSON of the schema's shape, however wild the sampling."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corral.core.options import Options
from corral.engine import Completion, Finish, LaunchParams, Sampling, TextPiece, schema_grammar, start

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WORD = {"type": "string", "maxLength": 4}
NODE = {
    "type": "object",
    "properties": {"v": WORD, "next": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}},
}


def has(*keys: str) -> Callable[[Any], bool]:
    return lambda value: all(key in value for key in keys)


ROWS: list[tuple[dict[str, Any], Callable[[Any], bool]]] = [
    ({"enum": ["a b", 1, None, 'q"\\\n']}, lambda v: v in ("a b", 1, None, 'q"\\\n')),
    ({"type": "integer", "minimum": 18, "maximum": 12345}, lambda v: 18 <= v <= 12345),
    ({"type": "integer", "exclusiveMaximum": -7}, lambda v: v < -7),
    ({"type": "number", "minimum": 0, "maximum": 1}, lambda v: 0 <= v <= 1),
    ({"type": "number", "exclusiveMinimum": 0.25, "maximum": 0.3}, lambda v: 0.25 < v <= 0.3),
    (
        {"type": "string", "pattern": '^[^a-z]{3}.\\W["\\\\]$'},
        lambda v: bool(re.fullmatch('[^a-z]{3}.\\W["\\\\]', v, re.S)),
    ),
    (
        {"type": "string", "pattern": "^(foo|ba[rz])-\\d{2,}?x*$"},
        lambda v: bool(re.match("(foo|ba[rz])-[0-9]{2,}", v)),
    ),
    ({"type": "string", "minLength": 2, "maxLength": 5000}, lambda v: 2 <= len(v) <= 5000),
    (
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3},
        lambda v: 2 <= len(v) <= 3,
    ),
    (
        {
            "type": "array",
            "prefixItems": [WORD, {"type": "null"}],
            "minItems": 3,
            "maxItems": 4,
            "items": {"const": 7},
        },
        lambda v: v[1] is None and set(v[2:]) == {7} and len(v) in (3, 4),
    ),
    (
        {"type": "object", "properties": {"a": WORD}, "required": ["a", "b"], "additionalProperties": WORD},
        has("a", "b"),
    ),
    (
        {
            "type": "object",
            "properties": {"a": WORD, "b": WORD},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        lambda v: "a" in v or "b" in v,
    ),
    ({"allOf": [{"$ref": "#/$defs/n"}, {"required": ["v"]}], "$defs": {"n": NODE}}, has("v")),
    ({"$ref": "#/$defs/n", "required": ["next"], "$defs": {"n": NODE}}, has("next")),
    ({"minLength": 2, "maxLength": 3}, lambda v: isinstance(v, str) and 2 <= len(v) <= 3),
]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def client(chat_model: Path):
    process = await start(LaunchParams(model=str(chat_model), num_ctx=2048), timeout_s=60)
    yield process.client
    await process.kill()


@pytest.mark.parametrize("temperature", [0, 2.0])
@pytest.mark.parametrize(("schema", "holds"), ROWS)
async def test_an_answer_that_ended_by_itself_fits_the_schema(client, schema, holds, temperature):
    options = Options(temperature=temperature, top_p=1.0, top_k=0, num_predict=400, seed=5)
    sampling = Sampling.of(options, 2048, logprobs=False, top_logprobs=0)
    request = Completion(prompt="x", grammar=schema_grammar(schema), sampling=sampling)
    found = [chunk async for batch in client.complete(request) for chunk in batch]
    text = "".join(chunk.text for chunk in found if isinstance(chunk, TextPiece))
    finish = found[-1]
    assert isinstance(finish, Finish)
    if finish.reason == "stop":
        assert holds(json.loads(text)), text
    else:  # a long string or number, cut: it is still the beginning of a fitting text
        assert schema.get("type") in ("string", "number", "object", None), text
