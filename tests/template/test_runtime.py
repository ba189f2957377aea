import pytest

from corral.errors import TemplateError
from corral.template import JSONList, JSONMap, Limits, Struct, Template

MESSAGES = [
    Struct("api.Message", {"Role": "user", "Content": "hi"}),
    Struct("api.Message", {"Role": "assistant", "Content": "yo"}),
]
DATA = {
    "System": "sys",
    "Empty": "",
    "Messages": MESSAGES,
    "Words": ["x", "y", "z"],
    "Map": {"b": 2, "a": 1},
    "Nested": {"inner": {"deep": "value"}},
    "Nil": None,
    "WithNil": [None],
    "Number": 3,
    "Float": 2.5,
    "Yes": True,
    "Arguments": JSONMap({"z": 1, "a": "<x>"}),
    "Tools": JSONList([Struct("api.Tool", {"Type": "function"}, json={"type": "function"})]),
}


def render(text, data=DATA, **limits):
    # `.Response` in a condition keeps the parser from adding it to the end.
    return Template.parse(text + "{{ if .Response }}{{ end }}").execute(data, limits=Limits(**limits))


OUTPUT = [
    ("a {{- .System -}} b", "asysb"),
    ("{{ .Missing }}", "<no value>"),
    ("{{ .Nil }}", "<no value>"),
    ('{{ "a" -}} \n b', "ab"),
    ("a{{/* gone */}}b", "ab"),
    (
        "{{ range $i, $_ := .Messages }}{{ if eq (len (slice $.Messages $i)) 1 }}last{{ end }}{{ end }}",
        "last",
    ),
    ("{{ with .Empty }}a{{ else with .System }}b{{ . }}{{ end }}", "bsys"),
    ("{{ with .Empty }}a{{ else }}{{ . | len }}{{ end }}", "13"),
    ("{{ if .Empty }}1{{ else if .Missing }}2{{ else if .Number }}3{{ else }}4{{ end }}", "3"),
    ("{{ range .Words }}{{ . }},{{ end }}", "x,y,z,"),
    ("{{ range $w := .Words }}{{ $w }}{{ end }}", "xyz"),
    ("{{ range $i, $w := .Words }}{{ $i }}{{ $w }}{{ end }}", "0x1y2z"),
    ("{{ range $k, $v := .Map }}{{ $k }}{{ $v }}{{ end }}", "a1b2"),
    ("{{ range 3 }}{{ . }}{{ end }}", "012"),
    ("{{ range $i := 2 }}{{ $i }}{{ end }}", "01"),
    ("{{ range 0 }}a{{ else }}none{{ end }}", "none"),
    ("{{ range -1 }}a{{ else }}none{{ end }}", "none"),
    ("{{ range .Missing }}a{{ else }}none{{ end }}", "none"),
    ("{{ range .Nil }}a{{ else }}none{{ end }}", "none"),
    ('{{ range .Words }}{{ if eq . "y" }}{{ break }}{{ end }}{{ . }}{{ end }}', "x"),
    ('{{ range .Words }}{{ if eq . "y" }}{{ continue }}{{ end }}{{ . }}{{ end }}', "xz"),
    ("{{ range 2 }}{{ range $.Words }}{{ break }}{{ end }}{{ . }}{{ end }}", "01"),
    ("{{ range 2 }}{{ range 0 }}{{ else }}{{ break }}{{ end }}{{ . }}{{ end }}", ""),
    ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
    ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21"),
    ("{{ if $x := .System }}{{ $x }}{{ else }}{{ $x }}{{ end }}", "sys"),
    ("{{ $x := 0 }}{{ range $x = .Words }}{{ $x }}{{ end }}{{ $x }}", "xyzz"),
    ("{{ $x := 1 }}{{ range 3 }}{{ $x = . }}{{ $x := 9 }}{{ end }}{{ $x }}", "2"),
    ("{{ range .Messages }}{{ $.System }}{{ .Role }} {{ end }}", "sysuser sysassistant "),
    ("{{ $.Nested.inner.deep }}{{ .Nested.inner.deep }}", "valuevalue"),
    ("{{ (index .Messages 1).Content }}", "yo"),
    ("{{ (.Missing).Anything }}", "<no value>"),
    ("{{ $x := .Missing }}{{ $x.Anything }}", "<no value>"),
    ("{{ .Nested.none }}", "<no value>"),
    ('{{ "abc" | len }}', "3"),
    ('{{ "b" | printf "%s%s" "a" }}', "ab"),
    ('{{ .System | printf "%s-%s" .System | len }}', "7"),
    ("{{ 1 | or 0 }}{{ 1 | and 0 }}{{ 5 | and 2 }}", "105"),
    ('{{ define "t" }}({{ . }}{{ $ }}){{ end }}{{ template "t" .System }}', "(syssys)"),
    ('{{ block "t" .Words }}{{ len . }}{{ end }}', "3"),
    ('{{ template "later" 1 }}{{ define "later" }}{{ . }}{{ end }}', "1"),
    (
        '{{ define "t" }}{{ if . }}{{ template "t" (slice . 1) }}{{ len . }}{{ end }}{{ end }}'
        '{{ template "t" "abc" }}',
        "123",
    ),
    (
        "{{ true }} {{ false }} {{ 1.0 }} {{ 'a' }} {{ 0x10 }} {{ 1e6 }} {{ `r\\n` }} {{ 010 }} {{ 1_000 }}",
        "true false 1 97 16 1e+06 r\\n 8 1000",
    ),
    ('{{ "\\u00e9\\x41\\101\\t" }}', "éAA\t"),
    (
        "{{ .Words }} {{ .Map }} {{ .Nested }} {{ .WithNil }}",
        "[x y z] map[a:1 b:2] map[inner:map[deep:value]] [<nil>]",
    ),
    ("{{ .Arguments }}", '{"a":"\\u003cx\\u003e","z":1}'),
    ("{{ .Tools }}{{ range .Tools }}{{ . }}{{ end }}", '[{"type":"function"}]{"type":"function"}'),
    ("{{ index .Messages 0 }}", "{user hi}"),
    ("{{ and .System .Empty }}|{{ or .Empty .System }}|{{ not .Empty }}", "|sys|true"),
    ("{{ or .System (index .Words 99) }}{{ and .Empty (index .Words 99) }}", "sys"),
    ("{{ if and .Yes (gt .Number 2) }}ok{{ end }}", "ok"),
    ("{{ range .WithNil }}{{ . }}{{ end }}", "<no value>"),
    ("{{ with $x := 5 }}{{ $x }}{{ . }}{{ end }}", "55"),
    ('{{ if not (eq .System "a" "b") }}neither{{ end }}', "neither"),
]


