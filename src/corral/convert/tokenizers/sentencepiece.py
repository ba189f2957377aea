"""SentencePiece's `tokenizer.model`: a protocol buffer, of which a few fields matter.

Read by hand: the package for it brings a C++ tokenizer and hides the flags wanted here. Source: the message
definitions in google/sentencepiece, `sentencepiece_model.proto`; protobuf's page "Encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from corral.convert.tokenizers.vocabulary import TokenType, Vocabulary
from corral.errors import CorruptData
from corral.gguf import Value

_PIECES, _NORMALIZER = 1, 3  # fields of the model
_TEXT, _SCORE, _TYPE = 1, 2, 3  # of a piece
_DUMMY_PREFIX = 3  # of the normalizer
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Field = tuple[int, int | bytes]


def read_sentencepiece(data: bytes) -> Vocabulary:
    """Raises CorruptData."""
    tokens: list[str] = []
    types: list[int] = []
    scores: list[float] = []
    prefix = True
    try:
        for number, value in _fields(data):
            if number == _PIECES and isinstance(value, bytes):
                text, score, kind = _piece(value)
                tokens.append(text)
                scores.append(score)
                types.append(kind)
            elif number == _NORMALIZER and isinstance(value, bytes):
                prefix = bool(dict(_fields(value)).get(_DUMMY_PREFIX, 1))
    except (IndexError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise CorruptData("tokenizer.model is no SentencePiece model") from error
    if not tokens:
        raise CorruptData("tokenizer.model has no pieces")
    keys: dict[str, Value] = {"tokenizer.ggml.pre": "default", "tokenizer.ggml.add_space_prefix": prefix}
    return Vocabulary("llama", tokens, types, scores, keys=keys)


def _piece(data: bytes) -> tuple[str, float, int]:
    fields = dict(_fields(data))
    text, score = fields.get(_TEXT, b""), fields.get(_SCORE, bytes(4))
    if not isinstance(text, bytes) or not isinstance(score, bytes):
        raise ValueError(data)
    return text.decode(), struct.unpack("<f", score)[0], TokenType(int(fields.get(_TYPE, TokenType.NORMAL)))


def _fields(data: bytes) -> Iterator[Field]:
    """Numbers of fields and their values: whole numbers, or the bytes of what has a length."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            yield tag >> 3, number
            continue
        if kind not in (_FIXED64, _BYTES, _FIXED32):
            raise ValueError(kind)
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if size is None:
            size, at = _varint(data, at)
        if at + size > len(data):
            raise ValueError(size)
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(shift)
