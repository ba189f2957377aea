"""LiteLLM, unchanged, over each of the three dialects."""

from __future__ import annotations

import json

import pytest

from tests.helpers.questions import ANSWER, CALL_WEATHER, QUESTION

litellm = pytest.importorskip("litellm", reason="pip install -e '.[clients]'")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ASKED = [{"role": "user", "content": QUESTION}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "The city"}},
            "required": ["location"],
        },
    },
}
ROADS = {
    "ollama_chat/peer": ("", {"think": False}),
    "openai/peer": ("/v1", {"reasoning_effort": "none"}),
    "anthropic/peer": ("", {"thinking": {"type": "disabled"}, "allowed_openai_params": ["thinking"]}),
}


@pytest.fixture(params=ROADS)
def complete(server, request):
    path, fields = ROADS[request.param]

    def complete(messages, **more):
        where = {"api_base": server.base_url + path, "api_key": "none"}
        limits = {"temperature": 0, "max_tokens": 100, "num_retries": 0}
        return litellm.completion(request.param, messages, **where, **limits, **fields, **more)

    return complete


def test_a_question_is_answered(complete):
    answer = complete(ASKED)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")


def test_an_answer_streams(complete):
    chunks = complete(ASKED, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER


def test_a_tool_is_called(complete):
    answer = complete([{"role": "user", "content": CALL_WEATHER}], tools=[WEATHER])
    (call,) = answer.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"location": "San Francisco"}


def test_texts_are_embedded(server):
    answer = litellm.embedding("ollama/embed", ["cat", "dog"], api_base=server.base_url)
    assert len(answer.data) == 2


def test_documents_are_ranked(server, reranker):
    answer = litellm.rerank(
        model=f"cohere/{reranker}",
        query="what is a panda",
        documents=["hello", "panda bear"],
        api_base=server.base_url,
        api_key="none",
    )
    assert sorted(result["index"] for result in answer.results) == [0, 1]
