import pytest

from corral import anthropic
from corral.core.events import Done, Text, Thinking, ToolCalls, Usage
from corral.core.messages import ToolCall
from corral.errors import CloudDisabled, ModelNotFound, RunnerCrashed, ServerBusy
from tests.helpers.scripted_road import ScriptedRoad, post, sse_events

pytestmark = pytest.mark.anyio
BODY = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "capital of peru"}]}
CALL = ToolCall("f", {"a": 1}, "c1")
USAGE = Usage(prompt_tokens=5, completion_tokens=3)


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def message(road, **fields):
    return await post(anthropic.routes(road), "/v1/messages", BODY | fields)


async def stream(*batches):
    events = sse_events((await message(ScriptedRoad(*batches), stream=True)).content)
    assert all(name == data["type"] for name, data in events)
    return [data for _, data in events]


async def test_a_whole_message_holds_its_blocks_in_order():
    road = ScriptedRoad([Thinking("t"), Text("a")], [ToolCalls((CALL,)), Done("stop", USAGE)])
    body = (await message(road)).json()
    assert body["content"] == [
        {"type": "thinking", "thinking": "t"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
    ]
    assert (body["stop_reason"], body["usage"]) == ("tool_use", {"input_tokens": 5, "output_tokens": 3})


async def test_tokens_from_the_cache_are_told_apart_from_those_that_were_read():
    cached = Usage(prompt_tokens=5, cached_tokens=4, completion_tokens=3)
    expected = {"input_tokens": 1, "output_tokens": 3, "cache_read_input_tokens": 4}
    assert (await message(ScriptedRoad([Text("a"), Done("stop", cached)]))).json()["usage"] == expected
    assert (await stream([Text("a")], [Done("stop", cached)]))[-2]["usage"] == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("load", "stop_sequence"), ("", None)],
)
async def test_the_reason_has_another_name(reason, expected):
    body = (await message(ScriptedRoad([Done(reason)]))).json()
    assert (body.get("stop_reason"), body["content"]) == (expected, [])


async def test_a_block_is_opened_by_its_first_piece_and_closed_by_the_next_kind():
    start, *events, delta, stop = await stream(
        [Thinking("t")], [Thinking("u"), Text("")], [Text("a")], [ToolCalls((CALL,))], [Done("stop", USAGE)]
    )
    assert start["message"]["usage"] == {"input_tokens": 4, "output_tokens": 0}
    assert [(event["type"].removeprefix("content_block_"), event["index"]) for event in events] == [
        ("start", 0),
        ("delta", 0),
        ("delta", 0),
        ("stop", 0),
        ("start", 1),
        ("delta", 1),
        ("stop", 1),
        ("start", 2),
        ("delta", 2),
        ("stop", 2),
    ]
    assert events[8]["delta"] == {"type": "input_json_delta", "partial_json": '{"a":1}'}
    assert delta["delta"] == {"stop_reason": "tool_use"}
    assert stop == {"type": "message_stop"}


async def test_the_count_of_the_prompt_is_real_where_it_is_known_at_once():
    start = (await stream([Done("stop", USAGE, calls=(CALL,))]))[0]
    assert start["message"]["usage"]["input_tokens"] == 5


async def test_a_stream_that_breaks_off_ends_with_the_error():
    events = await stream([Text("a")], RunnerCrashed("gone"))
    assert events[-1] == {"type": "error", "error": {"type": "api_error", "message": "gone"}}


@pytest.mark.parametrize(
    ("refusal", "status", "kind"),
    [
        (ModelNotFound("m"), 404, "not_found_error"),
        (CloudDisabled(), 403, "permission_error"),
        (ServerBusy(), 503, "overloaded_error"),
        (RunnerCrashed("gone"), 500, "api_error"),
    ],
)
async def test_an_error_names_its_kind(refusal, status, kind):
    response = await message(ScriptedRoad(refusal=refusal))
    body = response.json()
    assert response.status_code == status
    assert body["error"] == {"type": kind, "message": refusal.message}
    assert body["request_id"].startswith("req_")


async def test_an_error_in_the_body_looks_like_a_native_one():
    response = await message(ScriptedRoad(), max_tokens=0)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert not response.content.endswith(b"\n")


async def test_tokens_are_counted_without_a_limit_for_the_answer():
    road = ScriptedRoad(num_tokens=14)
    body = {key: value for key, value in BODY.items() if key != "max_tokens"}
    response = await post(anthropic.routes(road), "/v1/messages/count_tokens", body)
    assert response.json() == {"input_tokens": 14}
    assert road.requests[0].messages[0].content == "capital of peru"


async def test_counting_needs_messages():
    response = await post(anthropic.routes(ScriptedRoad()), "/v1/messages/count_tokens", {"model": "m"})
    assert (response.status_code, response.json()["error"]["message"]) == (400, "messages is required")


SEARCH_TOOL = {"type": "web_search_20250305", "name": "web_search"}
SEARCH = ToolCall("web_search", {"query": "news"}, "c1")


@pytest.mark.parametrize(
    ("query", "code"), [("news", "unavailable"), (" ", "invalid_request"), (7, "invalid_request")]
)
async def test_a_call_of_the_search_is_answered_by_the_server_with_an_error(query, code):
    road = ScriptedRoad(
        [Text("a")], [ToolCalls((ToolCall("web_search", {"query": query}),)), Done("stop", USAGE)]
    )
    body = (await message(road, tools=[SEARCH_TOOL])).json()
    _, use, result = body["content"]
    assert (use["type"], use["name"], use["input"]) == ("server_tool_use", "web_search", {"query": query})
    assert use["id"].startswith("srvtoolu_")
    error = {"type": "web_search_tool_result_error", "error_code": code}
    assert result == {"type": "web_search_tool_result", "tool_use_id": use["id"], "content": error}
    assert body["stop_reason"] == "end_turn"


async def test_a_streamed_call_of_the_search_is_followed_by_its_result():
    road = ScriptedRoad([ToolCalls((SEARCH,))], [Done("stop", USAGE)])
    events = sse_events((await message(road, tools=[SEARCH_TOOL], stream=True)).content)
    kinds = [data["content_block"]["type"] for name, data in events if name == "content_block_start"]
    assert kinds == ["server_tool_use", "web_search_tool_result"]
    assert [data["delta"]["stop_reason"] for name, data in events if name == "message_delta"] == ["end_turn"]


async def test_a_function_of_the_client_that_is_called_like_the_search_is_the_client_s():
    own = {"name": "web_search", "input_schema": {}}
    body = (await message(ScriptedRoad([ToolCalls((SEARCH,)), Done("stop")]), tools=[own])).json()
    assert (body["content"][0]["type"], body["stop_reason"]) == ("tool_use", "tool_use")
