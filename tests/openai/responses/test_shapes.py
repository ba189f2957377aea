import pytest

from corral.core import gojson
from corral.core.messages import Message
from corral.openai.responses.record import response_record
from corral.openai.responses.shapes import read_responses


def read(**fields):
    return read_responses(gojson.encode({"model": "m"} | fields))


def tool_names(*tools):
    return [tool.name for tool in read(input="x", tools=tools)[1].tools]


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, {"temperature": 1.0}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5}),
        ({"max_output_tokens": 9}, {"temperature": 1.0, "num_predict": 9}),
    ],
)
def test_only_the_temperature_has_a_default_of_its_own(fields, options):
    assert read(**fields)[1].options == options


def test_instructions_stand_in_front():
    request = read(input="hi", instructions="be brief")[1]
    assert request.messages == (Message("system", "be brief"), Message("user", "hi"))


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ({"type": "function", "name": "f"}, ["f"]),
        ({"type": "web_search"}, ["web_search"]),
        ({"type": "file_search"}, []),
        ({"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]}, ["n.f"]),
        ({"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "n.f"}]}, ["n.f"]),
        (
            {
                "type": "namespace",
                "name": "n",
                "tools": [{"type": "namespace", "name": "o", "tools": [{"type": "function", "name": "f"}]}],
            },
            ["n.o.f"],
        ),
    ],
)
def test_functions_of_a_namespace_carry_its_name(tool, names):
    assert tool_names(tool) == names


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "schema": {"type": "object"}}, {"type": "object"}),
    ],
)
def test_the_format_of_the_text_is_the_format(format_, expected):
    assert read(text={"format": format_})[1].format == expected


@pytest.mark.parametrize(
    ("fields", "echo"),
    [
        ({}, {"temperature": 1, "top_p": 1, "truncation": "disabled", "reasoning": None, "tools": []}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0, "top_p": 0.5}),
        ({"truncation": "auto", "background": True}, {"truncation": "auto", "background": True}),
        (
            {"reasoning": {"effort": "low", "summary": "auto"}},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}},
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}},
        ),
        ({"instructions": "i", "max_output_tokens": 3}, {"instructions": "i", "max_output_tokens": 3}),
    ],
)
def test_the_response_echoes_the_request(fields, echo):
    record = response_record(read(**fields)[0], id="r", created_at=1, status="completed")
    assert {key: record[key] for key in echo} == echo
