"""Text of a template -> tokens.

The language is Go's text/template: literal text with actions between `{{` and `}}`. Faults do not raise
here: they become a last token of kind ERROR, so that the parser reports whichever fault comes first.
Source: modelfile specification, section 10.1, and Go's documentation of text/template.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

from corral.template.literals import describe_character, quote

LEFT, RIGHT = "{{", "}}"
_BLANKS = " \t\r\n"
_BLANK_SET = frozenset(_BLANKS)
_SPACES = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"\w*")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = {
    '"': re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'),
    "'": re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"),
    "`": re.compile(r"`[^`]*`"),
}
_UNTERMINATED = {
    '"': "unterminated quoted string",
    "'": "unterminated character constant",
    "`": "unterminated raw quoted string",
}


class Kind(Enum):
    """What a token is; the keywords are the kinds from BLOCK on."""

    ERROR = auto()
    END_OF_TEXT = auto()
    TEXT = auto()
    LEFT = auto()
    RIGHT = auto()
    SPACE = auto()
    BOOL = auto()
    CHARACTER = auto()
    NUMBER = auto()
    STRING = auto()
    RAW_STRING = auto()
    IDENTIFIER = auto()
    FIELD = auto()
    VARIABLE = auto()
    ASSIGN = auto()
    DECLARE = auto()
    PIPE = auto()
    OPEN = auto()
    CLOSE = auto()
    PUNCTUATION = auto()
    DOT = auto()
    NIL = auto()
    BLOCK = auto()
    BREAK = auto()
    CONTINUE = auto()
    DEFINE = auto()
    ELSE = auto()
    END = auto()
    IF = auto()
    RANGE = auto()
    TEMPLATE = auto()
    WITH = auto()


KEYWORDS = {
    "block": Kind.BLOCK,
    "break": Kind.BREAK,
    "continue": Kind.CONTINUE,
    "define": Kind.DEFINE,
    "else": Kind.ELSE,
    "end": Kind.END,
    "if": Kind.IF,
    "range": Kind.RANGE,
    "template": Kind.TEMPLATE,
    "with": Kind.WITH,
}
_WORDS = {**KEYWORDS, "nil": Kind.NIL, "true": Kind.BOOL, "false": Kind.BOOL}
_SHOWN_BARE = frozenset({Kind.DOT, Kind.NIL, *KEYWORDS.values()})
_QUOTE_KINDS = {'"': Kind.STRING, "'": Kind.CHARACTER, "`": Kind.RAW_STRING}


class Token(NamedTuple):
    """`position` is the offset of the first character in the template's text."""

    kind: Kind
    value: str
    position: int

    def __str__(self) -> str:
        """Name the token as error messages do."""
        if self.kind is Kind.END_OF_TEXT:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.value
        if self.kind in _SHOWN_BARE:
            return f"<{self.value}>"
        return quote(self.value[:10]) + "..." if len(self.value) > 10 else quote(self.value)


def lex(text: str) -> list[Token]:
    """Cut the text into tokens; the last one is END_OF_TEXT or ERROR."""
    return _Lexer(text).run()


