from corral.core.events import Text, ToolCalls
from corral.core.messages import ToolCall
from corral.engine import ToolCallDelta
from corral.serving.calls import CallGate, CallPieces

CALLS = (ToolCall("f"), ToolCall("g"))


def names(events):
    return [[call.name for call in event.calls] for event in events if isinstance(event, ToolCalls)]


def test_every_call_gets_an_id_of_its_own():
    (event,) = CallGate(parallel=True).passed([ToolCalls(CALLS)])
    assert len({call.id for call in event.calls if call.id}) == 2


def test_only_the_first_call_passes_where_one_is_allowed():
    gate = CallGate(parallel=False)
    assert names(gate.passed([ToolCalls(CALLS), Text("a"), ToolCalls(CALLS)])) == [["f"]]
    assert gate.passed([ToolCalls(CALLS), Text("b")]) == [Text("b")]


def test_fragments_become_calls_and_broken_arguments_text():
    pieces = CallPieces()
    for delta in (
        ToolCallDelta(0, "c1", "f", '{"a"'),
        ToolCallDelta(1, "c2", "g", "{"),
        ToolCallDelta(0, "", "", ": 1}"),
    ):
        pieces.add(delta)
    assert pieces.finish() == ("g{", (ToolCall("f", {"a": 1}, "c1", 0),))


def test_of_the_engines_calls_only_the_first_is_kept_where_one_is_allowed():
    pieces = CallPieces(parallel=False)
    for index, name in enumerate("fg"):
        pieces.add(ToolCallDelta(index, f"c{index}", name, "{}"))
    assert pieces.finish() == ("", (ToolCall("f", {}, "c0", 0),))
