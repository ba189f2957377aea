import json
from dataclasses import replace

import pytest
import zstandard

from corral import openai
from corral.core.events import Done, Rendered, Text, Thinking, TokenLogprob, ToolCalls, Usage
from corral.core.messages import ToolCall
from corral.core.requests import Embeddings
from corral.errors import ModelNotFound, RunnerCrashed, ServerBusy
from tests.helpers.scripted_road import ScriptedRoad, post, sse_events

pytestmark = pytest.mark.anyio
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
USAGE = Usage(prompt_tokens=3, completion_tokens=4)
COUNTS = {
    "prompt_tokens": 3,
    "completion_tokens": 4,
    "total_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 0},
}
CALL = ToolCall("f", {"a": "<b>"}, "c1")


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def send(road, path, body, headers=None):
    return await post(openai.routes(road, None, None), path, body, headers)


async def chat(road, **fields):
    return await send(road, "/v1/chat/completions", CHAT | fields)


async def chat_chunks(road, **fields):
    """The choices of every chunk, or its usage where there are none."""
    response = await chat(road, stream=True, **fields)
    assert response.headers["content-type"] == "text/event-stream"
    datas = [data for _, data in sse_events(response.content)]
    assert len({data["id"] for data in datas if data != "[DONE]" and "id" in data}) == 1
    return [data if data == "[DONE]" or "error" in data else _essence(data) for data in datas]


def _essence(chunk):
    if not chunk["choices"]:
        return chunk["usage"]
    choice = chunk["choices"][0]
    return choice["delta"], choice["finish_reason"]


async def test_a_whole_answer_holds_reasoning_text_and_calls():
    road = ScriptedRoad([Thinking("r")], [Text("a"), Text("b")], [ToolCalls((CALL,)), Done("stop", USAGE)])
    body = (await chat(road)).json()
    assert body["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "ab",
                "reasoning": "r",
                "tool_calls": [
                    {
                        "id": "c1",
                        "index": 0,
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"a":"\\u003cb\\u003e"}'},
                    }
                ],
            },
            "finish_reason": "tool_calls",
        }
    ]
    assert body["usage"] == COUNTS


async def test_a_stream_begins_with_the_role_and_ends_with_done():
    road = ScriptedRoad([Thinking("r")], [Text("a")], [Text("b"), Done("length", USAGE)])
    assert await chat_chunks(road) == [
        ({"role": "assistant", "content": "", "reasoning": "r"}, None),
        ({"content": "a"}, None),
        ({"content": "b"}, None),
        ({}, "length"),
        "[DONE]",
    ]


async def test_usage_comes_before_the_end_of_a_stream_when_asked_for():
    road = ScriptedRoad([Text("a")], [Done("stop", USAGE)])
    chunks = await chat_chunks(road, stream_options={"include_usage": True})
    assert chunks[-2:] == [COUNTS, "[DONE]"]


async def test_calls_are_counted_over_a_whole_stream():
    road = ScriptedRoad([ToolCalls((CALL,))], [Done("stop", calls=(CALL,))])
    first, second, end, _ = await chat_chunks(road)
    assert [delta["tool_calls"][0]["index"] for delta, _ in (first, second)] == [0, 1]
    assert end == ({}, "tool_calls")


async def test_an_answer_without_events_still_has_a_first_chunk():
    assert await chat_chunks(ScriptedRoad([Done("stop")])) == [
        ({"role": "assistant", "content": ""}, None),
        ({}, "stop"),
        "[DONE]",
    ]


async def test_log_probabilities_stand_beside_the_choice():
    entry = TokenLogprob("a", -0.5, (TokenLogprob("b", -1.5),))
    body = (await chat(ScriptedRoad([Text("a", (entry,)), Done("stop")]))).json()
    other = {"token": "b", "logprob": -1.5, "bytes": [98]}
    expected = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [other]}
    assert body["choices"][0]["logprobs"] == {"content": [expected]}


async def test_a_stream_that_breaks_off_ends_with_the_error():
    chunks = await chat_chunks(ScriptedRoad([Text("a")], RunnerCrashed("gone")))
    error = {"message": "gone", "type": "api_error", "param": None, "code": None}
    assert chunks[1:] == [{"error": error}]


