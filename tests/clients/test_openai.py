"""The `openai` library, unchanged: its helpers for streams, tools and structured answers too."""

from __future__ import annotations

import json
from typing import Literal

import openai
import pytest
from pydantic import BaseModel

from tests.helpers.questions import ANSWER, CALL_WEATHER, QUESTION

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

PLAIN = {"model": "peer", "temperature": 0, "reasoning_effort": "none"}
ASKED = [{"role": "user", "content": QUESTION}]


class GetWeather(BaseModel):
    """Get the current weather in a given location"""

    location: str


class Capital(BaseModel):
    city: Literal["Lima", "Rome"]


WEATHER = openai.pydantic_function_tool(GetWeather, name="get_weather")


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_chat_gives_a_whole_answer(client):
    answer = client.chat.completions.create(messages=ASKED, **PLAIN)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_chat_streams_with_usage(client):
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(messages=ASKED, stream=True, stream_options=options, **PLAIN)
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert (text, chunks[-1].usage.completion_tokens > 1) == (ANSWER, True)


def test_the_stream_helper_gathers_the_answer(client):
    with client.chat.completions.stream(messages=ASKED, **PLAIN) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert text == final.choices[0].message.content == ANSWER


def test_a_tool_call_is_parsed_into_its_model(client):
    answer = client.chat.completions.parse(
        messages=[{"role": "user", "content": CALL_WEATHER}], tools=[WEATHER], **PLAIN
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.parsed_arguments == GetWeather(location="San Francisco")


def test_a_streamed_tool_call_and_its_result_lead_to_an_answer(client):
    messages = [{"role": "user", "content": CALL_WEATHER}]
    with client.chat.completions.stream(messages=messages, tools=[WEATHER], **PLAIN) as stream:
        message = stream.get_final_completion().choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == {"location": "San Francisco"}
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "sunny, 20 degrees"}]
    answer = client.chat.completions.create(messages=messages, tools=[WEATHER], **PLAIN)
    assert answer.choices[0].message.content


def test_a_forced_tool_is_called(client):
    tool = openai.pydantic_function_tool(Capital)
    named = {"type": "function", "function": {"name": "Capital"}}
    for choice in ("required", named):
        answer = client.chat.completions.parse(messages=ASKED, tools=[tool], tool_choice=choice, **PLAIN)
        (call,) = answer.choices[0].message.tool_calls
        assert isinstance(call.function.parsed_arguments, Capital)


def test_a_structured_answer_is_parsed(client):
    answer = client.chat.completions.parse(messages=ASKED, response_format=Capital, **PLAIN)
    assert isinstance(answer.choices[0].message.parsed, Capital)


def test_several_choices_and_log_probabilities(client):
    answer = client.chat.completions.create(messages=ASKED, n=2, logprobs=True, top_logprobs=2, **PLAIN)
    assert [choice.message.content for choice in answer.choices] == [ANSWER, ANSWER]
    for entry in answer.choices[1].logprobs.content:
        assert len(entry.top_logprobs) == 2
        assert entry.logprob <= 0


def test_a_completion_has_log_probabilities(client):
    answer = client.completions.create(model="peer", prompt=QUESTION, temperature=0, logprobs=1, max_tokens=4)
    assert "".join(answer.choices[0].logprobs.tokens) == answer.choices[0].text


def test_a_response_and_its_text(client):
    answer = client.responses.create(
        model="peer", input=QUESTION, temperature=0, reasoning={"effort": "none"}, instructions="Be kind."
    )
    assert (answer.output_text, answer.status) == (ANSWER, "completed")


def test_a_conversation_goes_on_from_a_response(client):
    plain = {"model": "peer", "temperature": 0, "reasoning": {"effort": "none"}}
    first = client.responses.create(input=QUESTION, **plain)
    second = client.responses.create(input=QUESTION, previous_response_id=first.id, **plain)
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > 2 * first.usage.input_tokens
    assert client.responses.retrieve(first.id).output_text == ANSWER
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(input=QUESTION, previous_response_id=second.id, **plain)
    assert caught.value.code == "previous_response_not_found"


def test_a_response_streams_with_its_helper(client):
    with client.responses.stream(
        model="peer", input=QUESTION, temperature=0, reasoning={"effort": "none"}
    ) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == text == ANSWER


def test_a_structured_response_is_parsed(client):
    answer = client.responses.parse(
        model="peer", input=QUESTION, temperature=0, reasoning={"effort": "none"}, text_format=Capital
    )
    assert isinstance(answer.output_parsed, Capital)


def test_a_response_calls_a_tool(client):
    tool = {"type": "function", "name": "get_weather", "parameters": GetWeather.model_json_schema()}
    answer = client.responses.create(
        model="peer", input=CALL_WEATHER, temperature=0, reasoning={"effort": "none"}, tools=[tool]
    )
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"location": "San Francisco"}


def test_embeddings_are_packed_for_the_library_and_plain_on_demand(client):
    packed = client.embeddings.create(model="embed", input=["cat", "dog"])
    plain = client.embeddings.create(model="embed", input=["cat", "dog"], encoding_format="float")
    assert [item.index for item in packed.data] == [0, 1]
    assert packed.data[1].embedding == pytest.approx(plain.data[1].embedding, abs=1e-6)


def test_models_are_listed_and_found(client):
    assert "peer:latest" in {model.id for model in client.models.list()}
    assert client.models.retrieve("peer").id == "peer"


def test_extensions_pass_through_extra_body(client):
    more = {"options": {"num_predict": 2}, "num_ctx": 512, "keep_alive": "1m"}
    answer = client.chat.completions.create(messages=ASKED, extra_body=more, **PLAIN)
    assert answer.choices[0].finish_reason == "length"


def test_errors_are_the_librarys_own(client):
    with pytest.raises(openai.NotFoundError, match="model 'nope' not found"):
        client.chat.completions.create(model="nope", messages=ASKED)
    with pytest.raises(openai.BadRequestError, match="is too short - 'messages'") as caught:
        client.chat.completions.create(model="peer", messages=[])
    assert (caught.value.type, caught.value.code) == ("invalid_request_error", None)


@pytest.mark.anyio
async def test_the_async_client_streams(server):
    async with openai.AsyncOpenAI(base_url=f"{server.base_url}/v1", api_key="none") as client:
        chunks = await client.chat.completions.create(messages=ASKED, stream=True, **PLAIN)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
    assert text == ANSWER
