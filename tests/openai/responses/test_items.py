import base64

import pytest

from corral.core.messages import Message, ToolCall
from corral.errors import InvalidInput
from corral.openai.responses.items import to_messages

PNG = "data:image/png;base64," + base64.b64encode(b"picture").decode()


def call(call_id="c1", name="f", arguments="{}"):
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id="c1", text="out"):
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def said(role, text):
    return {"role": role, "content": text}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, []),
        ("", []),
        ("hi", [Message("user", "hi")]),
        ([said("user", "hi")], [Message("user", "hi")]),
        (
            [
                {
                    "type": "message",
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "a"},
                        {"type": "input_image", "image_url": PNG},
                        {"type": "input_image", "file_id": "x"},
                        {"type": "output_text", "text": "b"},
                    ],
                }
            ],
            [Message("user", "ab", images=(b"picture",))],
        ),
        (
            [said("assistant", "let me see"), call(), call("c2", "g"), output(), output("c2")],
            [
                Message(
                    "assistant", "let me see", tool_calls=(ToolCall("f", {}, "c1"), ToolCall("g", {}, "c2"))
                ),
                Message("tool", "out", tool_name="f", tool_call_id="c1"),
                Message("tool", "out", tool_name="g", tool_call_id="c2"),
            ],
        ),
        (
            [call(), said("assistant", "wait"), output(), said("assistant", "done")],
            [
                Message("assistant", "wait", tool_calls=(ToolCall("f", {}, "c1"),)),
                Message("tool", "out", tool_name="f", tool_call_id="c1"),
                Message("assistant", "done"),
            ],
        ),
        (
            [{"type": "reasoning", "encrypted_content": "why"}, said("assistant", "a")],
            [Message("assistant", "a", "why")],
        ),
        (
            [said("assistant", "a"), {"type": "reasoning", "summary": [{"text": "why"}]}, call()],
            [
                Message("assistant", "a"),
                Message("assistant", "", "why", tool_calls=(ToolCall("f", {}, "c1"),)),
            ],
        ),
        ([{"type": "reasoning", "encrypted_content": "why"}], [Message("assistant", "", "why")]),
        ([{"type": "web_search_call", "id": "ws"}], []),
    ],
)
def test_items_become_the_messages_of_a_conversation(sent, expected):
    assert list(to_messages(sent)) == expected


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (5, "input must be a string or array: found float64"),
        ([{"content": "x"}], "input[0]: input item missing required 'type' field"),
        (["x"], "input[0]: input item missing required 'type' field"),
        ([said("user", "a"), {"type": "nope"}], 'input[1]: unknown input item type: "nope"'),
        ([said("user", 5)], "input[0]: content must be a string or array: found float64"),
        ([said("user", [{"type": "zzz"}])], "input[0]: content[0]: unknown content type: zzz"),
        ([output(text=5)], "input[0]: output must be a string or array: found float64"),
        ([said("user", [{"type": "input_file"}])], "file inputs are not currently supported"),
        (
            [call(arguments="{")],
            "failed to parse function call arguments: they are not the text of a JSON object",
        ),
    ],
)
def test_an_item_that_cannot_be_read_is_named(sent, message):
    with pytest.raises(InvalidInput) as caught:
        to_messages(sent)
    assert caught.value.message == message
