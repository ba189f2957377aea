"""Requests made up from the OpenAPI document: none is an internal error."""

from __future__ import annotations

import json

import pytest

from corral.server.openapi import document

schemathesis = pytest.importorskip("schemathesis", reason="pip install -e '.[clients]'")

from hypothesis import HealthCheck, given, settings  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

# What is asked of a model is asked of one that is there, for a short answer.
MODELS = {
    "/api/generate": "peer",
    "/api/chat": "peer",
    "/api/show": "peer",
    "/api/embed": "embed",
    "/api/embeddings": "embed",
    "/api/tokenize": "peer",
    "/api/detokenize": "peer",
    "/v1/chat/completions": "peer",
    "/v1/completions": "peer",
    "/v1/responses": "peer",
    "/v1/embeddings": "embed",
    "/v1/messages": "peer",
    "/v1/messages/count_tokens": "peer",
}
LIMITS = {
    "/api/generate": {"options": {"num_predict": 4}},
    "/api/chat": {"options": {"num_predict": 4}},
    "/v1/chat/completions": {"max_tokens": 4, "n": 2},
    "/v1/completions": {"max_tokens": 4, "n": 1},
    "/v1/responses": {"max_output_tokens": 4},
    "/v1/messages": {"max_tokens": 4},
}
# The reference has status 500 for these mistakes of a client.
MIRRORED = ("must be of type", "must be of an array of strings", "invalid format")


OPERATIONS = [
    pytest.param(method, path, mode, id=f"{method} {path} {mode.value}")
    for path, methods in json.loads(document())["paths"].items()
    for method, operation in methods.items()
    for mode in schemathesis.GenerationMode
    if path not in ("/api/pull", "/api/pulls", "/api/push")  # they depend on another server
    if "requestBody" in operation or mode.is_positive
]


@pytest.fixture(scope="module")
def described(server):
    return schemathesis.openapi.from_url(f"{server.base_url}/openapi.json")


@pytest.mark.parametrize(("method", "path", "mode"), OPERATIONS)
def test_no_request_is_an_internal_error(described, method, path, mode):
    """Neither those that the document allows nor those that it does not."""

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def check(case):
        answer = sent(case).call(timeout=60)
        is_mirrored = any(words in answer.text for words in MIRRORED)
        assert answer.status_code < 500 or is_mirrored, (answer.status_code, answer.text, case.body)

    check()


def sent(case):
    """The request to a model that is there, for a short answer."""
    if isinstance(case.body, dict) and case.path in MODELS:
        case.body |= {"model": MODELS[case.path]} | LIMITS.get(case.path, {})
    return case
