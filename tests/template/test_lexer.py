import pytest

from corral.template.lexer import Kind, lex

TOKENS = [
    ("", []),
    ("plain", [(Kind.TEXT, "plain")]),
    (
        "a {{- .B -}} c",
        [(Kind.TEXT, "a"), (Kind.LEFT, "{{"), (Kind.FIELD, ".B"), (Kind.RIGHT, "}}"), (Kind.TEXT, "c")],
    ),
    ("a {{/* c */}} b", [(Kind.TEXT, "a "), (Kind.TEXT, " b")]),
    ("a {{- /* c */ -}} b", [(Kind.TEXT, "a"), (Kind.TEXT, "b")]),
    (
        "{{$x:=1}}",
        [
            (Kind.LEFT, "{{"),
            (Kind.VARIABLE, "$x"),
            (Kind.DECLARE, ":="),
            (Kind.NUMBER, "1"),
            (Kind.RIGHT, "}}"),
        ],
    ),
    ("{{-1}}", [(Kind.LEFT, "{{"), (Kind.NUMBER, "-1"), (Kind.RIGHT, "}}")]),
    (
        "{{ . }}",
        [(Kind.LEFT, "{{"), (Kind.SPACE, " "), (Kind.DOT, "."), (Kind.SPACE, " "), (Kind.RIGHT, "}}")],
    ),
    ("{{.5}}", [(Kind.LEFT, "{{"), (Kind.NUMBER, ".5"), (Kind.RIGHT, "}}")]),
    ("{{`a\nb`}}", [(Kind.LEFT, "{{"), (Kind.RAW_STRING, "`a\nb`"), (Kind.RIGHT, "}}")]),
    (
        "{{if true}}",
        [(Kind.LEFT, "{{"), (Kind.IF, "if"), (Kind.SPACE, " "), (Kind.BOOL, "true"), (Kind.RIGHT, "}}")],
    ),
]


@pytest.mark.parametrize(("text", "expected"), TOKENS)
def test_text_is_cut_into_tokens(text, expected):
    *tokens, last = lex(text)
    assert [(token.kind, token.value) for token in tokens] == expected
    assert last.kind is Kind.END_OF_TEXT


FAULTS = [
    ("{{", "unclosed action"),
    ("{{ .Prompt", "unclosed action"),
    ("{{ (1 }}", "unclosed left paren"),
    ("{{ 1) }}", "unexpected right paren"),
    ('{{ "a', "unterminated quoted string"),
    ('{{ "a\n" }}', "unterminated quoted string"),
    ("{{ `a", "unterminated raw quoted string"),
    ("{{ 'a", "unterminated character constant"),
    ("{{/* a }}", "unclosed comment"),
    ("{{/* a */ }}", "comment ends before closing delimiter"),
    ("{{ 3x }}", 'bad number syntax: "3x"'),
    ("{{ 1+2i }}", 'bad number syntax: "1"'),
    ("{{ .a!b }}", "bad character U+0021 '!'"),
    ("{{ a : b }}", "expected :="),
    ("{{ \x01 }}", "unrecognized character in action: U+0001"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_the_last_token(text, message):
    last = lex(text)[-1]
    assert (last.kind, last.value) == (Kind.ERROR, message)
