import pytest

from corral.core import gojson
from corral.errors import InvalidInput
from corral.openai.shapes import read_chat, read_completion

MESSAGES = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object"}


def chat(**fields):
    return read_chat(gojson.encode({"model": "m", "messages": MESSAGES} | fields))[1]


def completion(**fields):
    return read_completion(gojson.encode({"model": "m", "prompt": "p"} | fields))[1]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"temperature": 1.0, "top_p": 1.0}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5}),
        ({"max_tokens": 5}, {"num_predict": 5}),
        ({"max_completion_tokens": 7}, {"num_predict": 7}),
        ({"max_tokens": 5, "max_completion_tokens": 7}, {"num_predict": 5}),
        ({"seed": 3, "frequency_penalty": 0.5}, {"seed": 3, "frequency_penalty": 0.5}),
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"stop": ["x", 5]}, {"stop": ["x"]}),
        ({"stop": 5}, {}),
        ({"seed": None}, {}),
    ],
)
def test_fields_of_a_chat_become_options(fields, expected):
    assert chat(**fields).options == {"temperature": 1.0, "top_p": 1.0} | expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"top_p": 0}, {}),
        ({"max_tokens": 4, "stop": ["a", "b"]}, {"num_predict": 4, "stop": ["a", "b"]}),
        ({"presence_penalty": 0.25}, {"presence_penalty": 0.25}),
    ],
)
def test_fields_of_a_completion_become_options(fields, expected):
    always = {"temperature": 1.0, "top_p": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}
    assert completion(**fields).options == always | expected


@pytest.mark.parametrize(
    ("fields", "think"),
    [
        ({}, None),
        ({"reasoning_effort": ""}, None),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "medium"}, "medium"),
        ({"reasoning_effort": "ultra"}, "max"),
        ({"reasoning": {"effort": "none"}, "reasoning_effort": "high"}, False),
        ({"reasoning": {}, "reasoning_effort": "high"}, None),
    ],
)
def test_the_effort_says_how_to_think(fields, think):
    assert chat(**fields).think == think


@pytest.mark.parametrize(
    ("response_format", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "JSON_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}, SCHEMA),
        ({"type": "json_schema"}, None),
        (None, None),
    ],
)
def test_the_response_format_becomes_a_format(response_format, expected):
    assert chat(response_format=response_format).format == expected


@pytest.mark.parametrize(("sent", "expected"), [(0, (False, 0)), (2, (True, 2)), (-1, (False, 0))])
def test_log_probabilities_of_a_completion_are_a_number(sent, expected):
    request = completion(logprobs=sent)
    assert (request.logprobs, request.top_logprobs) == expected


@pytest.mark.parametrize(
    ("read", "body", "message"),
    [
        (read_chat, b" \n", "EOF"),
        (read_chat, b'{"messages": []}', "[] is too short - 'messages'"),
        (
            read_chat,
            b'{"messages": [{"content": ""}], "reasoning_effort": "huge"}',
            "invalid reasoning value",
        ),
        (read_completion, b'{"stop": ["a", 5]}', "invalid type for 'stop' field: float64"),
        (read_completion, b'{"prompt": ["a"]}', "json: cannot unmarshal"),
    ],
)
def test_a_request_that_means_nothing_is_refused(read, body, message):
    with pytest.raises(InvalidInput) as caught:
        read(body)
    assert caught.value.message.startswith(message)
