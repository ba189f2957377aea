import pytest

from corral.errors import TemplateError
from corral.template import Template

ERRORS = [
    ("{{ .Prompt", 1, "template: :1: unclosed action"),
    ("a\n{{ .Prompt", 2, "template: :2: unclosed action"),
    ("{{ .Prompt\n\n", 3, "template: :3: unclosed action started at :1"),
    ('{{ .A\n"b', 2, "template: :2: unterminated quoted string in action started at :1"),
    ("{{ if .A }}", 1, "template: :1: unexpected EOF"),
    ("{{ if .A }}\n\nx", 3, "template: :3: unexpected EOF"),
    ("{{ if }}{{ end }}", 1, "template: :1: missing value for if"),
    ("{{ }}", 1, "template: :1: missing value for command"),
    ("{{ () }}", 1, "template: :1: missing value for parenthesized pipeline"),
    ("{{ end }}", 1, "template: :1: unexpected {{end}}"),
    ("{{ else }}", 1, "template: :1: unexpected {{else}}"),
    ("{{ if 1 }}{{ else }}{{ else }}{{ end }}", 1, "template: :1: expected end; found {{else}}"),
    ("{{ if 1 }}{{ else with 2 }}{{ end }}", 1, "template: :1: unexpected <with> in input"),
    ("{{ range 1 }}{{ else if 2 }}{{ end }}", 1, "template: :1: unexpected <if> in input"),
    ("\n{{ x }}", 2, 'template: :2: function "x" not defined'),
    ("{{ $x }}", 1, 'template: :1: undefined variable "$x"'),
    ("{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}", 1, 'template: :1: undefined variable "$x"'),
    ('{{ define "a" }}{{ $x }}{{ end }}', 1, 'template: :1: undefined variable "$x"'),
    ("{{ break }}", 1, "template: :1: {{break}} outside {{range}}"),
    ("{{ if 1 }}{{ continue }}{{ end }}", 1, "template: :1: {{continue}} outside {{range}}"),
    ("{{ range 1 }}{{ break 1 }}{{ end }}", 1, 'template: :1: unexpected "1" in {{break}}'),
    (
        '{{ range 1 }}{{ block "b" . }}{{ break }}{{ end }}{{ end }}',
        1,
        "template: :1: {{break}} outside {{range}}",
    ),
    ("{{ .A | 1 }}", 1, "template: :1: non executable command in pipeline stage 2"),
    ("{{ nil.A }}", 1, 'template: :1: unexpected . after term "nil"'),
    ("{{ 1 . | len }}{{ .A.B..C }}", 1, "template: :1: unexpected <.> in operand"),
    ("{{ $a, $b := 1 }}", 1, "template: :1: too many declarations in command"),
    ("{{ range $a, $b, $c := 1 }}{{ end }}", 1, "template: :1: too many declarations in range"),
    ("{{ range $a, 1 }}{{ end }}", 1, "template: :1: range can only initialize variables"),
    ("{{ if 1 }}{{ define }}{{ end }}", 1, "template: :1: unexpected <define> in command"),
    ("{{ template x . }}", 1, 'template: :1: unexpected "x" in template clause'),
    ('{{ define "a" }}1{{ end }}{{ define "a" }}2{{ end }}', 1, "multiple definition of template"),
    ('{{ define "a" }}{{ else }}{{ end }}', 1, "template: :1: unexpected {{else}} in define clause"),
    ("{{ 99999999999999999999 }}", 1, 'template: :1: integer overflow: "99999999999999999999"'),
    ("{{ 089 }}", 1, 'template: :1: integer overflow: "089"'),
    ("{{-}}", 1, 'template: :1: illegal number syntax: "-"'),
    ('{{ "\\z" }}', 1, "template: :1: invalid syntax"),
    ("{{ 'ab' }}", 1, "template: :1: malformed character constant: 'ab'"),
    ("{{ if 1 }}{{ end 1234567890123 }}", 1, 'template: :1: unexpected "1234567890"... in end'),
    ('{{ template "x" }}', None, "undefined template specified"),
]


@pytest.mark.parametrize(("text", "line", "message"), ERRORS)
def test_a_faulty_template_is_refused_with_its_line(text, line, message):
    with pytest.raises(TemplateError) as caught:
        Template.parse(text)
    assert message in caught.value.message
    assert caught.value.line == line


def test_the_column_counts_characters_from_one():
    with pytest.raises(TemplateError) as caught:
        Template.parse("ä\nöx{{ nope }}")
    assert (caught.value.line, caught.value.column) == (2, 6)


@pytest.mark.parametrize(
    "text", ["{{ if 1 }}" * 5000, "{{ " + "(" * 5000, "{{ if 1 }}" + "{{ else if 1 }}" * 5000]
)
def test_deep_nesting_is_an_error_and_not_a_crash(text):
    with pytest.raises(TemplateError, match="nested deeper"):
        Template.parse(text)


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("{{ .Prompt }}", {"Prompt": "p", "Response": "r"}, "pr"),
        ("", {"Response": "r"}, "r"),
        ("{{ .Prompt }} ", {"Prompt": "p", "Response": "r"}, "p r"),
        ("{{ .Prompt }}{{ if .Response }}x{{ end }}", {"Prompt": "p", "Response": "r"}, "px"),
        ("{{ range .Messages }}{{ . }}{{ end }}", {"Messages": ["m"], "Response": "r"}, "m"),
    ],
)
def test_a_template_without_messages_and_response_ends_with_the_response(text, data, expected):
    assert Template.parse(text).execute(data) == expected
