import json

import pytest

from corral.core.messages import Message, Tool, ToolCall
from corral.prompt import chat_fields, native_messages, native_tools, template_arguments

PNG = b"\x89PNG\r\n"


@pytest.mark.parametrize(
    ("think", "expected"),
    [
        (None, {}),
        (True, {"enable_thinking": True}),
        (False, {"enable_thinking": False}),
        ("high", {"enable_thinking": True, "reasoning_effort": "high"}),
    ],
)
def test_thinking_reaches_the_chat_template_as_arguments(think, expected):
    assert template_arguments(think) == expected


def test_calls_carry_their_arguments_as_text_in_the_order_written():
    call = ToolCall("f", {"z": 1, "a": [True]}, id="call_1")
    [sent] = native_messages([Message("assistant", thinking="why", tool_calls=(call,))])
    assert sent == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": '{"z":1,"a":[true]}'}, "id": "call_1"}
        ],
    }


def test_a_result_names_its_call_and_its_tool():
    [sent] = native_messages([Message("tool", "ok", tool_name="f", tool_call_id="c")])
    assert sent == {"role": "tool", "content": "ok", "tool_call_id": "c", "name": "f"}


def test_images_and_audio_become_parts_before_the_text():
    [sent] = native_messages([Message("user", "see", images=(PNG, b"ID3x"))])
    assert sent["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}},
        {"type": "input_audio", "input_audio": {"data": "SUQzeA==", "format": "mp3"}},
        {"type": "text", "text": "see"},
    ]


def test_a_tool_without_parameters_gets_an_empty_object_schema():
    assert native_tools([Tool("f")]) == [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    ]


def test_fields_that_say_nothing_are_left_out():
    assert chat_fields([Message("user", "hi")]) == {"messages": [{"role": "user", "content": "hi"}]}
    assert list(chat_fields([], [Tool("f")], False)) == ["messages", "tools", "chat_template_kwargs"]
    json.dumps(chat_fields([], [Tool("f")], "low"))
