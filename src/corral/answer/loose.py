"""Objects in a JSON-like spelling: bare keys, and texts between quotation marks of the family's own."""

from __future__ import annotations

import re

from corral.errors import CorralError

_KEY = re.compile(r"([^:{}\[\],]+):")
_BARE = re.compile(r"[^,{}\[\]]*")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CONSTANTS = {"true": True, "false": False, "null": None}
_MAX_DEPTH = 64


def decode_loose(text: str, quote: str) -> dict[str, object]:
    """The object `{key:value,...}` that `text` is. Raises CorralError where it is none.

    Values are numbers, true, false, null, lists, objects, texts between two `quote`, or else bare texts.
    """
    reader = _Reader(text.strip(), quote)
    value = reader.value(0)
    if not isinstance(value, dict) or not reader.at_end():
        raise CorralError("failed to parse tool call: expected one object")
    return value


class _Reader:
    def __init__(self, text: str, quote: str) -> None:
        self._text = text
        self._quote = quote
        self._at = 0

    def at_end(self) -> bool:
        return not self._text[self._at :].strip()

    def value(self, depth: int) -> object:
        self._skip_space()
        if depth > _MAX_DEPTH:
            raise CorralError("failed to parse tool call: nested too deeply")
        if self._take("{"):
            return self._object(depth)
        if self._take("["):
            return self._list(depth)
        if self._take(self._quote):
            return self._until(self._quote)
        if self._take('"'):
            return self._until('"')
        return self._bare()

    def _object(self, depth: int) -> dict[str, object]:
        out: dict[str, object] = {}
        while not self._closed("}"):
            key = _KEY.match(self._text, self._at)
            if not key:
                raise CorralError("failed to parse tool call: expected a key")
            self._at = key.end()
            out[self._name(key[1].strip())] = self.value(depth + 1)
        return out

    def _name(self, text: str) -> str:
        return text.removeprefix(self._quote).removesuffix(self._quote).strip('"')

    def _list(self, depth: int) -> list[object]:
        out: list[object] = []
        while not self._closed("]"):
            out.append(self.value(depth + 1))
        return out

    def _closed(self, mark: str) -> bool:
        """Steps over a separator; says whether `mark` follows."""
        self._skip_space()
        self._take(",")
        self._skip_space()
        if self._at >= len(self._text):
            raise CorralError("failed to parse tool call: unexpected end")
        return self._take(mark)

    def _until(self, mark: str) -> str:
        end = self._text.find(mark, self._at)
        if end < 0:
            raise CorralError("failed to parse tool call: a text does not end")
        text, self._at = self._text[self._at : end], end + len(mark)
        return text

    def _bare(self) -> object:
        found = _BARE.match(self._text, self._at)
        text = found[0].strip() if found else ""
        if not found or not found[0]:
            raise CorralError("failed to parse tool call: expected a value")
        self._at = found.end()
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        number = _NUMBER.fullmatch(text)
        if not number or len(text) > 300:
            return text
        return float(text) if number[1] or number[2] else int(text)

    def _take(self, mark: str) -> bool:
        if self._text.startswith(mark, self._at):
            self._at += len(mark)
            return True
        return False

    def _skip_space(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
