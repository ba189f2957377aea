"""JSON in the spelling that clients of this protocol know: compact, `<`, `>` and `&` escaped.

The escapes change no value; they keep stored blobs (and so their digests) and recorded answers equal.
Source: http-api.md 1.3, modelfile.md section 6.
"""

from __future__ import annotations

import re

import msgspec

_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")


def encode(value: object, *, sort_keys: bool = False) -> bytes:
    """Compact JSON of structs, dataclasses, dicts, lists and scalars; lone surrogates become U+FFFD."""
    encoder = _sorted_encoder if sort_keys else _encoder
    try:
        data = encoder.encode(value)
    except UnicodeEncodeError:
        data = encoder.encode(without_surrogates(msgspec.to_builtins(value)))
    for raw, escaped in _ESCAPES:
        if raw in data:
            data = data.replace(raw, escaped)
    return data


def without_surrogates(value: object) -> object:
    """`value` with U+FFFD for each half of a character, which has no place in UTF-8."""
    if isinstance(value, str):
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value
