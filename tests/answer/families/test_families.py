import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.answer import FAMILIES, family_parser, safe_names
from corral.core.events import Text, Thinking, TokenLogprob, ToolCalls
from corral.core.messages import Message, Tool, ToolParameters, ToolProperty
from corral.errors import CorralError

PROPERTIES = {"location": ToolProperty(type=("string",)), "days": ToolProperty(type=("integer",))}
TOOLS = (Tool("get_weather", parameters=ToolParameters(properties=PROPERTIES)), Tool("ping"))
ROME = ("get_weather", {"location": "Rome", "days": 2})
JSON = '{"name": "get_weather", "arguments": {"location": "Rome", "days": 2}}'
CODER = (
    "<function=get_weather>\n<parameter=location>\nRome\n</parameter>\n"
    "<parameter=days>\n2\n</parameter>\n</function>"
)
PAIRS = (
    "get_weather<arg_key>location</arg_key><arg_value>Rome</arg_value>"
    "<arg_key>days</arg_key><arg_value>2</arg_value>"
)
DEEPSEEK = (
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>"
    '{"location": "Rome", "days": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
)
COGITO = (
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
    '{"location": "Rome", "days": 2}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
)
COHERE = '[{"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"location": "Rome", "days": 2}}]'
ATEM = (
    '<atem:function_calls><atem:invoke name="get_weather"><atem:parameter name="location">Rome'
    '</atem:parameter><atem:parameter name="days">2</atem:parameter></atem:invoke></atem:function_calls>'
)


def read(name, *pieces, think=None, tools=TOOLS, last=None):
    parser = family_parser(name, tools, think, last)
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.finish()
    thinking = "".join(event.text for event in events if isinstance(event, Thinking))
    content = "".join(event.text for event in events if isinstance(event, Text))
    calls = [call for event in events if isinstance(event, ToolCalls) for call in event.calls]
    return thinking, content, [(call.name, call.arguments) for call in calls]


ROWS = [
    ("qwen3", None, f"hi \n<tool_call>\n{JSON}\n</tool_call>\n", "", "hi", [ROME]),
    ("qwen3", None, "<think>\na\n</think>\n\nb", "", "<think>\na\n</think>\n\nb", []),
    ("qwen3-thinking", None, "<think>\nwhy\n</think>\n\nhi", "\nwhy", "hi", []),
    ("qwen3-thinking", None, f"why\n<tool_call>{JSON}</tool_call>", "why", "", [ROME]),
    ("qwen3-thinking", False, "hi </think>", "", "hi </think>", []),
    ("qwen3-vl-thinking", False, "why</think>hi", "why", "hi", []),
    ("qwen3-vl-instruct", None, f"<tool_call>{JSON}</tool_call>", "", "", [ROME]),
    ("qwen3-coder", None, f"ok<tool_call>\n{CODER}\n</tool_call>", "", "ok", [ROME]),
    (
        "qwen3-coder",
        None,
        "<tool_call><function=ping></function></tool_call> <tool_call><function=ping></function></tool_call>",
        "",
        "",
        [("ping", {})] * 2,
    ),
    ("qwen3.5", True, f"why\n</think>\n\nok\n<tool_call>\n{CODER}\n</tool_call>", "why", "ok", [ROME]),
    ("ornith", None, f"<think>why<tool_call>{CODER}</tool_call>", "why", "", [ROME]),
    ("nemotron-3-nano", "high", "why</think>hi", "why", "hi", []),
    ("passthrough", None, "<think>a</think>", "", "<think>a</think>", []),
    ("ministral", None, "[THINK]why[/THINK]hi", "why", "hi", []),
    ("ministral", None, '[TOOL_CALLS]get_weather[ARGS]{"location": "Rome", "days": 2}', "", "", [ROME]),
    ("deepseek3", True, f"why</think>ok{DEEPSEEK}", "why", "ok", [ROME]),
    ("deepseek3", False, "hi", "", "hi", []),
    ("deepseek3", False, "<｜tool▁outputs▁begin｜>x<｜tool▁outputs▁end｜>", "", "x", []),
    ("cogito", True, COGITO, "", "", [ROME]),
    ("cogito", False, "a<｜tool▁outputs▁begin｜>x<｜tool▁outputs▁end｜>b", "", "ab", []),
    (
        "olmo3",
        None,
        '<function_calls>get_weather(location="Rome", days=2)\nping()</function_calls>',
        "",
        "",
        [ROME, ("ping", {})],
    ),
    ("olmo3", None, "a<function_calls>not a call</function_calls>b", "", "ab", []),
    ("olmo3-think", False, "why</think>hi", "why", "hi", []),
    ("glm-4.7", True, f"why</think>ok<tool_call>{PAIRS}</tool_call>", "why", "ok", [ROME]),
    ("glm-4.7", False, "<think>why</think>ok", "why", "ok", []),
    ("glm-ocr", None, "<think>why</think>ok", "why", "ok", []),
    ("laguna", True, f"why</think>ok<tool_call>{JSON}</tool_call>", "why", "ok", [ROME]),
    ("poolside-v1", False, "a<think>why</think>b", "", "ab", []),
    ("gemma4", True, "<|channel>thought\nwhy<channel|>hi", "why", "hi", []),
    ("gemma4-no-thinking", True, "<|channel>thought\nwhy<channel|>hi", "", "hi", []),
    (
        "gemma4",
        False,
        '<|tool_call>call:get_weather{location:<|"|>Rome<|"|>,days:2}<tool_call|>',
        "",
        "",
        [ROME],
    ),
    (
        "functiongemma",
        None,
        "<start_function_call>call:get_weather{location:<escape>Rome<escape>,days:2}<end_function_call>",
        "",
        "",
        [ROME],
    ),
    (
        "lfm2",
        None,
        "<|tool_call_start|>[get_weather(location='Rome', days=2), ping()]<|tool_call_end|>ok",
        "",
        "ok",
        [ROME, ("ping", {})],
    ),
    ("lfm2", None, "[get_weather(location='Rome', days=2)]", "", "", [ROME]),
    ("lfm2", None, "other(a=1)", "", "other(a=1)", []),
    ("lfm2", None, "get_weather(is it", "", "get_weather(is it", []),
    ("lfm2-thinking", True, "<think>why</think>hi", "why", "hi", []),
    (
        "cohere",
        True,
        f"why<|END_THINKING|><|START_ACTION|>{COHERE}<|END_ACTION|><|END_OF_TURN_TOKEN|>",
        "why",
        "",
        [ROME],
    ),
    ("cohere", True, "why<|END_THINKING|><|START_TEXT|>hi<|END_TEXT|>", "why", "hi", []),
    (
        "harmony",
        True,
        "<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>hi",
        "why",
        "hi",
        [],
    ),
    (
        "harmony",
        True,
        "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
        '{"location": "Rome", "days": 2}',
        "",
        "",
        [ROME],
    ),
    ("harmony", True, "<|channel|>commentary<|message|>note", "", "note", []),
    (
        "glimmer",
        True,
        f" to=self<|message|>why<|eom|><|start|>assistant to=get_weather<|message|>{ATEM}<|eot|>",
        "why",
        "",
        [ROME],
    ),
    (
        "glimmer",
        False,
        " to=self<|message|>why<|eom|><|start|>assistant to=user<|message|>hi<|eot|>",
        "",
        "hi",
        [],
    ),
]


