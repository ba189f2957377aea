"""Files of examples, row by row: which format each has, and what of it can be used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from corral.errors import InvalidInput, StorageError
from corral.tune.data.containers import BrokenRow, container_of, raw_rows
from corral.tune.data.fields import BadRow
from corral.tune.data.formats import KNOWN, Fields, format_of, rows_of, unused_fields
from corral.tune.data.report import FileFound
from corral.tune.data.rows import Dropped, Place, Row

_MAX_UNUSED = 100  # names of fields that are kept: a hostile file has other ones in every row


class DataFile:
    """One file; iterating reads it. What was found stands in the attributes afterwards.

    `told` is the format that the user named, or empty. `num_open` counts conversations whose last question
    has no answer: it is left out. Raises InvalidInput for a file that is not what it must be, StorageError.
    """

    def __init__(self, path: Path, told: str = "") -> None:
        self.path = path
        self.format = told
        self.unused: set[str] = set()
        self.num_open = 0
        self._told = bool(told)
        self._num_rows = 0

    def __iter__(self) -> Iterator[Row | Dropped]:
        container = container_of(self.path)
        if container == "text" and self.format not in ("", "text"):
            raise InvalidInput(
                f"{self.path.name} is plain text, no {self.format}", hint=f"known are rows with {KNOWN}"
            )
        for line, value in raw_rows(self.path, container):
            place = Place(self.path.name, line)
            for row in self._rows(place, {"text": value} if container == "text" else value):
                self._num_rows += 1
                yield row

    def found(self) -> FileFound:
        try:
            with self.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = self.path.stat().st_size
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error.strerror or error}") from error
        return FileFound(
            path=str(self.path), format=self.format, rows=self._num_rows, bytes=size, sha256=digest
        )

    def _rows(self, place: Place, value: object | BrokenRow) -> Iterator[Row | Dropped]:
        if isinstance(value, BrokenRow):
            yield Dropped(place, value.problem)
            return
        if not isinstance(value, dict):
            yield Dropped(place, "no object with named fields")
            return
        self._learn_format(value, place)
        try:
            yield from [self._checked(row) for row in rows_of(value, self.format, place)]
        except BadRow as problem:
            yield Dropped(place, str(problem))
        else:
            if len(self.unused) < _MAX_UNUSED:
                self.unused |= unused_fields(value, self.format)

    def _learn_format(self, fields: Fields, place: Place) -> None:
        """The first row decides; one of another format later is a mistake of whoever made the file."""
        if self._told:
            return
        try:
            format = format_of(fields)
        except BadRow as problem:
            if self.format:
                return  # it lacks what its format needs, which will be said
            raise InvalidInput(
                f"{place}: {problem}", hint="see docs/tuning-data.md for the formats"
            ) from problem
        if self.format and format != self.format:
            raise InvalidInput(
                f"{place}: this row is of the format {format}, those before are {self.format}",
                hint="put each format in a file of its own; all files may be used together",
            )
        self.format = format

    def _checked(self, row: Row) -> Row:
        """The row with all that can be learnt of it. Raises BadRow."""
        if row.text:
            return row
        answers = [at for at, message in enumerate(row.messages) if message.role == "assistant"]
        learnt = [at for at in answers if at not in row.untrained]
        if not learnt:
            raise BadRow("it has no answer" if not answers else "all its answers have the weight 0")
        for at in learnt:
            message = row.messages[at]
            if not message.content.strip() and not message.tool_calls:
                raise BadRow("an answer is empty" if len(row.messages) < 3 else f"answer {at + 1} is empty")
        if learnt[0] == 0:
            raise BadRow("it begins with an answer: nothing is asked")
        end = learnt[-1] + 1
        self.num_open += end < len(row.messages)
        given = frozenset(at for at in answers if at in row.untrained and at < end)
        return replace(row, messages=row.messages[:end], untrained=given)
