"""Go's string, character and number literals, both ways.

A Go string is bytes. Here it is a `str` in which a byte that is not part of valid UTF-8 stands as a lone
surrogate (PEP 383); `to_bytes` and `from_bytes` are the only places that know.
"""

from __future__ import annotations

import re

_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_SHORT = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}
_ESCAPE = re.compile(
    r"\\(?:x(?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})|u(?P<short>[0-9a-fA-F]{4})"
    r"|U(?P<long>[0-9a-fA-F]{8})|(?P<simple>[abfnrtv\\'\"]))"
)
_PLAIN = re.compile(r"[^\\]+")
_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)"
)
_FLOAT = re.compile(
    r"[+-]?(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?"
)
_HEX_FLOAT = re.compile(r"[+-]?0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9]+")


def to_bytes(text: str) -> bytes:
    """The bytes of a Go string; a surrogate that stands for no byte becomes U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(_character_bytes(character) for character in text)


def _character_bytes(character: str) -> bytes:
    if "\ud800" <= character < "\udc80" or "\udd00" <= character <= "\udfff":
        return "\ufffd".encode()
    return character.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """The Go string of these bytes, valid UTF-8 or not."""
    return data.decode("utf-8", "surrogateescape")


def repair(text: str) -> str:
    """Join bytes that form characters again and replace the others by U+FFFD: the result is valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return to_bytes(text).decode("utf-8", "replace")
    return text


def unquote(literal: str) -> str:
    """Value of a double-quoted or raw literal, quotes included. ValueError when an escape is wrong."""
    body = literal[1:-1]
    if literal[0] == "`":
        return body.replace("\r", "")
    if "\\" not in body:
        return body
    data, position = bytearray(), 0
    while position < len(body):
        plain = _PLAIN.match(body, position)
        if plain:
            data += to_bytes(plain[0])
            position = plain.end()
            continue
        code, position, is_byte = _escape(body, position, other_quote="'")
        data += bytes([code]) if is_byte else chr(code).encode()
    return from_bytes(bytes(data))


def unquote_character(literal: str) -> int:
    """Code of a character literal such as `'a'` or `'\\n'`. ValueError unless it holds exactly one."""
    body = literal[1:-1]
    if body.startswith("\\"):
        code, end, _ = _escape(body, 0, other_quote='"')
    elif body:
        code, end = ord(body[0]), 1
    else:
        raise ValueError("invalid syntax")
    if end != len(body):
        raise ValueError(f"malformed character constant: {literal}")
    return code


def _escape(body: str, position: int, *, other_quote: str) -> tuple[int, int, bool]:
    """Code of the escape at `position`, where it ends, and whether the code is a single byte."""
    found = _ESCAPE.match(body, position)
    if found is None or found["simple"] == other_quote:
        raise ValueError("invalid syntax")
    is_byte = found["byte"] is not None or found["octal"] is not None
    if found["simple"]:
        return _ESCAPES[found["simple"]], found.end(), False
    digits = found["byte"] or found["octal"] or found["short"] or found["long"]
    code = int(digits, 8 if found["octal"] else 16)
    if code > (0xFF if is_byte else 0x10FFFF) or (not is_byte and 0xD800 <= code <= 0xDFFF):
        raise ValueError("invalid syntax")
    return code, found.end(), is_byte


def parse_number(literal: str) -> int | float:
    """Value of a number literal. ValueError with Go's wording when it has none.

    An integer may be binary, octal (also by a leading zero), decimal or hexadecimal, with underscores.
    """
    if _INTEGER.fullmatch(literal):
        return _integer(literal)
    if _FLOAT.fullmatch(literal):
        if not set(literal) & set(".eE"):
            # Go's message for anything made of digits that is no integer, such as 089.
            raise ValueError(f"integer overflow: {quote(literal)}")
        value = float(literal.replace("_", ""))
    elif _HEX_FLOAT.fullmatch(literal):
        value = _hex_float(literal)
    else:
        raise ValueError(f"illegal number syntax: {quote(literal)}")
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"illegal number syntax: {quote(literal)}")
    return value


def _integer(literal: str) -> int:
    sign, digits = (-1 if literal[0] == "-" else 1), literal.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567_":
        digits = "0o" + digits[1:]
    if len(digits) > 200:
        raise ValueError(f"integer overflow: {quote(literal)}")
    value = sign * int(digits, 0)
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"integer overflow: {quote(literal)}")
    return value


def _hex_float(literal: str) -> float:
    try:
        return float.fromhex(literal.replace("_", ""))
    except (ValueError, OverflowError):
        raise ValueError(f"illegal number syntax: {quote(literal)}") from None


def quote(text: str, *, ascii_only: bool = False, mark: str = '"') -> str:
    """Go's quoted form of a string, or of a character when `mark` is an apostrophe."""
    if text.isascii() and text.isprintable() and "\\" not in text and mark not in text:
        return mark + text + mark
    return mark + "".join(_quote_character(character, ascii_only, mark) for character in text) + mark


def _quote_character(character: str, ascii_only: bool, mark: str) -> str:
    code = ord(character)
    if character == mark:
        return "\\" + mark
    if code in _SHORT:
        return _SHORT[code]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable() and not (ascii_only and code > 0x7E):
        return character
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def describe_character(character: str) -> str:
    """`U+0040 '@'`, as error messages show a character; without the quotes if it cannot be printed."""
    code = f"U+{ord(character):04X}"
    return f"{code} '{character}'" if character.isprintable() else code
