from __future__ import annotations

from corral.cli.table import print_table, section_text


def test_body_cells_end_in_four_spaces_and_the_header_in_one(capsys):
    print_table(("NAME", "MODIFIED"), [("llama3.2:latest", "2 hours ago"), ("x:1", "About a minute ago")])
    assert capsys.readouterr().out == (
        "NAME               MODIFIED           \n"
        "llama3.2:latest    2 hours ago           \n"
        "x:1                About a minute ago    \n"
    )


def test_a_table_without_rows_still_has_its_header(capsys):
    print_table(("NAME", "ID", "SIZE", "MODIFIED"), [])
    assert capsys.readouterr().out == "NAME    ID    SIZE    MODIFIED \n"


def test_the_cells_of_a_section_stand_four_spaces_in():
    assert section_text("Model", [("architecture", "llama"), ("parameters", "3.93M")]) == (
        "  Model\n    architecture    llama    \n    parameters      3.93M    \n\n"
    )


def test_rows_of_a_section_may_differ_in_length():
    assert section_text("Parameters", [("stop", '"###', 'User:"'), ("top_k", "4")]) == (
        '  Parameters\n    stop     "###    User:"    \n    top_k    4       \n\n'
    )


def test_a_long_cell_is_broken_into_even_lines():
    text = "one two three four five six seven eight nine"
    assert section_text("System", [(text,)]) == (
        "  System\n    one two three four five six    \n      seven eight nine               \n\n"
    )


def test_a_word_longer_than_a_cell_is_left_whole():
    word = "w" * 40
    assert section_text("System", [(f"a {word}",)]) == f"  System\n    a{' ' * 43}\n      {word}    \n\n"


def test_wide_letters_count_two_columns():
    assert (
        section_text("T", [("日本", "x"), ("abcde", "y")])
        == "  T\n    日本     x    \n    abcde    y    \n\n"
    )


def test_control_characters_of_a_server_do_not_reach_the_terminal():
    assert "\x1b" not in section_text("T", [("\x1b[2Jname",)])
