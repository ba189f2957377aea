"""Answers that must have a format, on both ways: they have it, or the request fails and says so."""

from __future__ import annotations

import json

import pytest

from tests.helpers.questions import GREEDY

pytestmark = pytest.mark.slow

# The engine's own conversion of schemas passes over such a minimum.
SCHEMA = {
    "type": "object",
    "properties": {"year": {"type": "number", "minimum": 5000, "maximum": 5001}, "city": {"enum": ["Lima"]}},
    "required": ["year", "city"],
}
# The engine holds this one by itself where it also reads the answer.
PLAIN = {"type": "object", "properties": {"city": {"enum": ["Lima", "Rome"]}}, "required": ["city"]}
# Shows reasoning and calls as the model was trained to write them.
TEMPLATE = """{{- if .Tools }}<|im_start|>system
# Tools

You may call these functions:
<tools>
{{- range .Tools }}
{{ . }}
{{- end }}
</tools>

To call one, answer with:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{{ end }}
{{- range .Messages }}<|im_start|>{{ .Role }}
{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Content }}
{{- if .ToolCalls }}{{ range .ToolCalls }}<tool_call>
{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
</tool_call>{{ end }}{{ end }}<|im_end|>
{{ end }}<|im_start|>assistant
{{ if and .IsThinkSet (not .Think) }}<think>

</think>

{{ end }}"""
LOCATION = {
    "type": "object",
    "required": ["location"],
    "properties": {"location": {"type": "string", "description": "The city"}},
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a given location",
        "parameters": LOCATION,
    },
}


@pytest.fixture(scope="module")
def models(server):
    server.create("plain", "peer-plain.gguf")
    base = {"model": "templated", "from": "plain", "template": TEMPLATE, "stream": False}
    server.post("/api/create", base)
    return server


both_ways = pytest.mark.parametrize("model", ["peer", "templated"])


def ask(server, model, text="Hello", **fields):
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": False}
    status, data = server.request("POST", "/api/chat", body | {"options": GREEDY} | fields)
    return status, json.loads(data)


@both_ways
@pytest.mark.parametrize("think", [True, False])
def test_the_answer_fits_the_schema_and_the_reasoning_before_it_is_free(models, model, think):
    status, answer = ask(models, model, format=SCHEMA, think=think)
    assert status == 200
    value = json.loads(answer["message"]["content"])
    assert 5000 <= value["year"] <= 5001
    assert value["city"] == "Lima"
    assert ("greets me" in answer["message"].get("thinking", "")) == think
    assert "<think>" not in answer["message"].get("thinking", "")


@both_ways
@pytest.mark.parametrize("think", [True, False])
def test_the_answer_fits_a_plain_schema_after_free_reasoning(models, model, think):
    _, answer = ask(models, model, format=PLAIN, think=think)
    assert json.loads(answer["message"]["content"])["city"] in ("Lima", "Rome")
    assert ("greets me" in answer["message"].get("thinking", "")) == think


@both_ways
@pytest.mark.parametrize(
    ("think", "options", "why"),
    [
        (False, {"num_predict": 6}, "the answer was cut off before its JSON was complete: it reached"),
        (True, {"num_predict": 2}, "the answer was cut off before it began: it reached"),
        (False, {"stop": ["city"]}, "the answer ended before its JSON was complete: it met "),
    ],
)
def test_an_answer_to_a_plain_schema_that_is_cut_off_is_an_error(models, model, think, options, why):
    status, answer = ask(models, model, format=PLAIN, think=think, options=GREEDY | options)
    assert status == 500
    assert answer["error"].startswith(why)


def test_the_reasoning_of_generate_is_free_too(models):
    body = {"model": "templated", "prompt": "Hello", "format": SCHEMA, "stream": False, "options": GREEDY}
    answer = models.post("/api/generate", body)
    assert 5000 <= json.loads(answer["response"])["year"] <= 5001
    assert "greets me" in answer["thinking"]
    earlier = {"model": "templated", "prompt": "x", "context": answer["context"], "_debug_render_only": True}
    shown = models.post("/api/generate", earlier)["_debug_info"]["rendered_template"]
    assert "greets me" in shown
    assert answer["response"] in shown


@both_ways
def test_an_answer_that_the_limit_cuts_off_is_an_error_that_says_so(models, model):
    status, answer = ask(models, model, format=SCHEMA, think=False, options=GREEDY | {"num_predict": 3})
    assert status == 500
    assert answer == {
        "error": "the answer was cut off before its JSON was complete: it reached the limit of tokens; "
        "raise num_predict (3)"
    }


@both_ways
def test_a_stop_text_that_cuts_the_json_is_named(models, model):
    _, answer = ask(models, model, format=SCHEMA, think=False, options=GREEDY | {"stop": ["year"]})
    message = 'the answer ended before its JSON was complete: it met the stop text "year"'
    assert answer == {"error": message}


@both_ways
def test_reasoning_that_the_limit_cuts_off_is_an_error_that_says_so(models, model):
    _, answer = ask(models, model, format=SCHEMA, think=True, options=GREEDY | {"num_predict": 3})
    assert answer["error"].startswith("the answer was cut off before it began: ")


def test_a_stream_that_is_cut_off_ends_with_the_error(models):
    body = {"model": "peer", "messages": [{"role": "user", "content": "Hello"}], "format": SCHEMA}
    with models.stream(
        "/api/chat", body | {"think": False, "options": GREEDY | {"num_predict": 3}}
    ) as answer:
        records = [json.loads(line) for line in answer]
    assert all(record["message"]["content"] for record in records[:-1])
    assert list(records[-1]) == ["error"]


def test_openai_clients_are_told_by_the_finish_reason_that_they_know(models):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    body = {"model": "peer", "messages": [{"role": "user", "content": "Hello"}], "response_format": form}
    answer = models.post("/v1/chat/completions", body | {"max_tokens": 2, "reasoning_effort": "none"})
    assert answer["choices"][0]["finish_reason"] == "length"


@both_ways
def test_a_keyword_that_cannot_be_held_is_refused_by_its_name(models, model):
    status, answer = ask(models, model, format={"type": "array", "uniqueItems": True})
    assert (status, answer) == (400, {"error": 'unsupported schema keyword "uniqueItems"'})


@both_ways
def test_a_tool_may_be_called_in_place_of_the_answer(models, model):
    text = "Call get_weather with location set to San Francisco."
    status, answer = ask(models, model, text, tools=[WEATHER], format=SCHEMA, think=False)
    assert status == 200
    [call] = answer["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    status, answer = ask(models, model, "Hello", tools=[WEATHER], format=SCHEMA, think=False)
    assert json.loads(answer["message"]["content"])["city"] == "Lima"
