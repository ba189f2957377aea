"""The description of the API: complete, sound, and a page that loads nothing."""

from __future__ import annotations

import json
import re

import pytest

from corral import anthropic, api, openai, web
from corral.core.options import OPTIONS
from corral.server.docs import docs_page
from corral.server.openapi import document
from corral.server.watching import OPERATIONS, watching_routes

DESCRIBED = json.loads(document())
ROUTES = {
    "api": (
        [
            *api.routes(None, None, None),
            *api.key_routes(None),
            *api.chat_routes(None),
            *api.tune_routes(None),
        ],
        api.OPERATIONS,
    ),
    "openai": ([*openai.routes(None, None, None), *openai.tuning_routes(None, None)], openai.OPERATIONS),
    "server": (
        [(route.method, route.path, route.endpoint) for route in watching_routes(None, None)],
        OPERATIONS,
    ),
    "anthropic": (anthropic.routes(None), anthropic.OPERATIONS),
}


def operations():
    return [
        (method, path, operation)
        for path, methods in DESCRIBED["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize("room", ROUTES)
def test_every_route_is_described_and_nothing_else(room):
    routes, described = ROUTES[room]
    assert {(method, path) for method, path, _ in routes} == {(one.method, one.path) for one in described}


def test_every_reference_leads_to_a_schema():
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(DESCRIBED)))
    assert references <= DESCRIBED["components"]["schemas"].keys()
    assert {"OpenAI.ChatIn", "Ollama.ChatIn", "Anthropic.MessagesIn", "Options"} <= references


def test_required_fields_are_fields_of_the_body():
    for _, _, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            if "allOf" in schema:
                name = schema["allOf"][0].get("$ref", "").rpartition("/")[2]
                whole = DESCRIBED["components"]["schemas"].get(name) or schema["allOf"][0]
                assert set(schema["required"]) <= whole["properties"].keys()


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))


def test_options_are_described_by_their_kinds():
    properties = DESCRIBED["components"]["schemas"]["Options"]["properties"]
    assert properties.keys() == OPTIONS.keys()
    assert (properties["top_k"], properties["temperature"]) == ({"type": "integer"}, {"type": "number"})


def test_the_page_names_every_path_and_loads_nothing():
    page = docs_page().decode()
    assert all(f"<code>{path}</code>" in page for path in DESCRIBED["paths"])
    assert not re.search(r"<script|<link|<img|src=|https?://|@import|url\(", page)
    assert "script-src" not in web.docs_headers()["content-security-policy"]
