import base64

import pytest

from corral.core import gojson
from corral.core.messages import Message, ToolCall
from corral.errors import InvalidInput
from corral.openai.shapes import read_chat

PNG = base64.b64encode(b"picture").decode()
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def messages(*sent):
    return read_chat(gojson.encode({"model": "m", "messages": sent}))[1].messages


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"role": "User", "content": "hi"}, [Message("user", "hi")]),
        ({"role": "developer", "content": "hi"}, [Message("developer", "hi")]),
        ({"role": "assistant", "content": "a", "reasoning": "r"}, [Message("assistant", "a", "r")]),
        (
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            [Message("assistant", tool_calls=(ToolCall("f", {"a": 1}, "c1"),))],
        ),
        ({"role": "assistant", "tool_calls": []}, [Message("assistant")]),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            [Message("user", "a"), Message("user", "b")],
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": f"data:;base64,{PNG}"}]},
            [Message("user", images=(b"picture",))],
        ),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": PNG}}]},
            [Message("user", images=(b"picture",))],
        ),
    ],
)
def test_a_message_means_what_its_parts_say(sent, expected):
    assert list(messages(sent)) == expected


def test_calls_and_reasoning_go_with_the_last_part():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    sent = {"role": "assistant", "content": parts, "reasoning": "r", "tool_calls": [CALL]}
    assert messages(sent) == (
        Message("assistant", "a"),
        Message("assistant", "b", "r", tool_calls=(ToolCall("f", {"a": 1}, "c1"),)),
    )


@pytest.mark.parametrize("content", ["sunny", [{"type": "text", "text": "sunny"}]])
def test_a_tool_message_knows_the_name_of_its_call(content):
    call = {"role": "assistant", "tool_calls": [CALL]}
    _, result = messages(call, {"role": "tool", "tool_call_id": "c1", "content": content})
    assert result == Message("tool", "sunny", tool_name="f", tool_call_id="c1")


def test_a_name_in_the_tool_message_wins():
    result = {"role": "tool", "tool_call_id": "c1", "name": "g", "content": ""}
    assert messages({"role": "assistant", "tool_calls": [CALL]}, result)[1].tool_name == "g"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "invalid message content type: <nil>"),
        (True, "invalid message content type: bool"),
        (5, "invalid message content type: float64"),
        ({}, "invalid message content type: map[string]interface {}"),
        (["x"], "invalid message format"),
        ([{"type": "video"}], "invalid message format"),
        ([{"type": "text", "text": 5}], "invalid message format"),
        ([{"type": "image_url", "image_url": {}}], "invalid message format"),
        ([{"type": "input_audio", "input_audio": "x"}], "invalid input_audio format"),
        ([{"type": "input_audio", "input_audio": {}}], "invalid input_audio format: missing data"),
        (
            [{"type": "image_url", "image_url": {"url": "http://a/b.png"}}],
            "image URLs are not currently supported, please use base64 encoded data instead",
        ),
        ([{"type": "image_url", "image_url": "data:image/gif;base64,AAAA"}], "invalid image input"),
        ([{"type": "image_url", "image_url": "data:image/png;base64,@"}], "invalid image input"),
    ],
)
def test_content_of_another_kind_is_refused(content, expected):
    with pytest.raises(InvalidInput) as caught:
        messages({"role": "user", "content": content})
    assert caught.value.message == expected


@pytest.mark.parametrize("arguments", ["{", "", "[1]", "5"])
def test_arguments_that_are_no_object_are_refused(arguments):
    call = {"id": "c", "function": {"name": "f", "arguments": arguments}}
    with pytest.raises(InvalidInput) as caught:
        messages({"role": "assistant", "tool_calls": [call]})
    assert caught.value.message == "invalid tool call arguments"
