"""Forms with files in them: multipart/form-data. Source: RFC 7578, RFC 2046 section 5.1."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import HTTP

from corral.errors import InvalidInput

# The forms of this API have a handful.
_MAX_PARTS = 100


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name; of several of one name the last counts. Files are the fields with a file name."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def read_form(body: bytes, content_type: str) -> Form:
    """Raises InvalidInput when the body is no whole form."""
    kind = EmailMessage(policy=HTTP)
    kind["Content-Type"] = content_type
    if kind.get_content_type() != "multipart/form-data":
        raise _unreadable("request Content-Type isn't multipart/form-data")
    boundary = kind.get_boundary()
    if not boundary:
        raise _unreadable("no multipart boundary param in Content-Type")
    form = Form()
    for part in _split(body, b"\r\n--" + boundary.encode()):
        _add(form, part)
    return form


def _split(body: bytes, delimiter: bytes) -> list[bytes]:
    """The parts between delimiters, each from the line break that ends its delimiter."""
    # The first delimiter needs no line break in front of it; what comes before it is no part.
    _, *parts = (b"\r\n" + body).split(delimiter, _MAX_PARTS + 1)
    if len(parts) > _MAX_PARTS:
        raise _unreadable("too many parts")
    if not parts or not parts[-1].startswith(b"--"):
        raise _unreadable("unexpected EOF")
    return parts[:-1]


def _add(form: Form, part: bytes) -> None:
    head, end_of_head, data = part.partition(b"\r\n\r\n")
    header = BytesHeaderParser(policy=HTTP).parsebytes(head.lstrip() + end_of_head)
    name = header.get_param("name", header="content-disposition")
    if not end_of_head or not isinstance(name, str):
        raise _unreadable("a part without a name")
    if header.get_filename() is not None:
        form.files[name] = data
    else:
        form.texts[name] = data.decode("utf-8", "replace")


def _unreadable(cause: str) -> InvalidInput:
    return InvalidInput(f"failed to parse multipart form: {cause}")
