"""A regular expression as grammar text, for strings inside JSON: what JSON must escape is escaped.

Literals, classes, groups, alternatives and repetitions, between `^` and `$`. Look-around, back-references,
word boundaries and Unicode properties are refused.
"""

from __future__ import annotations

import re

from corral.errors import InvalidInput

# One character of a JSON string.
CHAR = r'[^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4})'

_Ranges = list[tuple[int, int]]
_LAST = 0x10FFFF
_CLASSES: dict[str, _Ranges] = {
    "d": [(48, 57)],
    "w": [(48, 57), (65, 90), (95, 95), (97, 122)],
    "s": [(9, 13), (32, 32)],
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
# Characters that JSON writes as a backslash and a letter.
_ESCAPED = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 92: "\\"}
_FORBIDDEN: _Ranges = [(0, 31), (34, 34), (92, 92), (127, 127), (0xD800, 0xDFFF)]
_REPETITION = re.compile(r"(?:[*+?]|\{(\d{1,3})(?:,(\d{0,3}))?\})\??")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")
_MAX_GROUPS = 64


def pattern_grammar(pattern: str) -> str:
    """Raises InvalidInput for what is not supported."""
    if not (pattern.startswith("^") and pattern.endswith("$")) or pattern.endswith("\\$"):
        raise InvalidInput('unsupported schema keyword "pattern": it must start with ^ and end with $')
    return _Reader(pattern[1:-1]).read()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._groups = 0

    def read(self) -> str:
        body = self._alternatives()
        if self._at < len(self._pattern):
            raise self._refuse()
        return f"({body})"

    def _refuse(self) -> InvalidInput:
        rest = self._pattern[self._at : self._at + 12]
        return InvalidInput(f'unsupported schema keyword "pattern": {rest!r}')

    def _next(self) -> str:
        char = self._pattern[self._at : self._at + 1]
        if not char:
            raise self._refuse()
        self._at += 1
        return char

    def _peek(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _alternatives(self) -> str:
        options = [self._sequence()]
        while self._peek("|"):
            self._at += 1
            options.append(self._sequence())
        return " | ".join(options)

    def _sequence(self) -> str:
        items = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            items.append(self._atom() + self._repetition())
        return " ".join(items) or '""'

    def _repetition(self) -> str:
        found = _REPETITION.match(self._pattern, self._at)
        if not found:
            return ""
        least, most = found[1], found[2]
        if most and int(most) < int(least):
            raise self._refuse()
        self._at = found.end()
        # The trailing ? of a lazy repetition changes nothing for what is matched as a whole.
        return found[0][:-1] if len(found[0]) > 1 and found[0].endswith("?") else found[0]

    def _atom(self) -> str:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return _terminal(self._escape())
        if char == ".":
            return _terminal(_complement([(10, 10), (13, 13), (0x2028, 0x2029)]))
        if char in "*+?{}^$])":
            self._at -= 1
            raise self._refuse()
        return _terminal([(ord(char), ord(char))])

    def _group(self) -> str:
        self._groups += 1
        if self._groups > _MAX_GROUPS:
            raise InvalidInput('unsupported schema keyword "pattern": too many groups')
        if self._peek("?:"):
            self._at += 2
        elif self._peek("?"):
            raise self._refuse()
        body = self._alternatives()
        if not self._peek(")"):
            raise self._refuse()
        self._at += 1
        return f"({body})"

    def _class(self) -> str:
        negated = self._peek("^")
        self._at += negated
        ranges: _Ranges = []
        while not self._peek("]"):
            ranges += self._member()
        self._at += 1
        return _terminal(_complement(ranges) if negated else ranges)

    def _member(self) -> _Ranges:
        first = self._member_start()
        if not self._peek("-") or self._pattern[self._at + 1 : self._at + 2] in ("]", ""):
            return first
        self._at += 1
        last = self._member_start()
        low, high = first[0][0], last[-1][1]
        if len(first) > 1 or len(last) > 1 or first[0][0] != first[0][1] or low > high:
            raise self._refuse()
        return [(low, high)]

    def _member_start(self) -> _Ranges:
        char = self._next()
        return self._escape() if char == "\\" else [(ord(char), ord(char))]

    def _escape(self) -> _Ranges:
        code = _CODE.match(self._pattern, self._at)
        if code:
            self._at = code.end()
            value = int(code[1] or code[2], 16)
            return [(value, value)]
        char = self._next()
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return ranges if char.islower() else _complement(ranges)
        if char in _CONTROLS:
            return [(_CONTROLS[char], _CONTROLS[char])]
        if char.isalnum():
            self._at -= 1
            raise self._refuse()
        return [(ord(char), ord(char))]


def _complement(ranges: _Ranges) -> _Ranges:
    out, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            out.append((start, low - 1))
        start = max(start, high + 1)
    return [*out, (start, _LAST)] if start <= _LAST else out


def _terminal(ranges: _Ranges) -> str:
    """The characters of `ranges` as they stand in a JSON string. Raises InvalidInput when there is none."""
    plain = ranges
    for low, high in _FORBIDDEN:
        plain = [part for one in plain for part in _cut(one, low, high)]
    options = ["[" + "".join(_span(low, high) for low, high in plain) + "]"] if plain else []
    for code, letter in _ESCAPED.items():
        if any(low <= code <= high for low, high in ranges):
            options.append('"\\\\' + ("\\" + letter if letter in '"\\' else letter) + '"')
    if not options:
        raise InvalidInput('unsupported schema keyword "pattern": a class without characters')
    return options[0] if len(options) == 1 else f"({' | '.join(options)})"


def _cut(one: tuple[int, int], low: int, high: int) -> _Ranges:
    first, last = one
    return [
        part for part in ((first, min(last, low - 1)), (max(first, high + 1), last)) if part[0] <= part[1]
    ]


def _span(low: int, high: int) -> str:
    return _code(low) if low == high else f"{_code(low)}-{_code(high)}"


def _code(code: int) -> str:
    return chr(code) if chr(code).isascii() and chr(code).isalnum() else f"\\U{code:08X}"
