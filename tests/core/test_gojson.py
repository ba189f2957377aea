import pytest

from corral.core import gojson


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [True, None, 1.5]}, '{"a":1,"b":[true,null,1.5]}'),
        ("<a> & 'b'", "\"\\u003ca\\u003e \\u0026 'b'\""),
        ("\u2028\u2029", '"\\u2028\\u2029"'),
        ("é 猫 😀", '"é 猫 😀"'),
        ({"\ud800x": ["\udfff"]}, '{"\ufffdx":["\ufffd"]}'),
    ],
)
def test_values_are_spelled_as_clients_know_them(value, text):
    assert gojson.encode(value).decode() == text


def test_keys_keep_their_order_unless_they_are_to_be_sorted():
    assert gojson.encode({"b": 1, "a": 2}) == b'{"b":1,"a":2}'
    assert gojson.encode({"b": 1, "a": 2}, sort_keys=True) == b'{"a":2,"b":1}'
