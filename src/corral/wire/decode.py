"""How a JSON request body becomes a shape. Source: http-api.md 1.2.

A key matches exactly or, failing that, without regard to case; the last of several equal keys wins; unknown
keys and null count as absent; whatever follows the first complete value is ignored.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec
from starlette.requests import Request

from corral.core.gojson import without_surrogates
from corral.errors import BodyTooLarge, BodyTooSlow, InvalidInput

T = TypeVar("T", bound=msgspec.Struct)

# Room for a long conversation with many images. Files are uploaded as blobs, which have no such limit.
MAX_BODY = 256 * 1024 * 1024


# A body may take this long, and longer at this many bytes a second: whoever sends byte after byte to hold a
# connection is not waited for.
BODY_S = 60.0
_MIN_RATE = 1000


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises as `body_pieces`."""
    return b"".join([piece async for piece in body_pieces(request, limit)])


async def body_pieces(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes.

    Raises BodyTooLarge as soon as more than `limit` bytes are announced or have come, BodyTooSlow where it
    takes too long.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise BodyTooLarge(limit)
    size = 0
    began = asyncio.get_running_loop().time()
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout_at(began + BODY_S + size / _MIN_RATE):
                piece = await anext(pieces, None)
        except TimeoutError:
            raise BodyTooSlow from None
        if piece is None:
            return
        size += len(piece)
        if size > limit:
            raise BodyTooLarge(limit)
        yield piece


def decode_json(body: bytes, shape: type[T], *, empty: str = "missing request body") -> T:
    """`body` as a `shape`. Raises InvalidInput with one line that says what is wrong."""
    if not body.strip():
        raise InvalidInput(empty)
    value = parse_json(body)
    if not isinstance(value, dict):
        raise InvalidInput(f"json: cannot unmarshal {_kind(value)} into value of type {shape.__name__}")
    try:
        return msgspec.convert(_fold(value, shape), shape, dec_hook=_decode_hook)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"json: cannot unmarshal {shape.__name__}: {error}") from error


def parse_json(body: bytes) -> object:
    """The first JSON value in `body`; what is no UTF-8 or no whole character becomes U+FFFD."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parse_leading(body)
    except RecursionError:
        raise InvalidInput("invalid JSON: exceeded max depth") from None


def _parse_leading(body: bytes) -> object:
    """A value that needs more patience than msgspec has, or the error that says why there is none."""
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    try:
        value, _ = _DECODER.raw_decode(text)
        return without_surrogates(value)
    except json.JSONDecodeError as error:
        if error.pos >= len(text) or error.msg.startswith("Unterminated"):
            raise InvalidInput("unexpected EOF") from None
        raise InvalidInput(f"invalid character {text[error.pos]!r} in JSON: {error.msg}") from None
    except RecursionError:
        raise InvalidInput("invalid JSON: exceeded max depth") from None
    except ValueError as error:
        raise InvalidInput(f"invalid JSON: {error}") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"invalid number {name}")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _kind(value: object) -> str:
    kinds = {list: "array", str: "string", bool: "bool", type(None): "null"}
    return kinds.get(type(value), "number")


@cache
def _fields(shape: type[msgspec.Struct]) -> tuple[dict[str, str], dict[str, str]]:
    """Names as encoded, by themselves and by their folded spelling."""
    names = {field.encode_name: field.encode_name for field in msgspec.structs.fields(shape)}
    return names, {name.casefold(): name for name in names}


@cache
def _nested(shape: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """The fields that hold structs, or lists of them, whose keys are to be folded too."""
    hints = get_type_hints(shape)
    found: dict[str, type[msgspec.Struct]] = {}
    for field in msgspec.structs.fields(shape):
        struct = _struct_in(hints[field.name])
        if struct is not None:
            found[field.encode_name] = struct
    return found


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    for inner in getattr(hint, "__args__", ()):
        struct = _struct_in(inner)
        if struct is not None:
            return struct
    return None


def _fold(value: dict[str, Any], shape: type[msgspec.Struct]) -> dict[str, Any]:
    exact, folded = _fields(shape)
    out: dict[str, Any] = {}
    for key, item in value.items():
        name = exact.get(key) or folded.get(key.casefold())
        if name is None and shape.__struct_config__.forbid_unknown_fields:
            name = key  # to be refused
        if name is None or item is None or (name != key and name in value):
            continue
        out[name] = item
    for name, struct in _nested(shape).items():
        if name in out:
            out[name] = _fold_items(out[name], struct)
    return out


def _fold_items(value: Any, shape: type[msgspec.Struct]) -> Any:
    if isinstance(value, dict):
        return _fold(value, shape)
    if isinstance(value, list):
        return [_fold(item, shape) if isinstance(item, dict) else item for item in value]
    return value


class Base64(bytes):
    """Bytes that travel as standard base64 text; line breaks in it are ignored."""


def _decode_hook(kind: type, value: object) -> object:
    if kind is Base64:
        if not isinstance(value, str):
            raise msgspec.ValidationError("expected a base64 string")
        return Base64(decode_base64(value))
    raise NotImplementedError(kind)


def decode_base64(text: str) -> bytes:
    """Raises InvalidInput for anything but padded standard base64."""
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        bad = next(
            (i for i, c in enumerate(text) if not (c.isascii() and (c.isalnum() or c in "+/=\r\n"))), 0
        )
        raise InvalidInput(f"illegal base64 data at input byte {bad or len(text)}") from None
