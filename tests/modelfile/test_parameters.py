import pytest

from corral.errors import InvalidOption
from corral.modelfile import format_parameter_value, parameters_text, parse, parse_parameter


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("num_ctx", "4096", 4096),
        ("seed", "-1", -1),
        ("seed", "+7", 7),
        ("num_ctx", "1.048576e+06", 1048576),
        ("temperature", "0.7", 0.7),
        ("temperature", "1", 1.0),
        ("temperature", ".5", 0.5),
        ("top_p", "0.123456789", 0.12345679),
        ("top_p", "1e-3", 0.001),
        ("use_mmap", "T", True),
        ("use_mmap", "0", False),
        ("stop", "", [""]),
    ],
)
def test_a_value_gets_the_type_of_its_parameter(name: str, text: str, value: object):
    parsed = parse_parameter(name, [text])
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("num_ctx", ["many"], "invalid int value [many]"),
        ("num_ctx", ["1.5"], "invalid int value [1.5]"),
        ("num_ctx", ["1_000"], "invalid int value [1_000]"),
        ("num_ctx", ["9" * 30], f"invalid int value [{'9' * 30}]"),
        ("num_ctx", ["1e999"], "invalid int value [1e999]"),
        ("num_ctx", ["٣"], "invalid int value [٣]"),
        ("num_ctx", ["a", "b"], "invalid int value [a b]"),
        ("temperature", ["hot"], "invalid float value [hot]"),
        ("temperature", ["nan"], "invalid float value [nan]"),
        ("temperature", ["1e39"], "invalid float value [1e39]"),
        ("temperature", ["1e999"], "invalid float value [1e999]"),
        ("use_mmap", ["yes"], "invalid bool value [yes]"),
        ("", ["1"], "unknown parameter ''"),
        ("tempo", ["1"], "unknown parameter 'tempo'"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, texts: list[str], message: str):
    with pytest.raises(InvalidOption) as caught:
        parse_parameter(name, texts)
    assert caught.value.message == message


def test_stops_accumulate_and_other_parameters_do_not():
    text = "FROM a\nPARAMETER stop x\nPARAMETER top_k 1\nPARAMETER stop y\nPARAMETER top_k 2"
    assert parse(text).parameters.values == {"stop": ["x", "y"], "top_k": 2}


def test_deprecated_parameters_are_warned_of_and_ignored():
    found = parse("FROM a\nPARAMETER mirostat 2\nPARAMETER top_k 1").parameters
    assert found.values == {"top_k": 1}
    assert found.warnings == ("warning: parameter mirostat is deprecated",)


def test_two_spaces_after_parameter_give_an_empty_name():
    with pytest.raises(InvalidOption, match="unknown parameter ''"):
        _ = parse("FROM a\nPARAMETER  top_k 1").parameters


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7, "0.7"),
        (4096, "4096"),
        (True, "true"),
        (False, "false"),
        (1e6, "1e+06"),
        (1048576, "1.048576e+06"),
        (999999, "999999"),
        (123456.5, "123456.5"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-1, "-1"),
        (0, "0"),
        (100000, "100000"),
        (1e100, "1e+100"),
        ("text", "text"),
    ],
)
def test_a_value_prints_in_its_shortest_form(value: object, text: str):
    assert format_parameter_value(value) == text


def test_the_parameters_text_pads_names_and_quotes_strings():
    parameters = {"top_p": 0.5, "stop": ["<|im_end|>", 'a"\n\x01\u200b\\'], "num_ctx": 1024}
    assert parameters_text(parameters) == (
        "num_ctx                        1024\n"
        'stop                           "<|im_end|>"\n'
        'stop                           "a\\"\\n\\x01\\u200b\\\\"\n'
        "top_p                          0.5"
    )
