"""The `anthropic` library, unchanged: its helpers for streams and tools too."""

from __future__ import annotations

import pytest

from tests.helpers.questions import ANSWER, CALL_WEATHER, QUESTION

anthropic = pytest.importorskip("anthropic", reason="pip install -e '.[clients]'")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ASKED = {"model": "peer", "max_tokens": 100, "messages": [{"role": "user", "content": QUESTION}]}
PLAIN = ASKED | {"thinking": {"type": "disabled"}}
WEATHER = {
    "name": "get_weather",
    "description": "Get the current weather in a given location",
    "input_schema": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city"}},
        "required": ["location"],
    },
}


@pytest.fixture
def client(server):
    with anthropic.Anthropic(base_url=server.base_url, api_key="none", max_retries=0) as client:
        yield client


def test_a_message_is_answered(client):
    message = client.messages.create(
        **PLAIN, system=[{"type": "text", "text": "You are a helpful assistant."}]
    )
    assert [(block.type, block.text) for block in message.content] == [("text", ANSWER)]
    assert (message.stop_reason, message.usage.output_tokens > 1) == ("end_turn", True)


def test_the_stream_helper_gathers_text_and_message(client):
    with client.messages.stream(**PLAIN) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == message.content[0].text == ANSWER
    read = message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0)
    assert read == client.messages.count_tokens(**counted(PLAIN)).input_tokens


def test_thinking_is_a_block_of_its_own(client):
    with client.messages.stream(**ASKED | {"thinking": {"type": "enabled", "budget_tokens": 1024}}) as stream:
        kinds = [event.content_block.type for event in stream if event.type == "content_block_start"]
    assert kinds == ["thinking", "text"]


def test_a_tool_is_used_and_its_result_answered(client):
    asked = PLAIN | {"messages": [{"role": "user", "content": CALL_WEATHER}], "tools": [WEATHER]}
    message = client.messages.create(**asked)
    (use,) = [block for block in message.content if block.type == "tool_use"]
    assert (use.name, use.input, message.stop_reason) == (
        "get_weather",
        {"location": "San Francisco"},
        "tool_use",
    )
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny, 20 degrees"}
    asked["messages"] += [
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]
    assert client.messages.create(**asked).content


def test_a_streamed_tool_use_has_its_whole_input(client):
    asked = PLAIN | {"messages": [{"role": "user", "content": CALL_WEATHER}], "tools": [WEATHER]}
    with client.messages.stream(**asked) as stream:
        (use,) = [block for block in stream.get_final_message().content if block.type == "tool_use"]
    assert use.input == {"location": "San Francisco"}


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_forced_tool_is_used(client, choice):
    place = {
        "type": "object",
        "properties": {"location": {"enum": ["Rome", "Oslo"]}},
        "required": ["location"],
    }
    tool = {"name": "get_weather", "input_schema": place}
    (use,) = client.messages.create(**PLAIN, tools=[tool], tool_choice=choice).content
    assert (use.name, use.input["location"] in ("Rome", "Oslo")) == ("get_weather", True)


def test_a_stop_sequence_ends_the_message(client):
    message = client.messages.create(**PLAIN, stop_sequences=["Peru"])
    assert message.content[0].text == ANSWER.partition("Peru")[0]


def test_tokens_are_counted(client):
    few = client.messages.count_tokens(**counted(PLAIN))
    more = client.messages.count_tokens(
        **counted(PLAIN), system="You are a helpful assistant.", tools=[WEATHER]
    )
    assert 0 < few.input_tokens < more.input_tokens


def test_errors_are_the_librarys_own(client):
    with pytest.raises(anthropic.NotFoundError, match="model 'nope' not found"):
        client.messages.create(**PLAIN | {"model": "nope"})
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(**PLAIN | {"messages": []})
    assert caught.value.body["error"]["type"] == "invalid_request_error"


def counted(asked):
    return {key: asked[key] for key in ("model", "messages", "thinking")}
