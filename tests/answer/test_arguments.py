import pytest

from corral.answer.arguments import coerce, coerce_all
from corral.core.messages import Tool, ToolParameters, ToolProperty


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("\nRome\n", ["string"], "Rome"),
        ("\n\nRome\n\n", ["string"], "\nRome\n"),
        ("NULL", ["string"], None),
        ("5", [], "5"),
        ("5", ["string"], "5"),
        ("5", ["integer"], 5),
        ("5.5", ["integer"], "5.5"),
        ("5.0", ["number"], 5),
        ("5.5", ["number"], 5.5),
        ("1e999", ["number"], "1e999"),
        ("nan", ["number"], "nan"),
        ("True", ["boolean"], True),
        ("yes", ["boolean"], False),
        ("yes", ["boolean", "string"], "yes"),
        ("5", ["string", "integer"], 5),
        ("[1, 2]", ["array"], [1, 2]),
        ("[1, 2", ["array"], "[1, 2"),
        ('{"a": 1}', ["object"], {"a": 1}),
        ('{"a": 1}', ["array"], '{"a": 1}'),
    ],
)
def test_a_text_takes_the_first_declared_type_that_it_has(text, types, value):
    got = coerce(text, ToolProperty(type=tuple(types)))
    assert got == value
    assert type(got) is type(value)


def test_alternatives_count_as_declared_types():
    declared = ToolProperty(any_of=(ToolProperty(type=("number",)), ToolProperty(type=("string",))))
    assert coerce("2", declared) == 2


def test_arguments_that_a_tool_does_not_declare_stay_text():
    tool = Tool("f", parameters=ToolParameters(properties={"n": ToolProperty(type=("integer",))}))
    assert coerce_all("f", {"z": "1", "n": "1"}, [tool]) == {"z": "1", "n": 1}
