"""The rows of a file as plain values with their lines: JSON by line or in an array, CSV, Parquet, text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from corral.errors import InvalidInput, Unsupported
from corral.tune.data.files import MAX_ROW_BYTES, PARQUET, decoded, head_of, lines_of, opened, too_long

Container = Literal["jsonl", "array", "csv", "parquet", "text"]


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """Stands for a row that cannot be read. It costs this row, not the file."""

    problem: str


# A whole text, a bracket or a comma; a quote alone begins a text whose end is not here yet.
_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_CHUNK = 1 << 20
# Names of columns by which a table is told from a text with commas.
_COLUMNS = frozenset(
    {"messages", "conversations", "instruction", "prompt", "completion", "question", "answer", "text"}
    | {"input", "output", "response", "query"}
)
# Columns whose cells stand for lists, written as JSON.
_STRUCTURES = frozenset({"messages", "conversations", "history", "tools", "functions"})


def container_of(path: Path) -> Container:
    """How the rows of a file are kept, by its content. Raises InvalidInput, StorageError."""
    head = head_of(path)
    if head.startswith(PARQUET):
        return "parquet"
    start = head.lstrip()
    names = path.name.lower().removesuffix(".gz")
    if names.endswith((".csv", ".tsv")):
        return "csv"
    if names.endswith((".txt", ".md")):
        return "text"
    if start.startswith(b"["):
        return "array"
    if start.startswith(b"{"):
        return "jsonl"
    if names.endswith((".json", ".jsonl", ".ndjson")):
        raise InvalidInput(
            f"{path.name}:1: this is no JSON", hint="write one object a line, or one array of objects"
        )
    return "csv" if _has_columns(head) else "text"


def raw_rows(path: Path, container: Container) -> Iterator[tuple[int, object | BrokenRow]]:
    """The line of each row, from 1, and its value. Raises InvalidInput, StorageError."""
    readers = {
        "jsonl": _json_lines,
        "array": _json_array,
        "csv": _table,
        "parquet": _parquet,
        "text": _texts,
    }
    return readers[container](path)


# JSON


def _json_lines(path: Path) -> Iterator[tuple[int, object | BrokenRow]]:
    for number, line in lines_of(path):
        if not line.isspace():
            yield number, _json(line.encode())


def _json(data: bytes) -> object | BrokenRow:
    try:
        found: object = msgspec.json.decode(data)
    except RecursionError:
        return BrokenRow("nested too deeply")
    except msgspec.DecodeError as error:
        return BrokenRow(f"no valid JSON: {str(error).partition(' (byte')[0]}")
    return found


def _json_array(path: Path) -> Iterator[tuple[int, object | BrokenRow]]:
    """The elements of one array, one after the other: the file may be larger than memory."""
    for line, data in _elements(path):
        decoded(data, path, line)
        yield line, _json(data)


def _elements(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line and bytes of each element, cut at the commas of the array itself."""
    buffer, at, depth, line = b"", 0, 0, 1
    with opened(path) as file:
        while chunk := file.read(_CHUNK):
            buffer += chunk
            begins = 0
            while (found := _MARK.search(buffer, at)) and found[0] != b'"':
                mark, at = found[0], found.end()
                depth += (mark in b"[{") - (mark in b"]}")
                if depth == 0 or (depth == 1 and mark in b",["):
                    element = buffer[begins : found.start()]
                    begins = at
                    if mark != b"[" and element.strip():
                        yield line + _num_lines_before(element), element.strip()
                    line += element.count(b"\n")
                if depth == 0:
                    return _check_end(path, line, buffer[at:] + file.read(_CHUNK))
            # What is left begins an element, and perhaps a text in it that goes on in the next chunk.
            at = (found.start() if found else len(buffer)) - begins
            buffer = buffer[begins:]
            if len(buffer) > MAX_ROW_BYTES:
                raise too_long(path, line + _num_lines_before(buffer))
    raise InvalidInput(
        f"{path.name}:{line}: the array does not end", hint="the file is cut off: copy it again"
    )


def _num_lines_before(element: bytes) -> int:
    return element[: len(element) - len(element.lstrip())].count(b"\n")


def _check_end(path: Path, line: int, rest: bytes) -> None:
    if rest.strip():
        raise InvalidInput(
            f"{path.name}:{line}: text after the end of the array",
            hint="write one array, or one object a line without an array",
        )


# Tables


def _has_columns(head: bytes) -> bool:
    first = head.decode("utf-8", "replace").partition("\n")[0]
    names = next(csv.reader([first], delimiter=_delimiter(first)), [])
    return len(names) > 1 and bool(_COLUMNS & {name.strip().lower() for name in names})


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _table(path: Path) -> Iterator[tuple[int, object | BrokenRow]]:
    before = csv.field_size_limit(MAX_ROW_BYTES)
    try:
        yield from _records(path)
    finally:
        csv.field_size_limit(before)


def _records(path: Path) -> Iterator[tuple[int, object | BrokenRow]]:
    lines = (line for _, line in lines_of(path))
    header = next(lines)
    delimiter = _delimiter(header)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter))]
    if len(set(names)) < len(names):
        raise InvalidInput(f"{path.name}:1: two columns have one name", hint="name each column differently")
    # strict: a quote in the wrong place would swallow the rows behind it
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = 2
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidInput(
                f"{path.name}:{begins}: no valid CSV: {error}",
                hint='write quotes in a field as "" and the field in "..."',
            ) from error
        if values:
            yield begins, _record(names, values)
        begins = reader.line_num + 2


def _record(names: list[str], values: list[str]) -> object | BrokenRow:
    if len(values) != len(names):
        return BrokenRow(f"{len(values)} fields where the header has {len(names)}")
    return {name: _cell(name, value) for name, value in zip(names, values, strict=True) if value}


def _cell(name: str, value: object) -> object:
    """Messages and tools stand in a table as JSON. Other JSON is a text, such as an answer in that form."""
    if not isinstance(value, str) or value[:1] != "[":
        return value
    found = _json(value.encode())
    return found if isinstance(found, list) and (name in _STRUCTURES or _are_messages(found)) else value


def _are_messages(items: list[object]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "role" in item for item in items)


def _parquet(path: Path) -> Iterator[tuple[int, object | BrokenRow]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise Unsupported(
            f"{path.name} is a Parquet file, and pyarrow is not installed",
            hint="pip install 'corral[tune]', or save the file as JSONL",
        ) from error
    import pyarrow

    number = 0
    try:
        # Packed files are not known to the format: it packs its columns itself.
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                for record in batch.to_pylist():
                    number += 1
                    yield (
                        number,
                        {name.lower(): _cell(name.lower(), _plain(value)) for name, value in record.items()},
                    )
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidInput(f"{path.name} is no valid Parquet file: {error}", hint="copy it again") from error


def _plain(value: object) -> object:
    """Structs of Parquet have all fields of their column: those that are null were not there."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


# Text


def _texts(path: Path) -> Iterator[tuple[int, object | BrokenRow]]:
    """Paragraphs; or lines, where no blank line parts any."""
    by_line = not any(line.isspace() for _, line in lines_of(path))
    begins, text = 0, io.StringIO()
    for number, line in lines_of(path):
        if by_line or line.isspace():
            if text.tell():
                yield begins, text.getvalue().rstrip()
            begins, text = 0, io.StringIO()
        if not line.isspace():
            begins = begins or number
            text.write(line)
            if text.tell() > MAX_ROW_BYTES:
                raise too_long(path, begins)
    if text.tell():
        yield begins, text.getvalue().rstrip()
