import pytest

from corral.core import gojson
from corral.core.requests import ToolChoice
from corral.errors import InvalidInput
from corral.openai.shapes import read_chat, read_completion

NAMED = {"name": "f"}
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
    ("fields", "expected"),
    [
        ({"num_ctx": 512}, {"num_ctx": 512}),
        ({"options": {"min_p": 0.1, "temperature": 0.3}}, {"min_p": 0.1, "temperature": 0.3}),
        ({"options": {"temperature": 0.3}, "temperature": 0.7}, {"temperature": 0.7}),
        ({"options": {"num_ctx": 1}, "num_ctx": 512}, {"num_ctx": 512}),
    ],
)
def test_options_may_be_given_by_their_own_names(fields, expected):
    assert chat(**fields).options == {"temperature": 1.0, "top_p": 1.0} | expected
    assert expected.items() <= completion(**fields).options.items()


def test_a_request_may_say_how_long_its_model_stays_loaded():
    assert (chat(keep_alive="2m").keep_alive_s, chat().keep_alive_s) == (120, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ToolChoice()),
        ({"tool_choice": "none"}, ToolChoice("none")),
        ({"tool_choice": "required", "parallel_tool_calls": False}, ToolChoice("required", parallel=False)),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            ToolChoice("required", ("f",)),
        ),
        ({"tool_choice": {"type": "function", "name": "f"}}, ToolChoice("required", ("f",))),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": NAMED}]},
                }
            },
            ToolChoice("auto", ("f",)),
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [NAMED]}},
            ToolChoice("required", ("f",)),
        ),
    ],
)
def test_a_choice_of_tools_is_a_mode_a_function_or_a_list(fields, expected):
    assert chat(**fields).tool_choice == expected


@pytest.mark.parametrize(
    "choice", ["any", 1, [], {}, {"type": "function"}, {"type": "allowed_tools", "tools": []}]
)
def test_a_choice_of_tools_that_means_nothing_is_refused(choice):
    with pytest.raises(InvalidInput, match="Invalid value for 'tool_choice'"):
        chat(tool_choice=choice)


@pytest.mark.parametrize("n", [0, -1, 129])
def test_a_number_of_choices_out_of_range_is_refused(n):
    with pytest.raises(InvalidInput, match="Invalid 'n'"):
        chat(n=n)


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
