from dataclasses import fields

import pytest

from corral.core.options import DEPRECATED_OPTIONS, OPTIONS, Options, resolve_options
from corral.errors import InvalidOption


def test_the_table_and_the_values_name_the_same_options():
    assert {field.name for field in fields(Options)} == set(OPTIONS)


def test_no_option_is_both_current_and_deprecated():
    assert not DEPRECATED_OPTIONS & OPTIONS.keys()


def test_the_last_layer_wins_key_by_key():
    options = resolve_options({"top_k": 1, "seed": 7}, {"top_k": 2})
    assert (options.top_k, options.seed) == (2, 7)


def test_null_keeps_what_is_below_and_unknown_names_are_ignored():
    options = resolve_options({"top_k": 1}, {"top_k": None, "no_such_option": True})
    assert options == Options(top_k=1)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("num_ctx", 4096, 4096),
        ("num_ctx", 4096.9, 4096),
        ("num_predict", -1, -1),
        ("temperature", 0, 0.0),
        ("use_mmap", False, False),
        ("stop", ["a", "b"], ("a", "b")),
        ("stop", [], ()),
    ],
)
def test_a_value_of_the_right_type_is_taken(name, value, expected):
    assert getattr(resolve_options({name: value}), name) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_ctx", "4096", 'option "num_ctx" must be of type integer'),
        ("num_ctx", True, 'option "num_ctx" must be of type integer'),
        ("seed", float("nan"), 'option "seed" must be of type integer'),
        ("seed", 10**400, 'option "seed" must be of type integer'),
        ("temperature", -(10**400), 'option "temperature" must be of type float32'),
        ("temperature", "0", 'option "temperature" must be of type float32'),
        ("use_mmap", 1, 'option "use_mmap" must be of type boolean'),
        ("stop", "a", 'option "stop" must be of type array'),
        ("stop", ["a", 1], 'option "stop" must be of an array of strings'),
    ],
)
def test_a_value_of_another_type_is_refused_in_the_known_words(name, value, message):
    with pytest.raises(InvalidOption, match=message):
        resolve_options({name: value})
