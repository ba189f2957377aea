import datetime

import pytest

from corral.errors import TemplateError
from corral.template import JSONMap, OrderedMap, Struct, Template, TypeList, functions


def prop(types=(), **fields):
    return Struct("api.ToolProperty", {"Type": TypeList(types), "AnyOf": [], **fields})


DATA = {
    "S": "héllo",
    "L": ["a", "b", "c"],
    "M": {"k": "v", "n": None},
    "B": b"AB",
    "Arguments": JSONMap({"z": 1, "a": "<x>"}),
    "Ordered": OrderedMap({"z": {"y": 1, "x": 2}, "a": []}),
    "Data": {"f": 1.0, "g": 1e21, "h": 1e-7, "i": 0.5, "t": True, "n": None, "q": 'é"\n\u2028&'},
    "NaN": float("nan"),
    "Types": {
        "one": prop(["string"]),
        "two": prop(["integer", "null"]),
        "none": prop(),
        "list": prop(["array"]),
        "object": prop(["object"]),
        "odd": prop(["quux"]),
        "any": prop(["string"], AnyOf=[prop(["string"]), prop(["boolean", "number"])]),
    },
}


def render(expression):
    return Template.parse("{{ " + expression + " }}{{ if .Response }}{{ end }}").execute(DATA)


RESULTS = [
    ("eq 1 1", "true"),
    ("eq 1 2 3 1", "true"),
    ('eq .S "x" "héllo"', "true"),
    ('eq .Missing "x"', "false"),
    ("eq .Missing nil", "true"),
    ("eq .L nil", "false"),
    ('ne .Missing "x"', "true"),
    ("eq true false", "false"),
    ("eq 1.5 1.5", "true"),
    ("eq 'a' 97", "true"),
    ('lt "a" "b"', "true"),
    ("le 2 2", "true"),
    ("gt 2 1", "true"),
    ("ge 1 2", "false"),
    ("gt 2.5 1.0", "true"),
    ("len .S", "6"),
    ("len .L", "3"),
    ("len .M", "2"),
    ("len .B", "2"),
    ('index .M "k"', "v"),
    ('index .M "none"', "<no value>"),
    ("index .L 2", "c"),
    ("index .S 0", "104"),
    ("index .L", "[a b c]"),
    ("slice .S 0 1", "h"),
    ("slice .S 1 3", "é"),
    ("slice .S 3", "llo"),
    ("slice .L 1", "[b c]"),
    ("slice .L 1 2", "[b]"),
    ("slice .L 1 2 3", "[b]"),
    ("slice .L", "[a b c]"),
    ('print 1 2 "a" "b" 3', "1 2ab3"),
    ('print "a" 1 2 "b"', "a1 2b"),
    ("print .Missing", "<nil>"),
    ("print", ""),
    ('println 1 "a"', "1 a\n"),
    ("println", "\n"),
    ('html "<a href=\'x\'>&\\""', "&lt;a href=&#39;x&#39;&gt;&amp;&#34;"),
    ("html .Missing", "&lt;no value&gt;"),
    ("html 1 2", "1 2"),
    ('js "it\'s <b> \\n=é"', "it\\'s \\u003Cb\\u003E \\u000A\\u003Dé"),
    ('urlquery "a b&c/é"', "a+b%26c%2F%C3%A9"),
    ("json .Arguments", '{"a":"\\u003cx\\u003e","z":1}'),
    ("json .Ordered", '{"z":{"x":2,"y":1},"a":[]}'),
    (
        "json .Data",
        '{"f":1,"g":1e+21,"h":1e-7,"i":0.5,"n":null,"q":"é\\"\\n\\u2028\\u0026","t":true}',
    ),
    ("json .B", '"QUI="'),
    ("json .NaN", ""),
    ("json nil", "null"),
    ("json 12", "12"),
    ("toTypeScriptType .Types.one", "string"),
    ("toTypeScriptType .Types.two", "number | null"),
    ("toTypeScriptType .Types.none", "any"),
    ("toTypeScriptType .Types.list", "any[]"),
    ("toTypeScriptType .Types.object", "Record<string, any>"),
    ("toTypeScriptType .Types.odd", "any"),
    ("toTypeScriptType .Types.any", "string | boolean | number"),
    ("toTypeScriptType .S", "any"),
    (".Types.one.Type", "string"),
    (".Types.two.Type", "[integer null]"),
]


@pytest.mark.parametrize(("expression", "expected"), RESULTS)
def test_a_function_gives(expression, expected):
    assert render(expression) == expected


ERRORS = [
    ("eq 1", "missing argument for comparison"),
    ("eq 1 1.0", "incompatible types for comparison: int and float64"),
    ('eq true "true"', "incompatible types for comparison: bool and string"),
    ('lt "a" 1', "incompatible types for comparison: string and int"),
    ('eq .L "a"', "incompatible types for comparison"),
    ("eq .L .L", "non-comparable type"),
    ("eq .L .M", "non-comparable types"),
    ("lt true false", "invalid type for comparison"),
    ("lt .Missing 1", "invalid type for comparison"),
    ("lt 1 2 3", "wrong number of args for lt: want 2 got 3"),
    ("len 3", "len of type int"),
    ("len .Missing", "len of nil pointer"),
    ("index .L 3", "index out of range"),
    ("index .L 4", "index out of range: 4"),
    ("index .L -1", "index out of range: -1"),
    ('index .L "a"', "cannot index slice/array with type string"),
    ("index .L true", "cannot index slice/array with type bool"),
    ("index .L nil", "cannot index slice/array with nil"),
    ("index .M 1", "value has type int; should be string"),
    ("index 1 1", "can't index item of type int"),
    ("index nil 1", "index of untyped nil"),
    ("index .Missing 0", "index of untyped nil"),
    ("slice .L 2 1", "invalid slice index: 2 > 1"),
    ("slice .L 0 2 1", "invalid slice index: 2 > 1"),
    ("slice .S 0 1 2", "cannot 3-index slice a string"),
    ("slice .M 0", "can't slice item of type map[string]interface {}"),
    ("slice .L 1 2 3 3", "too many slice indexes: 4"),
    ("slice .L 4", "index out of range: 4"),
    ("call .S", "non-function"),
    ("call nil", "call of nil"),
    ("currentDate 1", "expected string; found 1"),
]


@pytest.mark.parametrize(("expression", "message"), ERRORS)
def test_a_function_refuses(expression, message):
    with pytest.raises(TemplateError) as caught:
        render(expression)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("currentDate", "2024-03-01"),
        ('currentDate "2006"', "2024-03-01"),
        ("yesterdayDate", "2024-02-29"),
        ("print (currentDate) currentDate", "2024-03-012024-03-01"),
    ],
)
def test_dates_are_local_days(expression, expected, monkeypatch):
    monkeypatch.setattr(functions, "today", lambda: datetime.date(2024, 3, 1))
    assert render(expression) == expected
