"""The packaged model on both ways to a prompt: with its own Jinja, and with a Go TEMPLATE that says the same.

The same weights get the same bytes, so they must give the same events. What the model says is its own affair,
but that it reasons and calls tools at all is what these tests stand on.
"""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow

TEMPLATE = """{{- define "tool" -}}
{"type": "function", "function": {"name": {{ json .Function.Name }}, "description": \
{{ json .Function.Description }}, "parameters": {"type": {{ json .Function.Parameters.Type }}, "required": [
{{- range $index, $key := .Function.Parameters.Required }}{{ if $index }}, {{ end }}{{ json $key }}{{ end -}}
], "properties": {
{{- $first := true }}
{{- range $key, $property := .Function.Parameters.Properties }}{{ if not $first }}, {{ end }}
{{- $first = false }}{{ json $key }}: {"type": {{ json $property.Type }}, \
"description": {{ json $property.Description }}}
{{- end -}}
{{ "}}}}" }}
{{- end }}
{{- define "arguments" -}}
{
{{- $first := true }}
{{- range $key, $value := . }}{{ if not $first }}, {{ end }}{{ $first = false }}
{{- json $key }}: {{ json $value }}
{{- end -}}
}
{{- end }}
{{- if or .System .Tools }}<|im_start|>system
{{ .System }}
{{- if .Tools }}{{ if .System }}

{{ end }}You may use these tools:
<tools>
{{- range .Tools }}
{{ template "tool" . }}
{{- end }}
</tools>
To use one, write:
<tool_call>
{"name": NAME, "arguments": {...}}
</tool_call>
{{- end }}<|im_end|>
{{ end }}
{{- $question := -1 }}
{{- range $index, $message := .Messages }}{{ if eq .Role "user" }}{{ $question = $index }}{{ end }}{{ end }}
{{- $before := "" }}
{{- range $index, $message := .Messages }}
{{- if and (eq $before "tool") (ne .Role "tool") }}<|im_end|>
{{ end }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ if and .Thinking (gt $index $question) }}<think>
{{ .Thinking }}
</think>

{{ end }}{{ .Content }}
{{- if .ToolCalls }}
{{- $content := .Content }}
{{- range $at, $call := .ToolCalls }}{{ if or $content $at }}
{{ end }}<tool_call>
{"name": {{ json .Function.Name }}, "arguments": {{ template "arguments" .Function.Arguments }}}
</tool_call>{{ end }}
{{- end }}<|im_end|>
{{ else if eq .Role "tool" }}{{ if ne $before "tool" }}<|im_start|>user{{ end }}
<tool_response>
{{ .Content }}
</tool_response>
{{- end }}
{{- $before = .Role }}
{{- end }}
{{- if eq $before "tool" }}<|im_end|>
{{ end }}<|im_start|>assistant
{{ if and .IsThinkSet (not .Think) }}<think>

</think>

{{ end }}"""


def tool(name, description, **properties):
    fields = {key: {"type": kind, "description": f"The {key}"} for key, kind in properties.items()}
    parameters = {"type": "object", "required": list(fields), "properties": fields}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


TOOLS = [
    tool("get_weather", "Get the weather of a city", city="string"),
    tool("add", "Add two numbers", a="number", b="number"),
]
SYSTEM = {"role": "system", "content": "You are Pocket."}


def said(role, content, **fields):
    return {"role": role, "content": content, **fields}


def called(name, **arguments):
    return {"function": {"name": name, "arguments": arguments}}


WEATHER = said("user", "What is the weather in Rome?")
CONVERSATIONS = {
    "plain": [said("user", "What is the capital city of Peru?")],
    "system": [SYSTEM, said("user", "Hello, how are you?")],
    "turns": [said("user", "Hello"), said("assistant", "Hi!"), said("user", "What colour is a banana?")],
    "call": [WEATHER],
    "result": [
        WEATHER,
        said("assistant", "", tool_calls=[called("get_weather", city="Rome")]),
        said("tool", "sunny, 21 C", tool_name="get_weather"),
    ],
    "two-results": [
        SYSTEM,
        said("user", "Add them"),
        said("assistant", "Wait.", tool_calls=[called("add", a=1, b=2), called("add", a=3, b=4.5)]),
        said("tool", "3"),
        said("tool", "7.5"),
        said("user", "Thank you"),
    ],
}
WAYS = ("pocket", "pocket-go")
every_conversation = pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=CONVERSATIONS)
with_and_without_tools = pytest.mark.parametrize("tools", [[], TOOLS], ids=["", "tools"])
either_think = pytest.mark.parametrize("think", [True, False])


@pytest.fixture(scope="module")
def models(server):
    server.post(
        "/api/create", {"model": "pocket-go", "from": "pocket", "template": TEMPLATE, "stream": False}
    )
    return server


def body(model, messages, tools=(), **fields):
    options = {"temperature": 0, "num_predict": 120}
    return {"model": model, "messages": messages, "tools": list(tools), "options": options, **fields}


def events(server, *arguments, **fields):
    """Reasoning, content and calls of a streamed answer, and in which order they came."""
    with server.stream("/api/chat", body(*arguments, **fields)) as answer:
        records = [json.loads(line) for line in answer]
    parts = [record["message"] for record in records]
    calls = [call["function"] for part in parts for call in part.get("tool_calls", ())]
    order = [key for part in parts for key in ("thinking", "content", "tool_calls") if part.get(key)]
    return {
        "thinking": "".join(part.get("thinking", "") for part in parts),
        "content": "".join(part["content"] for part in parts),
        "calls": [(call["index"], call["name"], list(call["arguments"].items())) for call in calls],
        "order": [key for at, key in enumerate(order) if at == 0 or order[at - 1] != key],
        "counts": [records[-1].get(key) for key in ("prompt_eval_count", "eval_count", "done_reason")],
    }


@every_conversation
@with_and_without_tools
@either_think
def test_both_ways_make_the_same_prompt(models, messages, tools, think):
    shown = [
        models.post("/api/chat", body(model, messages, tools, think=think, _debug_render_only=True))
        for model in WAYS
    ]
    jinja, rendered = (answer["_debug_info"]["rendered_template"] for answer in shown)
    assert rendered == jinja


@every_conversation
@with_and_without_tools
@either_think
def test_both_ways_give_the_same_events(models, messages, tools, think):
    native, rendered = (events(models, model, messages, tools, think=think) for model in WAYS)
    assert rendered == native


@pytest.mark.parametrize("model", WAYS)
def test_the_model_reasons_and_then_answers(models, model):
    found = events(models, model, CONVERSATIONS["plain"], think=True)
    assert found["order"] == ["thinking", "content"]
    assert "Lima" in found["content"]
    assert "<think>" not in found["thinking"] + found["content"]


@pytest.mark.parametrize("model", WAYS)
@either_think
def test_the_model_calls_a_tool(models, model, think):
    found = events(models, model, CONVERSATIONS["call"], TOOLS, think=think)
    assert found["calls"] == [(0, "get_weather", [("city", "Rome")])]
    assert found["content"] == ""


@pytest.mark.parametrize("model", WAYS)
def test_the_model_answers_from_the_result_of_a_tool(models, model):
    found = events(models, model, CONVERSATIONS["result"], TOOLS, think=False)
    assert found["calls"] == []
    assert "21" in found["content"]