@pytest.mark.parametrize(("text", "expected"), OUTPUT)
def test_a_template_renders(text, expected):
    assert render(text) == expected


ERRORS = [
    (
        "{{ .Missing.Foo }}",
        'template: :1:11: executing "" at <.Missing.Foo>: nil pointer evaluating interface {}.Foo',
    ),
    ("\n{{ .System.Foo }}", "can't evaluate field Foo in type interface {}"),
    ("{{ range .Messages }}{{ .Nope }}{{ end }}", "<.Nope>: can't evaluate field Nope in type api.Message"),
    ("{{ range .Messages }}{{ .Role.X }}{{ end }}", "can't evaluate field X in type"),
    ("{{ range .WithNil }}{{ .X }}{{ end }}", "nil pointer evaluating interface {}.X"),
    ("{{ range .System }}{{ end }}", "range can't iterate over sys"),
    ("{{ range .Float }}{{ end }}", "range can't iterate over 2.5"),
    ("{{ range true }}{{ end }}", "range can't iterate over true"),
    ("{{ range $i, $v := 3 }}{{ end }}", "can't use 3 to iterate over more than one variable"),
    ("{{ .System 1 }}", "System is not a method but has arguments"),
    ("{{ 1 | .System }}", "System is not a method but has arguments"),
    ("{{ range .Messages }}{{ .Role 1 }}{{ end }}", "Role has arguments but cannot be invoked as function"),
    ("{{ 1 2 }}", "can't give argument to non-function 1"),
    ("{{ (1) 2 }}", "can't give argument to non-function (1)"),
    ("{{ nil }}", "nil is not a command"),
    ("{{ $x = 1 }}", "undefined variable: $x"),
    ("{{ lt 1 2.0 }}", "at <lt 1 2.0>: error calling lt: incompatible types for comparison"),
    ("{{ len }}", "at <len>: wrong number of args for len: want 1 got 0"),
    ("{{ printf }}", "wrong number of args for printf: want at least 1 got 0"),
    ("{{ printf 1 }}", "expected string; found 1"),
    ("{{ printf nil }}", "cannot assign nil to string"),
    ("{{ printf .Missing }}", "invalid value; expected string"),
    ("{{ printf .Words }}", "wrong type for value; expected string; got []interface {}"),
    ('{{ define "a" }}{{ .X.Y }}{{ end }}{{ template "a" .Map }}', 'executing "a" at <.X.Y>'),
    ('{{ template "gone" . }}', 'at <{{template "gone" .}}>: template "gone" not defined'),
    (
        '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
        "exceeded maximum template depth (50)",
    ),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_an_error_of_execution_says_where_and_what(text, message):
    with pytest.raises(TemplateError) as caught:
        render(text)
    assert message in caught.value.message
    assert caught.value.line is not None


ENDLESS = [
    "{{ range 1000000000 }}{{ end }}",
    "{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}",
    '{{ $x := "0123456789abcdef" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}',
    '{{ $x := printf "%1000000d" 1 }}{{ range 1000000 }}{{ $y := print $x "a" }}{{ end }}',
    '{{ range 1000 }}{{ printf "%1000000d" 1 }}{{ end }}',
    '{{ $x := printf "%900000d" 1 }}{{ range 1000000 }}{{ if eq $x $x }}{{ end }}{{ end }}',
]


@pytest.mark.parametrize("text", ENDLESS)
def test_a_template_without_end_is_stopped(text):
    with pytest.raises(TemplateError, match=r"more than|larger than"):
        render(text, num_steps=200_000)


def test_deep_calls_through_deep_blocks_are_an_error_and_not_a_crash():
    blocks = "{{ if true }}" * 90, "{{ end }}" * 90
    call = '{{ template "t" . }}'
    with pytest.raises(TemplateError, match="exceeded maximum template depth"):
        render('{{ define "t" }}' + blocks[0] + call + blocks[1] + "{{ end }}" + call)


def test_output_beyond_the_limit_is_an_error():
    assert render("{{ range 5 }}ab{{ end }}", num_characters=10) == "ababababab"
    with pytest.raises(TemplateError, match="larger than 9 characters"):
        render("{{ range 5 }}ab{{ end }}", num_characters=9)


def test_data_nested_too_deep_is_an_error():
    deep = []
    for _ in range(5000):
        deep = [deep]
    for text in ("{{ .Deep }}", "{{ json .Deep }}", "{{ print .Deep }}"):
        with pytest.raises(TemplateError, match="nested deeper"):
            render(text, {"Deep": deep})


def test_the_result_is_valid_unicode_even_when_bytes_are_cut():
    data = {"S": "é", "Bad": "\ud800"}
    assert render("{{ slice .S 0 1 }}{{ slice .S 1 }}", data) == "é"
    assert render("{{ slice .S 0 1 }}|", data) == "\ufffd|"
    assert render("{{ .Bad }}", data) == "\ufffd"


def test_the_data_is_left_as_it_was():
    data = {"Words": ["a"]}
    render("{{ $ = 1 }}{{ $x := .Words }}{{ $x = 2 }}", data)
    assert data == {"Words": ["a"]}
