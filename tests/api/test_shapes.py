import pytest

from corral.api import shapes
from corral.core.messages import Message, ToolCall
from corral.errors import InvalidInput
from corral.settings import FOREVER
from corral.wire import decode_json


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (0, 0),
        (10, 10),
        (1.5, 1.5),
        (10**400, FOREVER),
        ("5m", 300),
        ("0", 0),
        (-1, FOREVER),
        ("-1m", FOREVER),
        (-(10**400), FOREVER),
    ],
)
def test_keep_alive_has_many_forms(value, seconds):
    assert shapes.read_keep_alive(value) == seconds


@pytest.mark.parametrize("value", [True, [], {}, "soon", "5"])
def test_keep_alive_of_another_form_is_refused(value):
    with pytest.raises(InvalidInput):
        shapes.read_keep_alive(value)


@pytest.mark.parametrize("value", [None, True, False, "low", "medium", "high", "max"])
def test_think_is_a_switch_or_a_level(value):
    assert shapes.read_think(value) == value


@pytest.mark.parametrize("value", [1, "maximum", []])
def test_think_of_another_form_is_refused(value):
    with pytest.raises(InvalidInput, match="think"):
        shapes.read_think(value)


@pytest.mark.parametrize(
    ("value", "inputs"), [(None, ()), ("", ()), ("a", ("a",)), (["a", "b"], ("a", "b")), ([], ())]
)
def test_texts_to_embed_are_one_or_many(value, inputs):
    assert shapes.read_inputs(value) == inputs


@pytest.mark.parametrize("value", [1, [1], {"a": 1}])
def test_what_is_no_text_is_not_embedded(value):
    with pytest.raises(InvalidInput):
        shapes.read_inputs(value)


def test_a_chat_becomes_a_core_request():
    body = b"""{"model": "m", "messages": [{"role": "User", "content": "hi", "images": ["aGk="]},
        {"role": "assistant",
         "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"b": 1, "a": 2}}}]},
        {"role": "tool", "content": "ok", "tool_name": "f"}], "options": {"top_k": 1}, "think": "low"}"""
    request = decode_json(body, shapes.ChatIn).to_core()
    assert request.messages == (
        Message("user", "hi", images=(b"hi",)),
        Message("assistant", tool_calls=(ToolCall("f", {"b": 1, "a": 2}, "1"),)),
        Message("tool", "ok", tool_name="f"),
    )
    assert (request.options, request.think, request.keep_alive_s) == ({"top_k": 1}, "low", None)


@pytest.mark.parametrize(
    ("body", "context"), [(b"{}", None), (b'{"context": []}', ()), (b'{"context": [1]}', (1,))]
)
def test_an_absent_and_an_empty_context_differ(body, context):
    assert decode_json(body, shapes.GenerateIn).to_core().context == context


def test_the_old_embedding_request_asks_for_raw_vectors():
    request = decode_json(b'{"model": "m", "prompt": "a"}', shapes.EmbeddingsIn).to_core()
    assert (request.inputs, request.legacy) == (("a",), True)
