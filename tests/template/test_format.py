import math

import pytest

from corral.template.format import print_format, print_values, show
from corral.template.values import Struct

LIMIT = 10_000

FORMATS = [
    ("%s", ["hi"], "hi"),
    ("%d", [42], "42"),
    ("%v", [42], "42"),
    ("%v", [None], "<nil>"),
    ("%v", [["a", 1, None]], "[a 1 <nil>]"),
    ("%v", [{"b": 1, "a": "x"}], "map[a:x b:1]"),
    ("%q", ['a"b\n'], '"a\\"b\\n"'),
    ("%q", ["é\x01\u200b"], '"é\\x01\\u200b"'),
    ("%+q", ["é"], '"\\u00e9"'),
    ("%#q", ["a b"], "`a b`"),
    ("%q", [["a", "b"]], '["a" "b"]'),
    ("%q", [97], "'a'"),
    ("%f", [1.5], "1.500000"),
    ("%.2f", [3.14159], "3.14"),
    ("%8.2f|", [3.14159], "    3.14|"),
    ("%-8.2f|", [3.14159], "3.14    |"),
    ("%08.2f", [-3.14159], "-0003.14"),
    ("%e", [1234.5], "1.234500e+03"),
    ("%g", [1e-7], "1e-07"),
    ("%.3g", [1234.5], "1.23e+03"),
    ("%t", [True], "true"),
    ("%5t|", [True], " true|"),
    ("%x", [255], "ff"),
    ("%X", [255], "FF"),
    ("%#x", [255], "0xff"),
    ("%x", [-255], "-ff"),
    ("%x", ["hi"], "6869"),
    ("% x", ["hi"], "68 69"),
    ("%o", [8], "10"),
    ("%b", [5], "101"),
    ("%c", [233], "é"),
    ("%U", [233], "U+00E9"),
    ("%5d|", [42], "   42|"),
    ("%-5d|", [42], "42   |"),
    ("%05d", [42], "00042"),
    ("%05d", [-42], "-0042"),
    ("%+d", [42], "+42"),
    ("% d", [42], " 42"),
    ("%.5d", [42], "00042"),
    ("%-10s|", ["hi"], "hi        |"),
    ("%10s|", ["hi"], "        hi|"),
    ("%.1s", ["hi"], "h"),
    ("%*d", [5, 42], "   42"),
    ("%-*d|", [4, 42], "42  |"),
    ("%.*f", [1, 2.55], "2.5"),
    ("%[2]d %[1]d", [1, 2], "2 1"),
    ("%d%%", [5], "5%"),
    ("%T %T %T %T", ["a", 1, 1.5, [1]], "string int float64 []interface {}"),
    ("%#v", [["a", 1]], '[]interface {}{"a", 1}'),
    ("%d", ["hi"], "%!d(string=hi)"),
    ("%s", [5], "%!s(int=5)"),
    ("%s", [None], "%!s(<nil>)"),
    ("%d", [1.5], "%!d(float64=1.5)"),
    ("%d", [True], "%!d(bool=true)"),
    ("%t", ["x"], "%!t(string=x)"),
    ("%z", [1], "%!z(int=1)"),
    ("%d", [["a"]], "[%!d(string=a)]"),
    ("%d", [], "%!d(MISSING)"),
    ("%s", ["a", 2], "a%!(EXTRA int=2)"),
    ("x", [None, "b"], "x%!(EXTRA <nil>, string=b)"),
    ("%", [], "%!(NOVERB)"),
    ("%[3]d", [1], "%!d(BADINDEX)"),
    ("%*d", ["a", 1], "%!(BADWIDTH)1"),
    ("%s", [b"ab"], "ab"),
    ("%v", [b"ab"], "[97 98]"),
    ("%v", [Struct("T", {"A": 1, "B": "x"})], "{1 x}"),
    ("%+v", [Struct("T", {"A": 1, "B": "x"})], "{A:1 B:x}"),
    ("%s", [Struct("T", {"A": 1}, json={"a": 1})], '{"a":1}'),
]


@pytest.mark.parametrize(("text", "values", "expected"), FORMATS)
def test_printf_follows_go(text, values, expected):
    assert print_format(text, values, LIMIT) == expected


NUMBERS = [
    (1.0, "1"),
    (0.1, "0.1"),
    (100000.0, "100000"),
    (1e6, "1e+06"),
    (1234567.0, "1.234567e+06"),
    (123456789.5, "1.234567895e+08"),
    (-2.5e6, "-2.5e+06"),
    (1e20, "1e+20"),
    (1e100, "1e+100"),
    (0.0001, "0.0001"),
    (0.00001, "1e-05"),
    (math.inf, "+Inf"),
    (-math.inf, "-Inf"),
    (math.nan, "NaN"),
    (-0.0, "-0"),
    (10**30, "1e+30"),
    (7, "7"),
]


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_numbers_print_in_gos_shortest_form(value, expected):
    assert show(value) == expected


def test_spaces_stand_only_between_operands_that_are_no_strings():
    assert print_values([1, 2, "a", "b", 3, None, True], LIMIT) == "1 2ab3 <nil> true"
