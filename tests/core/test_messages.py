import pytest

from corral.core.messages import parse_tool
from corral.errors import InvalidInput

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "required": ["city"],
            "properties": {
                "city": {"type": "string", "description": "its name"},
                "unit": {"type": ["string", "null"], "enum": ["C", "F"]},
                "spot": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            },
        },
    },
}


def test_a_tool_survives_its_json():
    assert parse_tool(WEATHER).to_json() == WEATHER


def test_keywords_that_models_do_not_see_are_dropped():
    tool = parse_tool(
        {"function": {"name": "f", "parameters": {"properties": {"a": {"type": "string", "x": 1}}}}}
    )
    assert tool.to_json()["function"]["parameters"]["properties"] == {"a": {"type": "string"}}


def test_a_tool_without_parameters_has_none():
    tool = parse_tool({"type": "function", "function": {"name": "now"}})
    assert tool.to_json()["function"] == {"name": "now", "parameters": {"type": "", "properties": None}}


@pytest.mark.parametrize(
    "value", [1, "f", [], {"function": "f"}, {"function": {"name": 1}}, {"function": {"parameters": []}}]
)
def test_a_tool_of_another_type_is_refused(value):
    with pytest.raises(InvalidInput):
        parse_tool(value)
