import pytest

from corral import openai
from corral.core.events import Done, Text, Thinking, ToolCalls, Usage
from corral.core.messages import ToolCall
from corral.errors import RunnerCrashed
from tests.helpers.scripted_road import ScriptedRoad, post, sse_events

pytestmark = pytest.mark.anyio
CALL = ToolCall("f", {"a": 1}, "c1")
USAGE = Usage(prompt_tokens=5, cached_tokens=2, completion_tokens=3)


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def respond(*batches, **fields):
    body = {"model": "m", "input": "hi", "store": False} | fields
    return await post(openai.routes(ScriptedRoad(*batches), None, None), "/v1/responses", body)


async def stream(*batches):
    events = sse_events((await respond(*batches, stream=True)).content)
    assert all(name == data["type"] for name, data in events)
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    return events


def short(events):
    return [name.removeprefix("response.") for name, _ in events]


async def test_a_whole_response_holds_reasoning_text_and_calls():
    done = Done("stop", USAGE)
    body = (await respond([Thinking("r")], [Text("a")], [ToolCalls((CALL,)), done])).json()
    reasoning, message, function_call = body["output"]
    assert (reasoning["id"], reasoning["encrypted_content"]) == (f"rs_{body['id']}", "r")
    assert message["content"] == [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}]
    assert (function_call["call_id"], function_call["arguments"]) == ("c1", '{"a":1}')
    assert body["usage"]["input_tokens_details"] == {"cached_tokens": 2}


async def test_an_empty_answer_is_one_empty_message():
    (message,) = (await respond([Done("stop")])).json()["output"]
    assert message["content"][0]["text"] == ""


async def test_a_text_is_opened_written_and_closed():
    events = await stream([Text("a")], [Text("b"), Done("stop", USAGE)])
    assert short(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    final = events[-1][1]["response"]
    assert final["output"][0]["content"][0]["text"] == "ab"
    assert final["usage"]["total_tokens"] == 8


async def test_items_are_numbered_in_the_order_of_their_appearance():
    events = await stream([Thinking("r"), Text("a")], [ToolCalls((CALL,))], [Text("\n"), Done("stop")])
    added = [data for name, data in events if name == "response.output_item.added"]
    assert [(data["output_index"], data["item"]["type"]) for data in added] == [
        (0, "reasoning"),
        (1, "message"),
        (2, "function_call"),
    ]
    done = [data for name, data in events if name == "response.output_item.done"]
    assert [data["item"] for data in done] == events[-1][1]["response"]["output"]


async def test_a_call_is_sent_whole():
    events = await stream([ToolCalls((CALL,))], [Done("stop")])
    assert short(events)[2:-1] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert (events[2][1]["item"]["arguments"], events[3][1]["delta"]) == ("", '{"a":1}')


async def test_the_keys_of_an_event_are_sorted():
    response = await respond([Done("stop")], stream=True)
    keys = list(sse_events(response.content)[0][1]["response"])
    assert keys == sorted(keys)
    assert response.headers["cache-control"] == "no-cache"


async def test_a_stream_that_breaks_off_ends_as_failed():
    name, data = (await stream([Text("a")], RunnerCrashed("gone")))[-1]
    assert name == "response.failed"
    assert data["response"]["error"] == {"code": "api_error", "message": "gone"}


SEARCH = {"type": "web_search"}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("news", "web_search is not available: this server cannot search the web"),
        ("", "web_search requires a non-empty string query"),
    ],
)
async def test_a_call_of_the_search_fails_the_response(query, problem):
    calls = ToolCalls((ToolCall("web_search", {"query": query}, "c1"),))
    response = await respond([Text("a")], [calls, Done("stop", USAGE)], tools=[SEARCH])
    assert (response.status_code, response.json()["error"]["message"]) == (502, problem)
    events = sse_events(
        (await respond([Text("a")], [calls, Done("stop")], tools=[SEARCH], stream=True)).content
    )
    name, data = events[-1]
    assert (name, data["response"]["status"]) == ("response.failed", "failed")
    assert data["response"]["error"] == {"code": "api_error", "message": problem}


async def test_a_function_of_the_client_that_is_called_like_the_search_is_the_client_s():
    calls = ToolCalls((ToolCall("web_search", {"query": "x"}, "c1"),))
    own = {"type": "function", "name": "web_search", "parameters": {}}
    body = (await respond([calls, Done("stop", USAGE)], tools=[own])).json()
    assert body["output"][0]["type"] == "function_call"
