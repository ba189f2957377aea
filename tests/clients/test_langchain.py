"""LangChain's libraries for Ollama and OpenAI, unchanged, and an agent that uses a tool."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from tests.helpers.questions import ANSWER, CALL_WEATHER, QUESTION

pytest.importorskip("langchain_ollama", reason="pip install -e '.[clients]'")

from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


class Capital(BaseModel):
    """The capital of a country."""

    city: Literal["Lima", "Rome"]


def get_weather(location: str) -> str:
    """Get the current weather in a given location"""
    return f"sunny in {location}"


def get_city_weather(city: str) -> str:
    """Get the current weather"""
    return f"sunny, {len(city) * 5} degrees"


def over_ollama(server, model="peer", **options):
    return ChatOllama(model=model, base_url=server.base_url, temperature=0, reasoning=False, **options)


def over_openai(server, model="peer", **options):
    return ChatOpenAI(
        model=model,
        base_url=f"{server.base_url}/v1",
        api_key="none",
        temperature=0,
        reasoning_effort="none",
        max_retries=0,
        **options,
    )


@pytest.fixture(params=[over_ollama, over_openai])
def chat(server, request):
    return request.param(server)


def test_a_question_is_answered(chat):
    message = chat.invoke(QUESTION)
    assert message.content == ANSWER
    assert message.usage_metadata["output_tokens"] > 1


def test_an_answer_streams(chat):
    assert "".join(chunk.text for chunk in chat.stream(QUESTION)) == ANSWER


def test_a_bound_tool_is_called(chat):
    message = chat.bind_tools([get_weather]).invoke(CALL_WEATHER)
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [
        ("get_weather", {"location": "San Francisco"})
    ]


def test_a_structured_answer_becomes_its_model(chat):
    answer = chat.with_structured_output(Capital, method="json_schema").invoke(QUESTION)
    assert isinstance(answer, Capital)


def test_an_answer_by_a_forced_tool_becomes_its_model(server):
    chat = over_openai(server).with_structured_output(Capital, method="function_calling")
    assert isinstance(chat.invoke(QUESTION), Capital)


@pytest.mark.parametrize("make", [over_ollama, over_openai])
def test_an_agent_on_the_packaged_model_uses_its_tool_and_answers(server, make):
    agent = create_agent(make(server, "pocket"), [get_city_weather])
    question = [{"role": "user", "content": "What is the weather in Lima?"}]
    messages = agent.invoke({"messages": question})["messages"]
    (result,) = [message for message in messages if isinstance(message, ToolMessage)]
    assert result.content == "sunny, 20 degrees"
    assert "sunny, 20 degrees" in messages[-1].content


def test_texts_are_embedded_alike_over_both_roads(server):
    native = OllamaEmbeddings(model="embed", base_url=server.base_url)
    # Its own tokenizer is not the model's: the texts are to be sent as they are.
    openai = OpenAIEmbeddings(
        model="embed", base_url=f"{server.base_url}/v1", api_key="none", check_embedding_ctx_length=False
    )
    assert native.embed_query("cat") == pytest.approx(openai.embed_documents(["cat"])[0], abs=1e-6)
