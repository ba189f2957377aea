"""Sequential reading of a file through a sliding buffer, with every length checked before it is used."""

from __future__ import annotations

import struct
from typing import BinaryIO

from corral.errors import GGUFError
from corral.gguf.types import MAX_STRING

_CHUNK = 256 << 10


class Window:
    """Reads forward from the file's start; `size` is the file's size in bytes.

    Memory use is bounded by the chunk size and the longest single `take`, which is never longer than
    what is left of the file. Raises GGUFError where the file ends early.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._buffer = b""
        self._start = 0  # position in the file of the buffer's first byte
        self._at = 0  # index in the buffer of the next byte; may lie beyond its end

    @property
    def position(self) -> int:
        return self._start + self._at

    @property
    def left(self) -> int:
        return self._size - self.position

    def require(self, count: int, *, at_least: int = 1) -> None:
        """Check that `count` items of at least that many bytes each can follow."""
        if count * at_least > self.left:
            raise GGUFError(
                f"GGUF file ends early: {count * at_least} bytes needed at offset {self.position}, "
                f"{max(self.left, 0)} left"
            )

    def take(self, count: int) -> bytes:
        self._fill(count)
        piece = self._buffer[self._at : self._at + count]
        self._at += count
        return piece

    def skip(self, count: int) -> None:
        self.require(count)
        self._at += count

    def unpack(self, layout: struct.Struct) -> int:
        """The number that follows, in the given layout of one number."""
        self._fill(layout.size)
        (value,) = layout.unpack_from(self._buffer, self._at)
        self._at += layout.size
        return int(value)

    def take_string(self, prefix: struct.Struct) -> bytes:
        """A string behind its length."""
        return self.take(_checked_length(self.unpack(prefix)))

    def take_strings(self, count: int, prefix: struct.Struct) -> list[bytes]:
        """`count` strings, each behind its length."""
        strings: list[bytes] = []
        while len(strings) < count:
            strings.append(self.take_string(prefix))
            self._take_buffered(count - len(strings), prefix, strings)
        return strings

    def skip_strings(self, count: int, prefix: struct.Struct) -> None:
        """Walk over `count` strings: a vocabulary and its merges have some 400,000 of them."""
        while count:
            self.require(count, at_least=prefix.size)
            self._fill(prefix.size)
            count -= self._skip_buffered(count, prefix)
        self.require(0)

    # The two loops below are the only hot ones: they touch locals alone, and the second lets `struct`
    # find the end of the buffer.

    def _take_buffered(self, count: int, prefix: struct.Struct, strings: list[bytes]) -> None:
        """Append up to `count` strings that lie whole in the buffer."""
        unpack, width = prefix.unpack_from, prefix.size
        buffer, at, end = self._buffer, self._at, len(self._buffer)
        for _ in range(count):
            if at + width > end:
                break
            start = at + width
            stop = start + unpack(buffer, at)[0]
            if stop > end:
                break
            strings.append(buffer[start:stop])
            at = stop
        self._at = at

    def _skip_buffered(self, count: int, prefix: struct.Struct) -> int:
        """Skip up to `count` strings that begin in the buffer; returns how many."""
        unpack, width = prefix.unpack_from, prefix.size
        buffer, at = self._buffer, self._at
        done = 0
        try:
            for done in range(count):  # noqa: B007  (read after the loop)
                length = unpack(buffer, at)[0]
                if length > MAX_STRING:
                    _checked_length(length)
                at += width + length
            done = count
        except struct.error:
            pass
        self._at = at
        return done

    def _fill(self, count: int) -> None:
        """Have the next `count` bytes in the buffer."""
        if self._at + count <= len(self._buffer):
            return
        self.require(count)
        position = self.position
        rest = self._buffer[self._at :]
        self._file.seek(position + len(rest))
        self._buffer = rest + self._file.read(max(_CHUNK, count - len(rest)))
        self._start, self._at = position, 0
        if len(self._buffer) < count:
            raise GGUFError(f"GGUF file ends early: it became shorter than {self._size} bytes while read")


def _checked_length(length: int) -> int:
    if length > MAX_STRING:
        raise GGUFError(f"GGUF string length {length} exceeds maximum {MAX_STRING}")
    return length