async def test_a_rendered_prompt_is_never_a_stream():
    road = ScriptedRoad(single=Rendered("P", 1))
    body = (await chat(road, stream=True, _debug_render_only=True)).json()
    assert body["_debug_info"] == {"rendered_template": "P", "image_count": 1}
    assert body["choices"][0]["finish_reason"] is None


@pytest.mark.parametrize(
    ("refusal", "status", "kind"),
    [
        (ModelNotFound("m"), 404, "not_found_error"),
        (ServerBusy(), 503, "api_error"),
    ],
)
async def test_an_error_of_the_road_ends_with_a_newline(refusal, status, kind):
    response = await chat(ScriptedRoad(refusal=refusal), stream=True)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    assert response.content.endswith(b"\n")
    expected = {"message": refusal.message, "type": kind, "param": None, "code": None}
    assert response.json() == {"error": expected}


async def test_an_error_in_the_body_looks_like_a_native_one():
    response = await send(ScriptedRoad(), "/v1/chat/completions", b"")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.content == (
        b'{"error":{"message":"EOF","type":"invalid_request_error","param":null,"code":null}}'
    )


async def test_a_body_that_is_compressed_in_an_unknown_way_is_refused_with_the_reason():
    response = await send(ScriptedRoad(), "/v1/chat/completions", b"\x1f\x8b", {"content-encoding": "gzip"})
    assert response.status_code == 400
    assert '"gzip" is not supported' in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/completions", {"model": "m", "prompt": "hi"}),
        ("/v1/responses", {"model": "m", "input": "hi", "store": False}),
    ],
)
async def test_a_body_that_is_compressed_by_zstd_is_read(path, body):
    packed = zstandard.compress(json.dumps(body).encode())
    response = await send(ScriptedRoad([Done("stop", USAGE)]), path, packed, {"content-encoding": "zstd"})
    assert (response.status_code, response.json()["model"]) == (200, "m")


async def test_a_compressed_body_that_is_broken_is_refused_in_the_native_form():
    response = await send(ScriptedRoad(), "/v1/chat/completions", b"{}", {"content-encoding": "zstd"})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.content == b'{"error":"failed to decompress request body"}'


async def test_choices_have_their_own_text_and_seed_and_count_the_prompt_once():
    road = ScriptedRoad([Text("a")], [Done("stop", USAGE)])
    body = (await chat(road, n=3, seed=5)).json()
    assert [(choice["index"], choice["message"]["content"]) for choice in body["choices"]] == [
        (0, "a"),
        (1, "a"),
        (2, "a"),
    ]
    assert body["usage"] == COUNTS | {"completion_tokens": 12, "total_tokens": 15}
    assert sorted(request.options["seed"] for request in road.requests) == [5, 6, 7]
    assert road.num_closed == 3


async def test_tokens_that_no_choice_read_again_are_told():
    road = ScriptedRoad([Text("a")], [Done("stop", replace(USAGE, cached_tokens=2))])
    body = (await chat(road, n=2)).json()
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


async def test_streamed_choices_each_have_a_role_and_an_end_and_share_one_done():
    road = ScriptedRoad([Text("a")], [ToolCalls((CALL,)), Done("stop", USAGE)])
    response = await chat(road, n=2, stream=True, stream_options={"include_usage": True})
    *chunks, usage, done = [data for _, data in sse_events(response.content)]
    choices = [chunk["choices"][0] for chunk in chunks]
    for index in (0, 1):
        first, call, end = [choice for choice in choices if choice["index"] == index]
        assert first["delta"] == {"role": "assistant", "content": "a"}
        assert call["delta"]["tool_calls"][0]["index"] == 0
        assert (end["delta"], end["finish_reason"]) == ({}, "tool_calls")
    assert (usage["choices"], usage["usage"]["completion_tokens"], done) == ([], 8, "[DONE]")
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_a_choice_that_fails_fails_the_whole_completion():
    response = await chat(ScriptedRoad([Text("a")], RunnerCrashed("gone")), n=2)
    assert (response.status_code, response.json()["error"]["message"]) == (500, "gone")
    response = await chat(ScriptedRoad(refusal=ModelNotFound("m")), n=2, stream=True)
    assert response.status_code == 404


