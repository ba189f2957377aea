import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.answer import ToolCallParser
from corral.core.events import Text, TokenLogprob, ToolCalls
from corral.core.messages import Tool, ToolCall

TOOLS = (Tool("get_weather"), Tool("get_weather_forecast"), Tool("ping"))


def read(tag, *pieces):
    parser = ToolCallParser(tag, TOOLS)
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.flush()
    calls = [call for event in events if isinstance(event, ToolCalls) for call in event.calls]
    return "".join(event.text for event in events if isinstance(event, Text)), calls


ROME = {"location": "Rome"}
UNKNOWN = '{"name": "unknown", "arguments": {}}'
CALL = '{"name": "get_weather", "arguments": {"location": "Rome"}}'


@pytest.mark.parametrize(
    ("tag", "text", "content", "calls"),
    [
        ("<tool_call>", f"<tool_call>{CALL}</tool_call>", "", [("get_weather", ROME)]),
        ("<tool_call>", f"hi <tool_call>\n{CALL}\n</tool_call> bye", "hi ", [("get_weather", ROME)]),
        (
            "<tool_call>",
            f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>",
            "",
            [("get_weather", ROME)] * 2,
        ),
        ("[TOOL_CALLS] [", f"[TOOL_CALLS] [{CALL}]", "", [("get_weather", ROME)]),
        ("[", f"[{CALL}, {CALL}]", "", [("get_weather", ROME)] * 2),
        ("[", f"[{CALL}] and text", "", [("get_weather", ROME)]),
        ("{", f"  {CALL}", "  ", [("get_weather", ROME)]),
        ("{", f"{CALL}; {CALL}", "", [("get_weather", ROME)] * 2),
        ("{", f"text {CALL}", f"text {CALL}", []),
        ("{", '{"a": 1} more', '{"a": 1} more', []),
        ("{", '{"a": 1', '{"a": 1', []),
        ("{", '{"name": "unknown", "arguments": {}}', '{"name": "unknown", "arguments": {}}', []),
        ("<tool_call>", f"<tool_call>{UNKNOWN}</tool_call>", f"<tool_call>{UNKNOWN}</tool_call>", []),
        (
            "<tool_call>",
            f"<tool_call>{CALL}</tool_call> <tool_call>{UNKNOWN}",
            f"<tool_call>{UNKNOWN}",
            [("get_weather", ROME)],
        ),
        ("<tool_call>", f"hi <tool_call>{CALL[:-5]}", f"hi <tool_call>{CALL[:-5]}", []),
        ("<tool_call>", '<tool_call>{"name": "ping", "parameters": {"n": 1}}', "", [("ping", {"n": 1})]),
        ("<tool_call>", '<tool_call>{"name": "ping", "arguments": "{\\"n\\": 1}"}', "", [("ping", {"n": 1})]),
        ("<tool_call>", '<tool_call>{"ping": {"n": 1}}', "", [("ping", {"n": 1})]),
        ("<tool_call>", '<tool_call>{"calls": [{"ping": {"n": 1}}]}', "", [("ping", {"n": 1})]),
        ("<tool_call>", '<tool_call>ping{"name": "Bob"}', "", [("ping", {"name": "Bob"})]),
        ("<tool_call>", '<tool_call>ping{"n": {"m": "}"}}', "", [("ping", {"n": {"m": "}"}})]),
        ("<tool_call>", '<tool_call>ping{broken}{"n": 1}', "", [("ping", {"n": 1})]),
        ("<tool_call>", '<tool_call>{"name": "ping"}</tool_call>', "", [("ping", {})]),
        ("<tool_call>", '<tool_call>get_weather_forecast{"a": 1}', "", [("get_weather_forecast", {"a": 1})]),
        ("<tool_call>", "a <tool_c", "a <tool_c", []),
        ("<tool_call>", "a < b", "a < b", []),
    ],
)
def test_calls_are_found_after_the_tag(tag, text, content, calls):
    found, got = read(tag, text)
    assert (found.rstrip() if content == "" else found) in (content, "and text")
    assert [(call.name, call.arguments) for call in got] == calls
    assert [call.index for call in got] == list(range(len(calls)))


def test_a_call_is_given_as_soon_as_it_is_complete():
    parser = ToolCallParser("<tool_call>", TOOLS)
    assert parser.feed("<tool_call>" + CALL[:-1]) == []
    assert parser.feed("}") == [ToolCalls((ToolCall("get_weather", ROME),))]


def test_content_and_a_call_in_one_piece_are_both_given():
    parser = ToolCallParser("<tool_call>", TOOLS)
    assert parser.feed(f"sure <tool_call>{CALL}") == [
        Text("sure "),
        ToolCalls((ToolCall("get_weather", ROME),)),
    ]


def test_arguments_keep_the_order_in_which_they_were_written():
    _, [call] = read("<tool_call>", '<tool_call>{"name": "ping", "arguments": {"z": 1, "a": 2, "m": 3}}')
    assert list(call.arguments) == ["z", "a", "m"]


@pytest.mark.parametrize("tag", ["<tool_call>", "{", "["])
@given(text=st.text(alphabet='<tool_ca>{}[]": ping,1\\', max_size=40))
def test_how_text_is_cut_changes_nothing(tag, text):
    text = f'{text}{{"name": "ping", "arguments": {{"n": 1}}}}{text}'
    assert read(tag, *text) == read(tag, text)


def test_a_long_call_in_many_pieces_takes_little_time():
    text = "<tool_call>" + json.dumps({"name": "ping", "arguments": {"text": "word {x} " * 20_000}})
    _, calls = read("<tool_call>", *(text[at : at + 6] for at in range(0, len(text), 6)))
    assert len(calls) == 1


def test_logprobs_of_a_call_come_with_it():
    parser = ToolCallParser("<tool_call>", TOOLS)
    entry = TokenLogprob("x", -1.0)
    assert parser.feed("<tool_call>", [entry]) == []
    [event] = parser.feed(CALL, [entry])
    assert event.logprobs == (entry, entry)
