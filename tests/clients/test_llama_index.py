"""LlamaIndex's libraries for Ollama, unchanged."""

from __future__ import annotations

import pytest

from tests.helpers.questions import ANSWER, CALL_WEATHER, QUESTION

pytest.importorskip("llama_index.llms.ollama", reason="pip install -e '.[clients]'")

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.ollama import OllamaEmbedding
from llama_index.llms.ollama import Ollama

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def llm(server):
    return Ollama(model="peer", base_url=server.base_url, temperature=0, thinking=False, context_window=2048)


def test_a_chat_is_answered(llm):
    assert llm.chat([ChatMessage(role="user", content=QUESTION)]).message.content == ANSWER


def test_a_chat_streams(llm):
    *_, last = llm.stream_chat([ChatMessage(role="user", content=QUESTION)])
    assert last.message.content == ANSWER


def test_a_tool_is_called(llm):
    def get_weather(location: str) -> str:
        """Get the current weather in a given location"""
        return f"sunny in {location}"

    answer = llm.chat_with_tools([FunctionTool.from_defaults(get_weather)], CALL_WEATHER)
    (call,) = llm.get_tool_calls_from_response(answer)
    assert (call.tool_name, call.tool_kwargs) == ("get_weather", {"location": "San Francisco"})


def test_texts_are_embedded(server):
    embedding = OllamaEmbedding(model_name="embed", base_url=server.base_url)
    vectors = embedding.get_text_embedding_batch(["cat", "dog"])
    assert len(vectors) == 2
    assert vectors[0] != vectors[1]
