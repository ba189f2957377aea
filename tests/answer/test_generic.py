from corral.answer import PlainParser, generic_parser, new_call_id
from corral.core.events import Text, Thinking, ToolCalls
from corral.core.messages import Tool, ToolCall

TAGS = ("<think>", "</think>")
CALL = '{"name": "ping", "arguments": {}}'


def test_without_tags_and_tools_text_passes_unchanged():
    parser = generic_parser(None, False, "<tool_call>", ())
    assert isinstance(parser, PlainParser)
    assert parser.feed("<think>a<tool_call>") == [Text("<think>a<tool_call>")]


def test_content_after_reasoning_goes_through_the_parser_of_calls():
    parser = generic_parser(TAGS, False, "<tool_call>", (Tool("ping"),))
    events = parser.feed(f"<think>why <tool_call></think>ok<tool_call>{CALL}") + parser.finish()
    assert events == [Thinking("why <tool_call>"), Text("ok"), ToolCalls((ToolCall("ping"),))]


def test_a_brace_after_reasoning_counts_as_the_first_thing_of_the_turn():
    parser = generic_parser(TAGS, True, "{", (Tool("ping"),))
    assert parser.feed(f"why</think>\n{CALL}") == [Thinking("why"), ToolCalls((ToolCall("ping"),))]


def test_what_both_parsers_hold_back_is_given_at_the_end():
    parser = generic_parser(TAGS, False, "<tool_call>", (Tool("ping"),))
    assert parser.feed("<thi") == []
    assert parser.finish() == [Text("<thi")]


def test_call_ids_have_the_form_that_clients_know():
    identifier = new_call_id()
    assert identifier.startswith("call_")
    assert len(identifier) == 13
    assert identifier[5:].isalnum()
    assert identifier == identifier.lower()
