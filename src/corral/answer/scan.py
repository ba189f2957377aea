"""Finding tags and JSON objects in text that is still growing."""

from __future__ import annotations

import re
from collections.abc import Iterable

_JSON_MARKS = re.compile(r'["\\{}]')


def partial_suffix(text: str, tag: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `tag`."""
    at = text.find(tag[0], max(0, len(text) - len(tag) + 1))
    while at >= 0:
        if tag.startswith(text[at:]):
            return len(text) - at
        at = text.find(tag[0], at + 1)
    return 0


def held_back(text: str, tags: Iterable[str], *, spaces: bool = False) -> int:
    """How many characters at the end of `text` may still become part of a tag.

    With `spaces`, white space before such an end is counted too, as it may precede a tag.
    """
    length = max((partial_suffix(text, tag) for tag in tags), default=0)
    if spaces:
        length = len(text) - len(text[: len(text) - length].rstrip())
    return length


def first_of(text: str, tags: Iterable[str]) -> tuple[int, str]:
    """Position and text of the earliest tag in `text`, the longest at one place; (-1, "") without any."""
    best, found = -1, ""
    for tag in tags:
        at = text.find(tag)
        if at >= 0 and (best < 0 or at < best or (at == best and len(tag) > len(found))):
            best, found = at, tag
    return best, found


class ObjectScanner:
    """Finds complete outermost `{...}` in growing text by counting braces outside of strings.

    Each character is looked at once, so a long call costs no more per piece than a short one.
    """

    __slots__ = ("_depth", "_in_string", "_length", "_start")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._length = 0  # characters seen
        self._start = 0

    def feed(self, text: str) -> list[tuple[int, int]]:
        """Bounds of the objects that became complete since the last call.

        `text` is everything since the scanner was made, old and new; offsets count from its beginning.
        """
        found: list[tuple[int, int]] = []
        at = self._length
        while mark := _JSON_MARKS.search(text, at):
            at = mark.end()
            character = mark[0]
            if character == "\\":
                if at == len(text):
                    at -= 1  # the escaped character has not come yet
                    break
                at += 1
            elif character == '"':
                self._in_string = not self._in_string
            elif not self._in_string:
                self._brace(character, mark.start(), found)
        else:
            at = len(text)
        self._length = at
        return found

    def _brace(self, character: str, at: int, found: list[tuple[int, int]]) -> None:
        if character == "{":
            if self._depth == 0:
                self._start = at
            self._depth += 1
        elif self._depth:
            self._depth -= 1
            if self._depth == 0:
                found.append((self._start, at + 1))
