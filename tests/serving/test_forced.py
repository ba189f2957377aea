import pytest

from corral.core.messages import parse_tool
from corral.serving.forced import call_grammar


def tool(name, parameters):
    return parse_tool({"type": "function", "function": {"name": name, "parameters": parameters}})


def test_the_grammar_names_each_tool_and_its_arguments():
    properties = {"city": {"type": "string"}}
    weather = tool("weather", {"type": "object", "properties": properties, "required": ["city"]})
    grammar = call_grammar([weather, tool("now", {})])
    assert grammar.startswith('root ::= ("<tool_call>" "\\n"?)? call\ncall ::=')
    assert all(text in grammar for text in (r'"\"weather\""', r'"\"city\""', r'"\"now\""'))


@pytest.mark.parametrize(
    "items",
    [{"type": "string", "uniqueItems": True}, {"$ref": "#/$defs/nowhere"}],
    ids=["keyword", "reference"],
)
def test_arguments_that_no_grammar_can_express_are_any_object(items):
    parameters = {"type": "object", "properties": {"a": {"type": "array", "items": items}}}
    grammar = call_grammar([tool("f", parameters)])
    assert '"\\"f\\""' in grammar
    assert '"\\"a\\""' not in grammar


def test_a_reference_within_the_arguments_is_found():
    defs = {"Word": {"enum": ["xyz"]}}
    items = {"$ref": "#/$defs/Word"}
    parameters = {"type": "object", "$defs": defs, "properties": {"a": {"type": "array", "items": items}}}
    assert "xyz" in call_grammar([tool("f", parameters)])
