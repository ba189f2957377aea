"""Whatever the text and the data: the outcome is a text or a TemplateError, and soon."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from corral.errors import TemplateError
from corral.template import JSONList, JSONMap, Limits, Struct, Template, TypeList
from corral.template.detect import distance
from corral.template.format import print_format
from corral.template.literals import parse_number, quote, unquote

STEADY = settings(derandomize=True, database=None, deadline=None)
LIMITS = Limits(num_characters=20_000, num_steps=20_000, depth=20)

PIECES = st.sampled_from(
    [
        *(
            "{{ ",
            "{{- ",
            " }}",
            " -}}",
            "{{/* ",
            " */}}",
            " ",
            "\n",
            "(",
            ")",
            "|",
            ",",
            ".",
            "$",
            ":=",
            "=",
            "text",
        ),
        *(
            "if ",
            "else ",
            "end",
            "range ",
            "with ",
            "define ",
            "template ",
            "block ",
            "break",
            "continue",
            "nil",
        ),
        *(
            "{{ if .A }}",
            "{{ range .B }}",
            "{{ range $i, $x := .B }}",
            "{{ with .C }}",
            "{{ else }}",
            "{{ end }}",
        ),
        *("{{ range 3 }}", "{{ break }}", "{{ continue }}", "{{ $x := .C }}", "{{ $x = 1 }}", "{{ $x }}"),
        *('{{ define "t" }}', '{{ template "t" . }}', '{{ block "t" .A }}', "{{ . }}", "{{ .Response }}"),
        *(".A", ".B.C", "$.A", "$x", "$i", '"s"', "`r`", "'c'", "1", "-2", "3.5", "0x1F", "true", "1e400"),
        *(
            "len ",
            "eq ",
            "lt ",
            "and ",
            "or ",
            "not ",
            "index ",
            "slice ",
            "print ",
            'printf "%v %d %q" ',
            "json ",
        ),
        *(
            "html ",
            "js ",
            "urlquery ",
            "call ",
            "println ",
            "currentDate ",
            "toTypeScriptType ",
            "ne ",
            "ge ",
        ),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join)


def containers(values):
    maps = st.dictionaries(st.text(max_size=3) | st.sampled_from(["A", "B", "C"]), values, max_size=4)
    lists = st.lists(values, max_size=4)
    structs = maps.map(lambda fields: Struct("T", fields))
    shown = maps.map(lambda fields: Struct("T", fields, json=fields))
    return lists | maps | maps.map(JSONMap) | lists.map(JSONList) | structs | shown | lists.map(tuple)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    # Too long for Python to print; a function, because a failing test would try to.
    | st.integers(400, 5000).map(lambda digits: -(10**digits))
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=3)
    | st.lists(st.sampled_from(["string", "null"]), max_size=2).map(TypeList)
    | st.builds(object)
)
VALUES = st.recursive(SCALARS, containers, max_leaves=8)
ROOTS = st.dictionaries(st.sampled_from(["A", "B", "C", "Response", "Messages"]), VALUES, max_size=5)


def outcome(text, data):
    """The rendered text, or None for a TemplateError; anything else is raised."""
    try:
        template = Template.parse(text)
        template.thinking_tags(), template.tool_tag(), template.has_tool_round_trip()
        template.cut_response()
        return template.execute(data, limits=LIMITS)
    except TemplateError:
        return None


@settings(STEADY, max_examples=600)
@given(TEXTS, ROOTS)
def test_any_text_with_any_data_gives_text_or_a_template_error(text, data):
    result = outcome(text, data)
    if result is not None:
        result.encode()  # raises for anything that is not Unicode


FUNCTIONS = [
    *(
        "print . 1",
        "println .",
        'printf "%v %s %d %q %x %f %t %5.2f %-8v %#v %+v %T %c %U" . . . . . . . . . . . . . .',
    ),
    *(
        "len .",
        "not .",
        "json .",
        "html .",
        "js .",
        "urlquery .",
        "call .",
        "toTypeScriptType .",
        ". | print",
        "index .",
    ),
    *(
        "index . 0",
        'index . "A"',
        "slice .",
        "slice . 0",
        "slice . 0 1",
        "eq . .",
        "eq . nil",
        "lt . .",
        "ge . 1",
    ),
    *("and . 1", "or . 1", "range .", "with .", "if .", "range $k, $v := .", ".A", ".A.B"),
]


@settings(STEADY, max_examples=400)
@given(st.sampled_from(FUNCTIONS), VALUES)
def test_any_function_with_any_value_gives_text_or_a_template_error(expression, value):
    block = expression.startswith(("range", "with", "if"))
    text = "{{ with .V }}{{ " + expression + " }}" + ("{{ . }}{{ end }}" if block else "") + "{{ end }}"
    outcome(text, {"V": value, "Response": ""})


@settings(STEADY, max_examples=300)
@given(st.text(alphabet="%[]*.0123456789+-# dsvqxXtfgec!é", max_size=12), st.lists(VALUES, max_size=3))
def test_any_format_prints_something(text, values):
    with contextlib.suppress(TemplateError):
        assert isinstance(print_format(text, values, 5_000_000), str)


@STEADY
@given(st.text())
def test_text_without_braces_renders_as_itself(text):
    assert (
        outcome(text.replace("{{", "") + "{{ .Response }}", {"Response": "r"}) == text.replace("{{", "") + "r"
    )


@STEADY
@given(st.text())
def test_a_quoted_string_reads_back(text):
    assert unquote(quote(text)) == text


@STEADY
@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_a_number_reads_back(number):
    assert parse_number(str(number)) == number
    assert parse_number(hex(number)) == number


@STEADY
@given(st.text(alphabet="abc", max_size=40), st.text(alphabet="abc", max_size=40), st.integers(1, 50))
def test_distance_is_symmetric_and_never_above_the_limit(one, other, limit):
    found = distance(one, other, limit)
    assert found == distance(other, one, limit)
    assert found == min(limit, distance(one, other, 1000))
