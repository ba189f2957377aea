"""A form with one large file in it, read as it comes: multipart/form-data."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from corral.errors import InvalidInput

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartParser

_MAX_TEXT = 1 << 16  # bytes of a field that is no file


class FileForm:
    """The bytes of the part `file` come out of `pieces`; then its name and all other fields are known."""

    def __init__(self, content_type: str) -> None:
        self.file_name = ""
        self.texts: dict[str, str] = {}
        self._parser = self._made(content_type)
        self._field = b""
        self._headers: dict[bytes, bytes] = {}
        self._part = ""
        self._text = bytearray()
        self._found: list[bytes] = []
        self._complete = False

    async def pieces(self, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Raises InvalidInput when the body is no whole form, or has no file."""
        from python_multipart.exceptions import FormParserError

        async for chunk in body:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise _unreadable(str(error)) from error
            for piece in self._found:
                yield piece
            self._found.clear()
        if not self._complete:
            raise _unreadable("unexpected EOF")
        if not self.file_name:
            raise InvalidInput("file is required")

    def _made(self, content_type: str) -> MultipartParser:
        # Only uploads need it.
        from python_multipart.multipart import MultipartParser, parse_options_header

        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise _unreadable("request Content-Type isn't multipart/form-data with a boundary")
        return MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._headers_begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def _headers_begin(self) -> None:
        self._headers, self._field = {}, b""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        # A name and a value may come in several pieces each; a name follows the value before it.
        if self._field in self._headers:
            self._field = b""
        self._field += data[start:end].lower()

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._headers[self._field] = self._headers.get(self._field, b"") + data[start:end]

    def _on_headers(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._part = options.get(b"name", b"").decode("utf-8", "replace")
        self._text.clear()
        if self._part == "file":
            self.file_name = options.get(b"filename", b"").decode("utf-8", "replace") or "file"

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "file":
            self._found.append(bytes(data[start:end]))
        elif len(self._text) + end - start > _MAX_TEXT:
            raise InvalidInput(f'the field "{self._part[:40]}" is too long')
        else:
            self._text += data[start:end]

    def _on_part_end(self) -> None:
        if self._part != "file":
            self.texts[self._part] = self._text.decode("utf-8", "replace")

    def _on_end(self) -> None:
        self._complete = True


def _unreadable(cause: str) -> InvalidInput:
    return InvalidInput(f"failed to parse multipart form: {cause}")