@pytest.mark.parametrize(("name", "think", "text", "thinking", "content", "calls"), ROWS)
def test_an_answer_is_split_by_its_family(name, think, text, thinking, content, calls):
    tools = () if name == "cogito" and not calls else TOOLS
    expected = (thinking, content, calls)
    assert read(name, text, think=think, tools=tools) == expected
    assert read(name, *text, think=think, tools=tools) == expected


@pytest.mark.parametrize("name", FAMILIES)
@given(
    pieces=st.lists(st.sampled_from(["<think>", "</think>", "<|message|>", " ", "a", "\n", "<", "[", "<|"]))
)
def test_how_text_is_cut_changes_nothing(name, pieces):
    whole = "".join(pieces)
    assert read(name, *whole, tools=()) == read(name, whole, tools=()) == read(name, *pieces, tools=())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("qwen3", "<tool_call>{]</tool_call>", "failed to parse JSON: "),
        ("qwen3", '<tool_call>{"arguments": {}}</tool_call>', "empty function name"),
        ("qwen3-coder", "<tool_call>ping</tool_call>", "failed to parse XML: "),
        ("ministral", "[TOOL_CALLS]other[ARGS]{}", "tool 'other' not found"),
        (
            "glm-4.7",
            "</think><tool_call>ping<arg_key>a</arg_key></tool_call>",
            "mismatched arg_key and arg_value counts: 1 keys, 0 values",
        ),
        ("harmony", "<|channel|>commentary to=ping<|message|>{", "error parsing tool call: raw='{', err="),
    ],
)
def test_a_call_that_cannot_be_decoded_is_an_error(name, text, message):
    with pytest.raises(CorralError) as caught:
        read(name, text)
    assert caught.value.message.startswith(message)


def test_a_call_that_the_end_cuts_off_stays_readable():
    assert read("qwen3", f"<tool_call>{JSON}") == ("", "", [ROME])
    assert read("qwen3", '<tool_call>{"name": "get_') == ("", '<tool_call>{"name": "get_', [])


@pytest.mark.parametrize(
    "name", ["qwen3-thinking", "qwen3.5", "deepseek3", "olmo3-think", "qwen3-vl-thinking"]
)
def test_a_continued_message_starts_in_content(name):
    assert read(name, "lo", last=Message("assistant", "Hel")) == ("", "lo", [])


def test_harmony_goes_on_with_the_message_that_the_prompt_left_open():
    assert read("harmony", "lo", last=Message("assistant", "Hel")) == ("", "lo", [])
    assert read("harmony", "lo", last=Message("assistant", thinking="Hel")) == ("lo", "", [])


def test_harmony_gives_the_declared_name_for_the_safe_one():
    [call] = read(
        "harmony", "<|channel|>commentary to=functions.get_time<|message|>{}", tools=(Tool("get-time"),)
    )[2]
    assert call == ("get-time", {})


def test_safe_names_are_identifiers_and_never_collide():
    names = ["get time", "get-time", "2x", "é", "", "get time"]
    assert safe_names(names) == {
        "get time": "get_time",
        "get-time": "get_time_2",
        "2x": "_2x",
        "é": "unnamed",
        "": "unnamed_2",
    }


def test_calls_are_numbered_over_the_whole_turn():
    parser = family_parser("qwen3", TOOLS, None, None)
    events = parser.feed(f"<tool_call>{JSON}</tool_call><tool_call>{JSON}</tool_call>")
    assert [call.index for event in events for call in event.calls] == [0, 1]


def test_no_logprob_is_lost_while_text_is_held_back():
    parser = family_parser("qwen3.5", (), True, None)
    entries = [TokenLogprob(piece, -1.0) for piece in ["<think>", "why", "</think>", "\n", "hi", "\n"]]
    events = [event for entry in entries for event in parser.feed(entry.token, [entry])] + parser.finish()
    assert [entry for event in events for entry in event.logprobs] == entries


def test_an_unknown_parser_is_ignored_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING, "corral.answer"):
        assert family_parser("no-such", (), None, None) is None
    assert "no-such" in caplog.text
