"""Bytes of a file, as lines of text: decompressed, without a byte order mark, bounded.

Files come from users and may be anything. What is no text is refused here, in words that say what it is.
"""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from corral.errors import InvalidInput, StorageError

# One row in memory; the longest context windows hold less text.
MAX_ROW_BYTES = 16 << 20
PARQUET = b"PAR1"

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_KINDS = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet: unpack it, or save the sheet as CSV",
    b"GGUF": "a model, no examples",
    b"%PDF": "a PDF: save its text as .txt",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it, or pack it by gzip",
    b"BZh": "compressed by bzip2: unpack it, or pack it by gzip",
    b"\xfd7zXZ": "compressed by xz: unpack it, or pack it by gzip",
    b"SQLite format 3": "a database: export the table as CSV",
    b"ARROW1": "an Arrow file: save it as Parquet or JSONL",
}
_HEAD_BYTES = 1 << 16


def head_of(path: Path) -> bytes:
    """The first bytes, decompressed. Raises InvalidInput for what holds no examples, StorageError."""
    with opened(path) as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip():
        raise InvalidInput(f"{path.name} is empty", hint="a file of examples holds at least two rows")
    for magic, what in _KINDS.items():
        if head.startswith(magic):
            raise InvalidInput(f"{path.name} is {what}")
    if head.startswith(_UTF16):
        raise InvalidInput(f"{path.name} is UTF-16", hint="save it as UTF-8")
    if b"\0" in head and not head.startswith(PARQUET):
        raise InvalidInput(
            f"{path.name} is no text", hint="examples come as JSONL, JSON, CSV, Parquet or plain text"
        )
    return head.removeprefix(_BOM)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed where it is packed. Raises InvalidInput, StorageError."""
    try:
        if not path.is_file():
            problem = "is a folder" if path.is_dir() else "does not exist"
            raise InvalidInput(f"{path} {problem}", hint="name files of examples")
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            if not packed:
                yield file
                return
            with gzip.open(file) as unpacked:
                yield unpacked  # type: ignore[misc]  # a GzipFile reads like a file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(
            f"{path.name} cannot be unpacked: {error}", hint="it is damaged: copy it again"
        ) from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line, with its end. Raises InvalidInput, StorageError."""
    with opened(path) as file:
        number = 0
        while line := file.readline(MAX_ROW_BYTES + 1):
            number += 1
            if len(line) > MAX_ROW_BYTES:
                raise too_long(path, number)
            if number == 1:
                line = line.removeprefix(_BOM)
            yield number, decoded(line, path, number)


def decoded(data: bytes, path: Path, line: int) -> str:
    """Raises InvalidInput: half-read texts would teach broken characters."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{path.name}:{line}: byte 0x{data[error.start]:02x} is not UTF-8", hint="save the file as UTF-8"
        ) from error


def too_long(path: Path, line: int) -> InvalidInput:
    return InvalidInput(
        f"{path.name}:{line}: a row is longer than {MAX_ROW_BYTES >> 20} MiB",
        hint="write one row a line (JSONL), and cut long texts into several rows",
    )
