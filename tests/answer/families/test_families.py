import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.answer import FAMILIES, family_parser, safe_names
from corral.core.events import Text, Thinking, TokenLogprob, ToolCalls
from corral.core.messages import Message, Tool
from tests.answer.families.answers import COGITO, DEEPSEEK, JSON, PAIRS, ROME, ROWS, TOOLS


def read(name, *pieces, think=None, tools=TOOLS, last=None):
    parser = family_parser(name, tools, think, last)
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.finish()
    thinking = "".join(event.text for event in events if isinstance(event, Thinking))
    content = "".join(event.text for event in events if isinstance(event, Text))
    calls = [call for event in events if isinstance(event, ToolCalls) for call in event.calls]
    return thinking, content, [(call.name, call.arguments) for call in calls]


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
    ("name", "text", "content", "reason"),
    [
        ("qwen3", "<tool_call>{]</tool_call>", "<tool_call>{]</tool_call>", "failed to parse JSON"),
        ("qwen3", 'a<tool_call>{"arguments": {}}', 'a<tool_call>{"arguments": {}}', "empty function name"),
        ("qwen3-coder", "<tool_call>ping</tool_call>", "<tool_call>ping</tool_call>", "failed to parse XML"),
        ("ministral", "[TOOL_CALLS]other[ARGS]{}", "[TOOL_CALLS]other[ARGS]{}", "tool 'other' not found"),
        (
            "glm-4.7",
            "</think><tool_call>ping<arg_key>a</arg_key></tool_call>",
            "<tool_call>ping<arg_key>a</arg_key></tool_call>",
            "mismatched arg_key and arg_value counts: 1 keys, 0 values",
        ),
        ("gemma4", "<|tool_call>call:ping{a<tool_call|>", "<|tool_call>call:ping{a<tool_call|>", "a key"),
        ("deepseek3", f"</think>{DEEPSEEK[:-50]}", DEEPSEEK[:-50], "failed to parse JSON"),
        ("harmony", "<|channel|>commentary to=ping<|message|>{", "{", "error parsing tool call: raw='{'"),
    ],
)
def test_a_call_that_cannot_be_decoded_becomes_text_and_the_log_says_why(name, text, content, reason, caplog):
    with caplog.at_level(logging.WARNING, "corral.answer"):
        assert read(name, text) == ("", content, [])
    assert reason in caplog.text


@pytest.mark.parametrize(("name", "good"), [("deepseek3", DEEPSEEK), ("cogito", COGITO)])
def test_a_bad_call_beside_a_good_one_is_text_and_the_good_one_is_called(name, good):
    opening, closing = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
    single = good.removeprefix(opening).removesuffix(closing)
    wrong = single.replace('"days": 2}', '"days":')
    before = "</think>" if name == "deepseek3" else ""
    assert read(name, f"{before}{opening}{wrong}{single}{closing}") == ("", wrong, [ROME])


@pytest.mark.parametrize("name", ["glm-4.7", "laguna"])
@pytest.mark.parametrize(
    "call", ["other", PAIRS[:-1], PAIRS + "<arg_key>more</arg_key>", PAIRS.replace("location", "place")]
)
def test_a_call_in_pairs_that_the_end_cuts_off_counts_only_when_it_is_complete(name, call):
    assert read(name, f"</think><tool_call>{call}") == ("", f"<tool_call>{call}", [])
    assert read(name, f"</think><tool_call>{PAIRS}") == ("", "", [ROME])


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
