"""What a file holds, judged by its first bytes. Source: the MIME sniffing standard, as far as needed."""

from __future__ import annotations

import re
from pathlib import Path

ZIP = "application/zip"
BINARY = "application/octet-stream"
TEXT = "text/plain"

_SNIFFED = 512  # bytes
_SIGNATURES = (
    (b"\xef\xbb\xbf", TEXT),
    (b"\xfe\xff", TEXT),
    (b"\xff\xfe", TEXT),
    (b"PK\x03\x04", ZIP),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
_HTML = re.compile(rb"[\t\n\x0c\r ]*<(!doctype html|html|head|body|script|title|!--)", re.IGNORECASE)
_XML = re.compile(rb"[\t\n\x0c\r ]*<\?xml")
_BINARY_BYTES = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def content_type(path: Path) -> str:
    """The media type without parameters. Raises OSError when the file cannot be read."""
    with path.open("rb") as file:
        data = file.read(_SNIFFED)
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if _HTML.match(data):
        return "text/html"
    if _XML.match(data):
        return "text/xml"
    return BINARY if _BINARY_BYTES.search(data) else TEXT
