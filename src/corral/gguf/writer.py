"""Writes GGUF files, version 3, little-endian. Source: store.md 10.4.

The header is built in memory; the weights pass through in pieces and are never held whole.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from corral.errors import GGUFError
from corral.gguf.model import GGUF, Scalar, SkippedArray, TensorInfo, Value
from corral.gguf.types import (
    DEFAULT_ALIGNMENT,
    FORMATS,
    MAX_DIMENSIONS,
    TENSOR_TYPES,
    ArrayType,
    GGUFType,
    ValueType,
)

# Gives the bytes of a tensor, `num_bytes` in all, in pieces of any size.
DataSource = Callable[[TensorInfo], Iterable[bytes]]

_PIECE = 4 << 20
_SHARED_PREFIXES = ("general.", "adapter.", "tokenizer.")
_BLOCK = re.compile(r"blk\.(\d+)\.")


def write_gguf(
    out: BinaryIO,
    metadata: Mapping[str, Value],
    tensors: Sequence[TensorInfo],
    data_source: DataSource,
    *,
    types: Mapping[str, GGUFType] | None = None,
    as_given: bool = False,
) -> None:
    """Write a whole file to `out`; offsets are given anew, those of `tensors` do not matter.

    Keys get the architecture's prefix where they lack one and are sorted; tensors are sorted by block,
    then name. `as_given` keeps names and order, for a changed copy of an existing file. The type of a
    value is `types[key]` or follows from its Python type (whole numbers: the first that fits of u32,
    i32, u64, i64; floats: f32).
    Raises GGUFError when the architecture is missing, a value fits no type, or `data_source` gives
    too few or too many bytes.
    """
    types = types or {}
    named = dict(metadata) if as_given else _with_prefixes(metadata)
    kinds = {new: types.get(old) for new, old in zip(named, metadata, strict=True)}
    keys = list(named) if as_given else sorted(named)
    placed, alignment = _place(list(tensors) if as_given else sorted(tensors, key=_order), named)
    header = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(placed), len(keys)))
    for key in keys:
        header += _string(key) + _typed(key, named[key], kinds[key])
    for tensor in placed:
        header += _table_entry(tensor)
    out.write(header)
    out.write(bytes(-len(header) % alignment))
    for tensor in placed:
        _copy(out, tensor, data_source(tensor))
        out.write(bytes(-tensor.num_bytes % alignment))


def tensor_data(path: Path, gguf: GGUF) -> DataSource:
    """The tensors of an existing file as a source for `write_gguf`; they are found by name."""
    offsets = {tensor.name: gguf.data_offset + tensor.offset for tensor in gguf.tensors}

    def pieces(tensor: TensorInfo) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(offsets[tensor.name])
            left = tensor.num_bytes
            while left > 0 and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece

    return pieces


def _with_prefixes(metadata: Mapping[str, Value]) -> dict[str, Value]:
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise GGUFError("architecture not set")
    own = (*_SHARED_PREFIXES, f"{architecture}.")
    named = {k if k.startswith(own) else f"{architecture}.{k}": v for k, v in metadata.items()}
    if len(named) < len(metadata):
        raise GGUFError("two metadata keys have the same name once prefixed")
    return named


def _order(tensor: TensorInfo) -> tuple[float, str]:
    block = _BLOCK.match(tensor.name)
    return (int(block[1]) if block else float("inf")), tensor.name


def _place(tensors: list[TensorInfo], metadata: Mapping[str, Value]) -> tuple[list[TensorInfo], int]:
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
        raise GGUFError(f"invalid GGUF alignment: {alignment!r}")
    placed, offset = [], 0
    for tensor in tensors:
        if tensor.type not in TENSOR_TYPES or len(tensor.shape) > MAX_DIMENSIONS:
            raise GGUFError(f'tensor "{tensor.name}" has an unknown type or too many dimensions')
        placed.append(TensorInfo(tensor.name, tensor.shape, tensor.type, offset))
        offset += -(-tensor.num_bytes // alignment) * alignment
    return placed, alignment


def _table_entry(tensor: TensorInfo) -> bytes:
    count = len(tensor.shape)
    layout = f"<I{count}QIQ"
    return _string(tensor.name) + struct.pack(layout, count, *tensor.shape, tensor.type, tensor.offset)


def _copy(out: BinaryIO, tensor: TensorInfo, pieces: Iterable[bytes]) -> None:
    written = 0
    for piece in pieces:
        out.write(piece)
        written += len(piece)
    if written != tensor.num_bytes:
        raise GGUFError(f'tensor "{tensor.name}" has {written} bytes, expected {tensor.num_bytes}')


def _string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def _typed(key: str, value: Value, kind: GGUFType | None) -> bytes:
    """A value behind the number of its type."""
    try:
        if isinstance(value, list):
            item = kind.item if isinstance(kind, ArrayType) else _item_type(value)
            return struct.pack("<IIQ", ValueType.ARRAY, item, len(value)) + _packed(value, item)
        if isinstance(value, SkippedArray):
            raise GGUFError(f'the array "{key}" was skipped when it was read and cannot be written')
        single = kind if isinstance(kind, ValueType) else _scalar_type(value)
        return struct.pack("<I", single) + _packed([value], single)
    except (TypeError, OverflowError, UnicodeError, struct.error, KeyError) as error:
        raise GGUFError(f'the value of "{key}" does not fit its type') from error


def _packed(values: Sequence[Scalar], kind: ValueType) -> bytes:
    if kind is ValueType.STRING:
        return b"".join(_string(_checked_text(value)) for value in values)
    return struct.pack(f"<{len(values)}{FORMATS[kind]}", *values)


def _checked_text(value: Scalar) -> str | bytes:
    if not isinstance(value, str | bytes):
        raise TypeError(value)
    return value


def _scalar_type(value: Scalar) -> ValueType:
    if isinstance(value, bool):
        return ValueType.BOOL
    if isinstance(value, float):
        return ValueType.FLOAT32
    return _whole_type(value, value) if isinstance(value, int) else ValueType.STRING


def _item_type(values: list[Scalar]) -> ValueType:
    kinds = {type(value) for value in values}
    if kinds == {int}:
        numbers = [value for value in values if isinstance(value, int)]
        return _whole_type(min(numbers), max(numbers))
    if kinds == {int, float}:
        return ValueType.FLOAT32
    return _scalar_type(values[0]) if values else ValueType.STRING


def _whole_type(low: int, high: int) -> ValueType:
    if low >= 0:
        return ValueType.UINT32 if high < 1 << 32 else ValueType.UINT64
    fits = low >= -(1 << 31) and high < 1 << 31
    return ValueType.INT32 if fits else ValueType.INT64
