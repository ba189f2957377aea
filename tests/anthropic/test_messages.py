import base64

import pytest

from corral.anthropic.estimate import estimate_tokens
from corral.anthropic.shapes import read_messages
from corral.core import gojson
from corral.core.messages import Message, ToolCall
from corral.core.requests import ToolChoice
from corral.errors import InvalidInput

DATA = base64.b64encode(b"picture").decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
USED = ToolCall("f", {"a": 1}, "t1")


def text(value):
    return {"type": "text", "text": value}


def result(content, **fields):
    return {"type": "tool_result", "tool_use_id": "t1", "content": content} | fields


def read(*messages, **fields):
    body = {"model": "m", "max_tokens": 9, "messages": messages} | fields
    return read_messages(gojson.encode(body))


def said(role, content):
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([said("user", "hi")], [Message("user", "hi")]),
        ([said("user", [text("a"), IMAGE, text("b")])], [Message("user", "ab", images=(b"picture",))]),
        (
            [said("assistant", [{"type": "thinking", "thinking": "t", "signature": "s"}, text("a"), USE])],
            [Message("assistant", "a", "t", tool_calls=(USED,))],
        ),
        (
            [said("assistant", [USE]), said("user", [text("so?"), result("sunny")])],
            [
                Message("assistant", tool_calls=(USED,)),
                Message("tool", "sunny", tool_name="f", tool_call_id="t1"),
                Message("user", "so?"),
            ],
        ),
        (
            [said("user", [result([text("a"), IMAGE, text("b")])])],
            [Message("tool", "ab", images=(b"picture",), tool_call_id="t1")],
        ),
        (
            [said("assistant", [USE | {"type": "server_tool_use"}, text("x"), result("r")])],
            [
                Message("assistant", "x", tool_calls=(USED,)),
                Message("tool", "r", tool_name="f", tool_call_id="t1"),
            ],
        ),
        (
            [
                said(
                    "user",
                    [
                        {
                            "type": "web_search_tool_result",
                            "tool_use_id": "w",
                            "content": [{"type": "web_search_result", "title": "T", "url": "U"}],
                        }
                    ],
                )
            ],
            [Message("tool", "- T: U\n", tool_call_id="w")],
        ),
        ([said("system", "s"), said("user", [{"type": "new"}])], [Message("system", "s")]),
    ],
)
def test_blocks_become_messages(sent, expected):
    assert list(read(*sent)[1].messages) == expected


@pytest.mark.parametrize("system", ["AB", [text("A"), text("B") | {"cache_control": {}}, IMAGE]])
def test_the_system_prompt_stands_in_front(system):
    messages = read(said("user", "hi"), system=system)[1].messages
    assert messages == (Message("system", "AB"), Message("user", "hi"))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "image"}, "invalid image source"),
        (
            {"type": "image", "source": {"type": "url"}},
            "invalid image source type: url. Only base64 images are supported.",
        ),
        (result([{"type": "image"}]), "invalid tool_result image source"),
        ({"type": "tool_use", "name": "f"}, "tool_use block missing required 'id' field"),
        ({"type": "tool_use", "id": "t"}, "tool_use block missing required 'name' field"),
    ],
)
def test_a_block_without_what_it_needs_is_refused(block, message):
    with pytest.raises(InvalidInput) as caught:
        read(said("user", [block]))
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": ""}, "model is required"),
        ({"max_tokens": 0}, "max_tokens is required and must be positive"),
        ({"messages": []}, "messages is required"),
        ({"tools": [{"name": "f", "input_schema": 5}]}, 'invalid input_schema for tool "f": '),
    ],
)
def test_a_request_without_what_it_needs_is_refused(fields, message):
    with pytest.raises(InvalidInput) as caught:
        read(said("user", "hi"), **fields)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("fields", "think"),
    [
        ({}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1}}, True),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, False),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": " High "}}, "high"),
        ({"output_config": {"effort": "xhigh"}}, "high"),
        ({"output_config": {"effort": "huge"}}, None),
    ],
)
def test_thinking_or_else_the_effort_says_how_to_think(fields, think):
    assert read(said("user", "hi"), **fields)[1].think == think


def test_only_named_options_are_set():
    options = read(said("user", "hi"), top_k=3, stop_sequences=["x"])[1].options
    assert options == {"top_k": 3, "stop": ["x"], "num_predict": 9}


def test_the_search_is_offered_in_the_place_of_a_function_of_its_name():
    search, own = (
        {"type": "web_search_20250305", "name": "web_search"},
        {"name": "web_search", "input_schema": {}},
    )
    body, request = read(said("user", "hi"), tools=[own, search, {"name": "f", "input_schema": {}}])
    assert [tool.name for tool in request.tools] == ["f", "web_search"]
    assert body.searches
    body, request = read(said("user", "hi"), tools=[own])
    assert (len(request.tools), body.searches) == (1, False)


@pytest.mark.parametrize(
    ("messages", "fields", "tokens"),
    [
        ([said("user", "capital of peru")], {}, 4),
        ([said("user", "Say hello in one word")], {"system": [text("A."), text("B.")]}, 7),
        ([said("u", [result([text("abcdefg")])])], {}, 2),
        ([said("", [{"type": "new"}])], {}, 1),
    ],
)
def test_four_characters_count_as_a_token(messages, fields, tokens):
    assert estimate_tokens(read(*messages, **fields)[0]) == tokens


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, ToolChoice()),
        ({"type": "auto"}, ToolChoice()),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required", parallel=False)),
        ({"type": "tool", "name": "f"}, ToolChoice("required", ("f",))),
    ],
)
def test_a_choice_of_tools_is_read(sent, expected):
    assert read(said("user", "hi"), tool_choice=sent)[1].tool_choice == expected


@pytest.mark.parametrize("choice", [{"type": "tool"}, {"type": "required"}])
def test_a_choice_of_tools_that_means_nothing_is_refused(choice):
    with pytest.raises(InvalidInput, match="tool_choice"):
        read(said("user", "hi"), tool_choice=choice)
