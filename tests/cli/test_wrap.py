from __future__ import annotations

from corral.cli.answer.wrap import Wrapper


def wrapped(text: str, columns: int) -> str:
    out: list[str] = []
    wrapper = Wrapper(out.append, lambda: columns)
    for letter in text:
        wrapper.feed(letter)
    return "".join(out)


def test_a_space_at_the_margin_begins_the_next_line():
    assert wrapped("hello wonderful day", 20) == "hello wonderful\n day"


def test_what_stands_of_a_word_is_taken_back():
    assert wrapped("one two three four", 20) == "one two three f\x1b[1D\x1b[K\nfour"


def test_a_word_longer_than_the_line_is_broken():
    assert wrapped("x" * 20, 20) == "x" * 15 + "\n" + "x" * 5


def test_a_line_break_in_the_text_begins_the_count_anew():
    assert wrapped("123456789\n123456789 12", 20) == "123456789\n123456789 12"


def test_wide_letters_break_anywhere():
    assert wrapped("日" * 9, 20) == "日" * 8 + "\n日"


def test_without_columns_the_text_is_left_alone():
    assert wrapped("word " * 30, 0) == "word " * 30
