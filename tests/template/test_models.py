"""Templates as models carry them, with conversations as chats bring them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from corral.template import JSONList, JSONMap, Limits, OrderedMap, Struct, Template, TypeList

QWEN3 = """{{- if .Tools }}<|im_start|>system
{{ if .System }}{{ .System }}

{{ end }}# Tools
<tools>
{{- range .Tools }}
{{ . }}
{{- end }}
</tools><|im_end|>
{{ else if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}
{{- range $i, $m := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end -}}
{{ .Content }}
{{- if .ToolCalls }}
{{- range .ToolCalls }}<tool_call>
{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
</tool_call>{{ end }}
{{- end }}<|im_end|>
{{ else if eq .Role "tool" }}<|im_start|>user
<tool_response>
{{ .Content }}
</tool_response><|im_end|>
{{ end }}
{{- if and $last (ne .Role "assistant") }}<|im_start|>assistant
{{ if and $.IsThinkSet (not $.Think) }}<think>

</think>

{{ end }}
{{- end }}
{{- end }}"""

EVERYTHING = (
    '{{ range $i, $m := .Messages }}[{{ $i }}:{{ .Role }}:{{ len .Content }}:{{ printf "%q" .Content }}:'
    "{{ json .Content }}]{{ else }}none{{ end }}{{ with .System }}<sys {{ . }}>{{ end }}"
    "{{ if and .Tools (gt (len .Messages) 1) }}T{{ end }}{{ if or (eq (len .Messages) 1) false }}one"
    "{{ else if le (len .Messages) 3 }}few{{ else }}many{{ end }}{{- /* gone */ -}}  {{ $x := 1 }}"
    "{{ if .Think }}{{ $x = 2 }}{{ end }}x={{ $x }} level={{ .ThinkLevel }} set={{ .IsThinkSet }} "
    '{{ index .Messages 0 | printf "%v" | len | ne 0 }} {{ html "<a&b>" }} {{ slice "abcdef" 1 3 }} '
    '{{ print "a" 1 2 "b" }}{{ define "t" }}({{ .Role }}){{ end }}'
    '{{ range .Messages }}{{ template "t" . }}{{ end }}'
)
EVERYTHING_OUTPUT = (
    '[0:system:8:"Be kind.":"Be kind."]'
    '[1:user:20:"Who are <you> & why?":"Who are \\u003cyou\\u003e \\u0026 why?"]'
    "<sys Be kind.>fewx=1 level= set=false true &lt;a&amp;b&gt; bc a1 2b(system)(user)"
)

SIGNATURES = (
    "{{ range .Tools }}{{ .Function.Name }}({{ range $k, $v := .Function.Parameters.Properties }}{{ $k }}: "
    "{{ toTypeScriptType $v }} /* {{ $v.Description }} */, {{ end }}) "
    "required {{ .Function.Parameters.Required }}\n{{ end }}"
    "{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Index }} {{ .Function.Name }} "
    "{{ range $a, $b := .Function.Arguments }}{{ $a }}->{{ $b }} {{ end }}{{ end }}{{ end }}"
)


def message(role, content="", **fields):
    empty = {"Thinking": "", "Images": [], "ToolCalls": [], "ToolName": "", "ToolCallID": ""}
    return Struct("api.Message", {"Role": role, "Content": content, **empty, **fields})


def tool():
    where = {"type": TypeList(["string"]), "description": "The <city>"}
    location = Struct(
        "api.ToolProperty", {"Type": where["type"], "Description": where["description"]}, json=where
    )
    properties = JSONMap({"location": location})
    shape = {"type": "object", "required": ["location"], "properties": properties}
    parameters = Struct(
        "P", {"Type": "object", "Required": ["location"], "Properties": properties}, json=shape
    )
    texts = {"name": "weather", "description": "Look", "parameters": parameters}
    function = Struct("F", {"Name": "weather", "Description": "Look", "Parameters": parameters}, json=texts)
    return Struct("api.Tool", {"Function": function}, json={"type": "function", "function": function})


def call(**arguments):
    function = {"Index": 0, "Name": "weather", "Arguments": JSONMap(arguments)}
    return Struct("api.ToolCall", {"ID": "", "Function": Struct("F", function)})


def render(text, messages, **data):
    root = {
        "System": "",
        "Tools": None,
        "Response": "",
        "Think": False,
        "ThinkLevel": "",
        "IsThinkSet": False,
    }
    return Template.parse(text).execute({**root, "Messages": messages, **data})


def test_a_template_with_tools_and_thinking_renders_a_whole_conversation():
    turns = [
        message("user", "hi <there>"),
        message("assistant", "Hello", Thinking="greet"),
        message("assistant", ToolCalls=[call(z="Rome", b=1.0)]),
        message("tool", "ok"),
    ]
    assert render(QWEN3, turns, System="S", Tools=JSONList([tool()]), IsThinkSet=True) == (
        "<|im_start|>system\nS\n\n# Tools\n<tools>\n"
        '{"type":"function","function":{"name":"weather","description":"Look","parameters":{"type":"object",'
        '"required":["location"],"properties":{"location":{"type":"string",'
        '"description":"The \\u003ccity\\u003e"}}}}}'
        "\n</tools><|im_end|>\n<|im_start|>user\nhi <there><|im_end|>\n"
        "<|im_start|>assistant\n<think>greet</think>Hello<|im_end|>\n"
        '<|im_start|>assistant\n<tool_call>\n{"name": "weather", "arguments": {"b":1,"z":"Rome"}}\n'
        "</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\nok\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )


def test_all_features_of_the_language_work_together():
    turns = [message("system", "Be kind."), message("user", "Who are <you> & why?")]
    assert render(EVERYTHING, turns, System="Be kind.") == EVERYTHING_OUTPUT


def test_tools_can_be_taken_apart():
    turns = [message("assistant", ToolCalls=[call(location="Rome", b=1.0)])]
    assert render(SIGNATURES, turns, Tools=JSONList([tool()])) == (
        "weather(location: string /* The <city> */, ) required [location]\n0 weather b->1 location->Rome "
    )


LEGACY = (
    "{{ if .System }}<s>{{ .System }}</s>{{ end }}"
    "{{ if .Prompt }}<u>{{ .Prompt }}</u>{{ end }}<a>{{ .Response }}</a>"
)


@pytest.mark.parametrize(
    ("data", "whole", "cut"),
    [
        ({"System": "S", "Prompt": "P", "Response": "R"}, "<s>S</s><u>P</u><a>R</a>", "<s>S</s><u>P</u><a>R"),
        ({"System": "", "Prompt": "P", "Response": ""}, "<u>P</u><a></a>", "<u>P</u><a>"),
    ],
)
def test_an_older_template_is_cut_after_the_response(data, whole, cut):
    template = Template.parse(LEGACY)
    assert (template.execute(data), template.cut_response().execute(data)) == (whole, cut)


def test_what_a_template_reveals():
    template = Template.parse(QWEN3)
    assert {"messages", "tools", "toolcalls"} <= template.variables
    assert template.thinking_tags() == ("<think>", "</think>")
    assert template.tool_tag() == "<tool_call>"
    assert template.has_tool_round_trip()


def test_a_long_chat_takes_few_steps():
    turns = [message("user" if index % 2 else "assistant", "word " * 50) for index in range(200)]
    data = {"Messages": turns, "System": "", "Tools": None, "IsThinkSet": False, "Think": False}
    assert len(Template.parse(QWEN3).execute(data, limits=Limits(num_steps=12_000))) > 50_000


def test_ordered_maps_keep_their_order_in_json_and_are_visited_sorted():
    data = {"Map": OrderedMap({"b": 1, "a": 2})}
    text = "{{ .Map }}{{ range $k, $v := .Map }}{{ $k }}{{ end }}{{ if .Response }}{{ end }}"
    assert Template.parse(text + "{{ if .Messages }}{{ end }}").execute(data) == '{"b":1,"a":2}ab'


RECORDINGS = Path(__file__).parents[1] / "parity" / "vectors"


def sent_templates(value: object) -> Iterator[str]:
    """Go templates in what was sent: the answers recorded beside it hold Jinja ones too."""
    if isinstance(value, list):
        for item in value:
            yield from sent_templates(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "template" and isinstance(item, str):
                yield item
            elif key != "expect":
                yield from sent_templates(item)


def recorded_templates() -> list[str]:
    texts = {
        text for path in RECORDINGS.glob("*.json") for text in sent_templates(json.loads(path.read_text()))
    }
    return sorted(texts - {"{{ .Prompt"})  # that one is refused, see test_parser


@pytest.mark.parametrize("text", recorded_templates())
def test_a_recorded_template_renders(text):
    template = Template.parse(text)
    turns = [message("system", "S"), message("user", "U"), message("assistant", ToolCalls=[call(a=1.0)])]
    assert isinstance(render(text, turns, Tools=JSONList([tool()]), System="S"), str)
    if "messages" not in template.variables:
        old = {"System": "S", "Prompt": "P", "Suffix": "", "Response": "R"}
        assert template.execute(old).startswith(template.cut_response().execute(old))
