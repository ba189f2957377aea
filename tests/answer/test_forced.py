import pytest

from corral.answer import ForcedCallParser
from corral.core.events import Text, ToolCalls

CALL = '{"name": "f", "arguments": {"a": "}{"}}'


@pytest.mark.parametrize("text", [CALL, f"<tool_call>\n{CALL}", f"{CALL}\n</tool_call>"])
@pytest.mark.parametrize("size", [1, 5, 100])
def test_the_call_is_given_at_the_end_however_it_comes_in(text, size):
    parser = ForcedCallParser()
    assert [parser.feed(text[at : at + size]) for at in range(0, len(text), size)] == [[]] * -(
        -len(text) // size
    )
    (event,) = parser.finish()
    assert isinstance(event, ToolCalls)
    (call,) = event.calls
    assert (call.name, call.arguments, call.id[:5]) == ("f", {"a": "}{"}, "call_")


@pytest.mark.parametrize(("text", "expected"), [(CALL[:-2], [Text(CALL[:-2])]), ("", [])])
def test_a_call_that_was_cut_off_is_text(text, expected):
    parser = ForcedCallParser()
    parser.feed(text)
    assert parser.finish() == expected
