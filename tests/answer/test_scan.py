import pytest

from corral.answer.scan import ObjectScanner, first_of, held_back, partial_suffix


@pytest.mark.parametrize(
    ("text", "tag", "length"),
    [
        ("a<to", "<tool>", 3),
        ("<tool>", "<tool>", 0),
        ("<<", "<tool>", 1),
        ("", "<tool>", 0),
        ("abab", "abac", 2),
    ],
)
def test_the_longest_beginning_of_a_tag_at_the_end_is_found(text, tag, length):
    assert partial_suffix(text, tag) == length


def test_white_space_before_a_possible_tag_is_held_back_with_it():
    assert held_back("a \n<to", ["<tool>"], spaces=True) == 5


def test_the_earliest_and_then_the_longest_tag_wins():
    assert first_of("xx<a>y<b>", ["<b>", "<a>", "<a>y"]) == (2, "<a>y")


def test_objects_are_found_in_text_that_grows_by_one_character():
    text = 'x {"a": "}\\"}", "b": {"c": 1}} y {} '
    scanner, found = ObjectScanner(), []
    for end in range(len(text) + 1):
        found += scanner.feed(text[:end])
    assert [text[start:end] for start, end in found] == ['{"a": "}\\"}", "b": {"c": 1}}', "{}"]