async def test_log_probabilities_of_a_completion_are_four_lists():
    top = (TokenLogprob("ab", -0.5), TokenLogprob("x", -1.5))
    entries = [TokenLogprob("ab", -0.5, top), TokenLogprob("c", -0.25, ())]
    road = ScriptedRoad([Text("ab", (entries[0],))], [Text("c", (entries[1],)), Done("stop", USAGE)])
    request = {"model": "m", "prompt": "p", "logprobs": 2}
    whole = (await send(road, "/v1/completions", request)).json()["choices"][0]["logprobs"]
    assert whole == {
        "tokens": ["ab", "c"],
        "token_logprobs": [-0.5, -0.25],
        "top_logprobs": [{"ab": -0.5, "x": -1.5}, {}],
        "text_offset": [0, 2],
    }
    streamed = await send(road, "/v1/completions", request | {"stream": True})
    parts = [data["choices"][0].get("logprobs") for _, data in sse_events(streamed.content)[:-1]]
    assert [part and part["text_offset"] for part in parts] == [[0], [2], None]


async def test_a_completion_shows_its_text_and_no_reasoning():
    road = ScriptedRoad([Thinking("r"), Text("a")], [Text("b"), Done("stop", USAGE)])
    body = (await send(road, "/v1/completions", {"model": "m", "prompt": "p"})).json()
    assert body["choices"] == [{"text": "ab", "index": 0, "finish_reason": "stop"}]
    assert body["usage"] == COUNTS


async def test_every_chunk_of_a_completion_has_usage_when_asked_for():
    road = ScriptedRoad([Text("a")], [Done("stop", USAGE)])
    body = {"model": "m", "prompt": "p", "stream": True, "stream_options": {"include_usage": True}}
    *chunks, done = [data for _, data in sse_events((await send(road, "/v1/completions", body)).content)]
    assert [chunk["usage"]["total_tokens"] for chunk in chunks] == [0, 0, 7]
    assert [len(chunk["choices"]) for chunk in chunks] == [1, 1, 0]
    assert done == "[DONE]"


async def test_a_request_to_load_is_a_stream_when_asked_for():
    road = ScriptedRoad(single=Done("load"))
    response = await send(road, "/v1/completions", {"model": "m", "stream": True})
    (_, chunk), (_, done) = sse_events(response.content)
    assert (chunk["choices"][0]["finish_reason"], done) == ("load", "[DONE]")


@pytest.mark.parametrize(
    ("encoding", "expected"), [("float", [0.5, -1.25]), ("Base64", "AAAAPwAAoL8="), ("", [0.5, -1.25])]
)
async def test_vectors_are_numbers_or_packed(encoding, expected):
    road = ScriptedRoad(embeddings=Embeddings(((0.5, -1.25),), 3))
    body = {"model": "m", "input": "x", "encoding_format": encoding}
    answer = (await send(road, "/v1/embeddings", body)).json()
    assert answer["data"] == [{"object": "embedding", "embedding": expected, "index": 0}]
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize(("sent", "inputs"), [("", ("",)), ("a", ("a",)), (["a", "b"], ("a", "b"))])
async def test_texts_to_embed_are_one_or_several(sent, inputs):
    road = ScriptedRoad(embeddings=Embeddings(()))
    await send(road, "/v1/embeddings", {"model": "m", "input": sent})
    assert road.requests[0].inputs == inputs


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "invalid input"),
        ({"input": []}, "invalid input"),
        ({"input": [1]}, "invalid input type"),
        (
            {"input": "x", "encoding_format": "int8"},
            "Invalid value for 'encoding_format' = int8. Supported values: ['float', 'base64'].",
        ),
    ],
)
async def test_what_cannot_be_embedded_is_refused(fields, message):
    response = await send(ScriptedRoad(), "/v1/embeddings", {"model": "m"} | fields)
    assert (response.status_code, response.json()["error"]["message"]) == (400, message)