class _Fault(Exception):
    """A lexical error; ends the scan with an ERROR token."""


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0  # of the next character
        self.start = 0  # of the token being read
        self.depth = 0  # of open parentheses in this action
        self.tokens: list[Token] = []

    def run(self) -> list[Token]:
        try:
            while self._literal():
                self._left()
        except _Fault as fault:
            self.tokens.append(Token(Kind.ERROR, str(fault), self.start))
        return self.tokens

    def _emit(self, kind: Kind, end: int) -> None:
        self.tokens.append(Token(kind, self.text[self.start : end], self.start))
        self.start = self.position = end

    def _skip(self, end: int) -> None:
        self.start = self.position = end

    def _literal(self) -> bool:
        """Take the text before the next action; False at the end of the template."""
        found = self.text.find(LEFT, self.position)
        end = found if found >= 0 else len(self.text)
        literal = self.text[self.position : end]
        if found >= 0 and self._trims_left(found + len(LEFT)):
            literal = literal.rstrip(_BLANKS)
        if literal:
            self._emit(Kind.TEXT, self.position + len(literal))
        self._skip(end)
        if found < 0:
            self.tokens.append(Token(Kind.END_OF_TEXT, "", end))
        return found >= 0

    def _left(self) -> None:
        inside = self.position + len(LEFT)
        trimmed = inside + 2 if self._trims_left(inside) else inside
        if self.text.startswith("/*", trimmed):
            self._skip(trimmed)
            self._comment()
            return
        self._emit(Kind.LEFT, inside)
        self._skip(trimmed)
        self.depth = 0
        while not self._right():
            self._inside()

    def _comment(self) -> None:
        end = self.text.find("*/", self.position + 2)
        if end < 0:
            raise _Fault("unclosed comment")
        closing = self._closing(end + 2)
        if closing is None:
            raise _Fault("comment ends before closing delimiter")
        self._skip(self._after_right(end + 2, trims=closing))

    def _trims_left(self, position: int) -> bool:
        return (
            self.text[position : position + 1] == "-" and self.text[position + 1 : position + 2] in _BLANK_SET
        )

    def _closing(self, position: int) -> bool | None:
        """None when no action ends here, else whether the white space after it is trimmed."""
        if self.text[position : position + 1] in _BLANK_SET and self.text.startswith(
            "-" + RIGHT, position + 1
        ):
            return True
        return False if self.text.startswith(RIGHT, position) else None

    def _after_right(self, position: int, *, trims: bool) -> int:
        if not trims:
            return position + len(RIGHT)
        position += 2 + len(RIGHT)
        blanks = _SPACES.match(self.text, position)
        return blanks.end() if blanks else position

    def _right(self) -> bool:
        trims = self._closing(self.position)
        if trims is None:
            return False
        if self.depth:
            raise _Fault("unclosed left paren")
        delimiter = self.position + (2 if trims else 0)
        after = self._after_right(self.position, trims=trims)
        self._skip(delimiter)
        self._emit(Kind.RIGHT, delimiter + len(RIGHT))
        self._skip(after)
        return True

    def _inside(self) -> None:
        """Take one token inside an action."""
        first = self.text[self.position : self.position + 1]
        if not first:
            raise _Fault("unclosed action")
        if first in _BLANKS:
            self._blank()
        elif first in _QUOTED:
            self._quoted(first)
        elif first == "$":
            self._name(Kind.VARIABLE, Kind.VARIABLE)
        elif first == "." and not self.text[self.position + 1 : self.position + 2].isdecimal():
            self._name(Kind.FIELD, Kind.DOT)
        elif first in "+-." or first in "0123456789":
            self._number()
        elif first.isalnum() or first == "_":
            self._word()
        else:
            self._symbol(first)

    def _blank(self) -> None:
        run = _SPACES.match(self.text, self.position)
        assert run is not None
        end = run.end()
        if self._closing(end - 1):
            # The last blank belongs to a trimming ` -}}`.
            end -= 1
        if end > self.position:
            self._emit(Kind.SPACE, end)

    def _quoted(self, mark: str) -> None:
        found = _QUOTED[mark].match(self.text, self.position)
        if found is None:
            raise _Fault(_UNTERMINATED[mark])
        self._emit(_QUOTE_KINDS[mark], found.end())

    def _word_end(self, position: int) -> int:
        found = _WORD.match(self.text, position)
        assert found is not None
        return found.end()

    def _require_terminator(self, position: int) -> None:
        following = self.text[position : position + 1]
        if following and following not in " \t\r\n.,|:)(" and not self.text.startswith(RIGHT, position):
            raise _Fault(f"bad character {describe_character(following)}")

    def _name(self, kind: Kind, alone: Kind) -> None:
        end = self._word_end(self.position + 1)
        self._require_terminator(end)
        self._emit(kind if end > self.position + 1 else alone, end)

    def _word(self) -> None:
        end = self._word_end(self.position)
        self._require_terminator(end)
        self._emit(_WORDS.get(self.text[self.position : end], Kind.IDENTIFIER), end)

    def _number(self) -> None:
        found = _NUMBER.match(self.text, self.position)
        assert found is not None
        end = found.end()
        following = self.text[end : end + 1]
        if following.isalnum() or following == "_":
            end += 1
        elif following not in ("+", "-") or not following:
            self._emit(Kind.NUMBER, end)
            return
        raise _Fault(f"bad number syntax: {quote(self.text[self.position : end])}")

    def _symbol(self, first: str) -> None:
        if first == ":" and not self.text.startswith(":=", self.position):
            raise _Fault("expected :=")
        if first == ":":
            self._emit(Kind.DECLARE, self.position + 2)
            return
        if first == ")" and not self.depth:
            raise _Fault("unexpected right paren")
        if not (first.isascii() and first.isprintable()):
            raise _Fault(f"unrecognized character in action: {describe_character(first)}")
        self.depth += (first == "(") - (first == ")")
        kinds = {"=": Kind.ASSIGN, "|": Kind.PIPE, "(": Kind.OPEN, ")": Kind.CLOSE}
        self._emit(kinds.get(first, Kind.PUNCTUATION), self.position + 1)
