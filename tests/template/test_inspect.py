import pytest

from corral.template import (
    Template,
    jinja_has_thinking,
    jinja_has_tool_round_trip,
    jinja_has_tools,
)

VARIABLES = [
    ("{{ .Response }}", {"response"}),
    ("{{ .System }}", {"system", "response"}),
    ("{{ range $i, $m := .Messages }}{{ $i }}{{ $m.Role }}{{ end }}", {"messages", "$i", "$m", "role"}),
    ("{{ range $.Messages }}{{ .Function.Name }}{{ end }}", {"$", "messages", "function", "name"}),
    ("{{ if and (eq .Role `x`) .Tools }}{{ end }}{{ .Response }}", {"role", "tools", "response"}),
    ("{{ (index .Messages 0).Content }}", {"response"}),
    ("{{ with .A }}{{ else }}{{ .B }}{{ end }}{{ .Response }}", {"a", "b", "response"}),
    ('{{ define "t" }}{{ .Messages }}{{ end }}{{ template "t" .X }}', {"messages", "x"}),
    ("{{ .Response | printf .Suffix }}", {"response", "suffix"}),
]


@pytest.mark.parametrize(("text", "expected"), VARIABLES)
def test_variables_are_the_names_used(text, expected):
    assert Template.parse(text).variables == expected


CUTS = [
    ("a {{ .Response }} b", "a R"),
    ("a {{ .Prompt }}", "a PR"),
    ("a {{ if .Response }}b {{ .Response }} c{{ end }} d {{ .Prompt }}", "a b R"),
    ("{{ if .No }}x{{ else }}b {{ .Response }} c{{ end }} d", "b R"),
    ("{{ if .Prompt }}{{ .Response }}x{{ else }}y{{ end }} z", "R"),
    ("{{ if .No }}{{ .Response }}{{ else }}y{{ end }} z", ""),
    ("a {{ $.Response }} b {{ .Response }} c", "a R b R"),
    ("{{ $.Response }} b{{ if .Response }}c{{ end }}", "R bc"),
    ('{{ printf "%s!" (print .Response) }} b', "R!"),
]


@pytest.mark.parametrize(("text", "expected"), CUTS)
def test_the_cut_template_ends_with_the_response(text, expected):
    assert Template.parse(text).cut_response().execute({"Prompt": "P", "Response": "R"}) == expected


def test_cutting_leaves_the_template_itself_whole():
    template = Template.parse("{{ .Response }} end")
    template.cut_response()
    assert template.execute({"Response": "R"}) == "R end"


QWEN3 = (
    "{{ range $i, $_ := .Messages }}"
    '{{ if eq .Role "assistant" }}<|im_start|>assistant\n'
    "{{ if and .Thinking $.Think }}<think>\n{{ .Thinking }}\n</think>\n{{ end }}{{ .Content }}"
    "{{ end }}{{ end }}"
)
THINKING = [
    (QWEN3, ("<think>", "</think>")),
    ("{{ range .Messages }}{{ if .Thinking }}<t>{{ .Thinking }}</t>{{ end }}{{ end }}", ("<t>", "</t>")),
    ("{{ range .Messages }}<a>{{ .Thinking }}</a>{{ end }}", ("<a>", "</a>")),
    (
        "{{ range .Messages }}{{ if 1 }}<a>{{ .Thinking }}</a>{{ end }}"
        "{{ if 2 }}<b>{{ .Thinking }}</b>{{ end }}{{ end }}",
        ("<b>", "</b>"),
    ),
    ("{{ range .Messages }}{{ range .Calls }}<a>{{ .Thinking }}</a>{{ end }}{{ end }}", None),
    ("{{ range .Others }}<a>{{ .Thinking }}</a>{{ end }}", None),
    ("<a>{{ .Thinking }}</a>", None),
    ("{{ range .Messages }}{{ .Thinking }}</a>{{ end }}", None),
    ("{{ range .Messages }} {{ .Thinking }}</a>{{ end }}", None),
    ("{{ .Prompt }}", None),
]


@pytest.mark.parametrize(("text", "expected"), THINKING)
def test_thinking_tags_stand_around_the_thinking(text, expected):
    assert Template.parse(text).thinking_tags() == expected


TOOL_TAGS = [
    ('{{ if .ToolCalls }}<tool_call>\n{"name": "{{ .X }}"{{ end }}', "<tool_call>"),
    ('{{ if .ToolCalls }}{{ range .ToolCalls }}<tool_call>{"name"{{ end }}{{ end }}', "<tool_call>"),
    ("{{ if .ToolCalls }}[TOOL_CALLS] [{{ range .ToolCalls }}{{ . }}{{ end }}{{ end }}", "[TOOL_CALLS] ["),
    (
        "{{ range .Messages }}{{ if 1 }}a{{ else if .ToolCalls }} \n<|python_tag|> {{ end }}{{ end }}",
        "<|python_tag|>",
    ),
    ('{{ if .ToolCalls }}{"name": {{ .X }}{{ end }}', "{"),
    ("{{ if .ToolCalls }}[{{ end }}", "["),
    ("{{ if .ToolCalls }}{{ .X }}text{{ end }}", "{"),
    ("{{ if .ToolCalls }}{{ $x := .X }}tag{{ end }}", "tag"),
    ("{{ if and .X .ToolCalls }}tag{{ end }}", "tag"),
    ("{{ if gt (len .ToolCalls) 0 }}tag{{ end }}", "tag"),
    ("{{ range $m := .Messages }}{{ if $m.ToolCalls }}tag{{ end }}{{ end }}", "tag"),
    ("{{ if .ToolCalls }}one{{ end }}{{ if .ToolCalls }}two{{ end }}", "one"),
    ("{{ if .X }}text{{ end }}", "{"),
    ("plain", "{"),
]


@pytest.mark.parametrize(("text", "expected"), TOOL_TAGS)
def test_the_tool_tag_is_the_first_text_for_tool_calls(text, expected):
    assert Template.parse(text).tool_tag() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ .Tools }}{{ .ToolCalls }}{{ if eq .Role "tool" }}{{ end }}', True),
        ("{{ .Tools }}{{ .ToolCalls }}<tool_response>", True),
        ("{{ .Tools }}{{ .ToolCalls }}", False),
        ("{{ .Tools }}<tool_response>", False),
    ],
)
def test_a_tool_round_trip_needs_tools_calls_and_results(text, expected):
    assert Template.parse(text).has_tool_round_trip() is expected


JINJA = [
    ("{% for m in messages %}{{ m.content }}{% endfor %}", (False, False, False)),
    ("{% if tools %}{% endif %}", (True, False, False)),
    ("<think> </think>", (False, True, False)),
    ("{{ content.split('</think>')[-1] }}", (False, True, False)),
    ('{{ content.split("</think>")[-1] }}{{ reasoning_content }}', (False, False, False)),
    ("{{ message.tool_calls }}{% if message['role'] == 'tool' %}{% endif %}", (True, False, True)),
    ('{{ message.tool_calls }}{% if message["role"] == "tool" %}{% endif %}', (True, False, True)),
    ("{{ message.tool_calls }}", (True, False, False)),
]


@pytest.mark.parametrize(("text", "expected"), JINJA)
def test_a_jinja_template_reveals_tools_thinking_and_round_trip(text, expected):
    assert (jinja_has_tools(text), jinja_has_thinking(text), jinja_has_tool_round_trip(text)) == expected
