"""Text to commands. Source: modelfile.md sections 1, 2 and 4.

There are no escapes: a value runs to the first newline at which it is complete, and whether it is
complete depends only on the quotes it begins and ends with.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from corral.errors import ModelfileError
from corral.modelfile.commands import Command, Modelfile

INSTRUCTIONS = (
    "from",
    "license",
    "template",
    "system",
    "adapter",
    "draft",
    "renderer",
    "parser",
    "parameter",
    "message",
    "requires",
)
ROLES = ("system", "user", "assistant")

_NEWLINES = "\r\n"
_NEWLINE = re.compile(r"[\r\n]")
_BLANKS = " \t"
_KEPT = frozenset("\t\r\n")
_TRIPLE = '"""'
_BAD_COMMAND = (
    "command must be one of " + ", ".join(f'"{word}"' for word in INSTRUCTIONS[:-1]) + ', or "requires"'
)
_BAD_ROLE = 'message role must be one of "system", "user", or "assistant"'


def parse(source: str | bytes) -> Modelfile:
    """Parse a Modelfile. Raises ModelfileError, with the line of the command at fault."""
    text = source.removeprefix("\ufeff") if isinstance(source, str) else _decode(source)
    commands = tuple(_Scanner(text).commands())
    if not any(command.name == "from" for command in commands):
        raise ModelfileError("no FROM line")
    return Modelfile(commands)


def _decode(data: bytes) -> str:
    """UTF-8, or UTF-16 where a byte-order mark says so; bytes that are neither become U+FFFD."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


class _Scanner:
    """A cursor over the text; each method reads one part of a command and leaves the cursor behind it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._begin = 0  # where the command at the cursor begins

    def commands(self) -> list[Command]:
        commands = []
        while self._skip_to_command():
            commands.append(self._command())
        return commands

    def _skip_to_command(self) -> bool:
        """Go past blank space and comments; False at the end of the text."""
        while (char := self._peek()) and char in _BLANKS + _NEWLINES + "#":
            if char == "#":
                while (char := self._peek()) and char not in _NEWLINES:
                    self._at += 1
            else:
                self._at += 1
        return self._at < len(self._text)

    def _command(self) -> Command:
        self._begin = self._at
        name = self._word(lambda char: char.isascii() and char.isalpha())
        if not self._peek():
            raise self._error("unexpected EOF")
        if self._peek() not in _BLANKS or name.lower() not in INSTRUCTIONS:
            raise self._counted_error(_BAD_COMMAND)
        line = self._line()
        self._at += 1
        name = name.lower()
        key = self._key(name) if name in ("parameter", "message") else ""
        return Command(name, self._value(), line, key)

    def _key(self, name: str) -> str:
        """The name of a parameter, or the role of a message, and the one separator after it."""
        if name == "message":
            key = self._word(lambda char: char.isascii() and char.isalpha())
        else:
            key = self._word(lambda char: char.isalnum() or char == "_")
        if not self._peek():
            raise self._error("unexpected EOF")
        if self._peek() not in _BLANKS:
            raise self._error(f"unexpected EOF: {key}")
        if name == "message" and key not in ROLES:
            raise self._counted_error(_BAD_ROLE)
        self._at += 1
        return key

    def _value(self) -> str:
        collected = ""
        while True:
            newline = _NEWLINE.search(self._text, self._at)
            end = newline.start() if newline else len(self._text)
            line = _printable(self._text[self._at : end])
            # Only the first line, or one with a quote at its end, can make the value complete.
            if not collected or line.rstrip().endswith('"'):
                value = _unquoted((collected + line).strip())
                if value is not None:
                    self._at = end
                    return value
            if not newline:
                raise self._error("unexpected EOF")
            collected += line + newline[0]
            self._at = newline.end()

    def _word(self, accepts: Callable[[str], bool]) -> str:
        start = self._at
        while (char := self._peek()) and accepts(char):
            self._at += 1
        return self._text[start : self._at]

    def _peek(self) -> str:
        """The next character; empty at the end."""
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        """The number of the line up to and including the next character; CR LF counts as two."""
        seen = self._text[: self._at + 1]
        return 1 + seen.count("\n") + seen.count("\r")

    def _error(self, message: str) -> ModelfileError:
        begun = self._text[: self._begin].replace("\r\n", "\n")
        return ModelfileError(message, line=1 + begun.count("\n") + begun.count("\r"))

    def _counted_error(self, message: str) -> ModelfileError:
        """With the line in its text as the reference counts, which may be one too far."""
        return self._error(f"(line {self._line()}): {message}")


def _printable(text: str) -> str:
    """Without control and format characters, which are invisible in an editor and unwanted in a prompt."""
    if text.isprintable():
        return text
    return "".join(char for char in text if char.isprintable() or char in _KEPT)


def _unquoted(text: str) -> str | None:
    """The value that the trimmed `text` stands for, or None while it is not complete."""
    for quote in (_TRIPLE, '"'):
        if text.startswith(quote):
            size = len(quote)
            return text[size:-size] if len(text) >= 2 * size and text.endswith(quote) else None
    return text
