"""Reads the header of a GGUF file: everything before the weights.

The file is taken for hostile: each count, length, type and offset is checked against the file's size and
our limits before anything is allocated for it. Source: store.md 10.1.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from corral.errors import GGUFError, StorageError
from corral.gguf.model import GGUF, Scalar, SkippedArray, TensorInfo, Value
from corral.gguf.types import (
    DEFAULT_ALIGNMENT,
    FORMATS,
    MAX_ARRAY,
    MAX_DIMENSIONS,
    MAX_ELEMENTS,
    MAX_KEYS,
    MAX_TENSORS,
    TENSOR_TYPES,
    ArrayType,
    GGUFType,
    ValueType,
)
from corral.gguf.window import Window

SHORT_ARRAY = 1024  # elements; arrays up to this length are read even when long ones are skipped
_OLDER_MAGICS = (b"lmgg", b"fmgg", b"tjgg", b"algg")  # ggml, ggmf, ggjt, ggla as little-endian numbers


def is_gguf(path: Path) -> bool:
    """Whether the file begins like a GGUF file; False when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"GGUF", b"FUGG")
    except OSError:
        return False


def read_gguf(source: Path | BinaryIO, *, arrays: bool = True) -> GGUF:
    """Read and check metadata and tensor table.

    With `arrays=False` arrays of more than 1024 elements (vocabularies) become SkippedArray.
    Raises GGUFError when the file is malformed, StorageError when it cannot be read.
    """
    return _read(source, arrays=arrays, scan=False)


def scan_header(source: Path | BinaryIO) -> GGUF:
    """Read only the metadata before the first `tokenizer.` key: quick, enough for lists, no tensors.

    Keys that come later are missing from the result. Raises like read_gguf.
    """
    return _read(source, arrays=False, scan=True)


def _read(source: Path | BinaryIO, *, arrays: bool, scan: bool) -> GGUF:
    try:
        if isinstance(source, Path):
            with source.open("rb", buffering=0) as file:
                return _Reader(file, arrays=arrays).read(scan=scan)
        return _Reader(source, arrays=arrays).read(scan=scan)
    except OSError as error:
        where = source if isinstance(source, Path) else "GGUF file"
        reason = (error.strerror or str(error)).lower()
        raise StorageError(f"open {where}: {reason}") from error


@dataclass(frozen=True, slots=True)
class _Layout:
    """How this file writes numbers; version 1 counts in 32 bits and ends strings with a zero byte."""

    order: str
    version: int

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("I" if self.version == 1 else "Q"))

    @property
    def word(self) -> struct.Struct:
        return struct.Struct(self.order + "I")

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + "Q")


class _Reader:
    def __init__(self, file: BinaryIO, *, arrays: bool) -> None:
        self._size = file.seek(0, os.SEEK_END)
        self._window = Window(file, self._size)
        self._arrays = arrays
        layout = self._read_magic()
        self._version = layout.version
        self._order = layout.order
        self._count, self._word, self._offset = layout.count, layout.word, layout.offset
        self._types: dict[str, GGUFType] = {}

    def read(self, *, scan: bool) -> GGUF:
        num_tensors, num_keys = self._window.unpack(self._count), self._window.unpack(self._count)
        if num_tensors > MAX_TENSORS or num_keys > MAX_KEYS:
            raise GGUFError(f"GGUF file claims {num_tensors} tensors and {num_keys} keys: too many")
        self._window.require(num_tensors, at_least=self._count.size + 16)
        self._window.require(num_keys, at_least=self._count.size + 5)
        metadata = self._read_metadata(num_keys, scan=scan)
        alignment = self._alignment(metadata)
        tensors = () if scan else tuple(self._read_tensor() for _ in range(num_tensors))
        data_offset = -(-self._window.position // alignment) * alignment
        for tensor in tensors:
            self._check_placement(tensor, data_offset)
        if len({tensor.name for tensor in tensors}) < len(tensors):
            raise GGUFError("GGUF file has two tensors of the same name")
        return GGUF(
            version=self._version,
            metadata=metadata,
            types=self._types,
            tensors=tensors,
            data_offset=data_offset,
            size=self._size,
            alignment=alignment,
            big_endian=self._order == ">",
        )

    def _read_magic(self) -> _Layout:
        if self._size < 4:
            raise GGUFError("invalid file magic")
        magic = self._window.take(4)
        if magic in _OLDER_MAGICS:
            raise GGUFError("unsupported model format")
        if magic not in (b"GGUF", b"FUGG"):
            raise GGUFError("invalid file magic")
        order = "<" if magic == b"GGUF" else ">"
        version = self._window.unpack(struct.Struct(order + "I"))
        if order == "<" and version and version & 0xFFFF == 0:
            # Big-endian files of llama.cpp keep the order of the magic's bytes.
            order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version == 0:
            raise GGUFError("unsupported model format")
        return _Layout(order, version)

    def _read_metadata(self, num_keys: int, *, scan: bool) -> dict[str, Value]:
        metadata: dict[str, Value] = {}
        for _ in range(num_keys):
            key = self._read_name("key")
            if scan and key.startswith("tokenizer.") and "general.architecture" in metadata:
                break
            if key in metadata:
                raise GGUFError(f'GGUF file has the key "{key}" twice')
            metadata[key], self._types[key] = self._read_value()
        return metadata

    def _read_name(self, what: str) -> str:
        try:
            return self._read_bytes().decode()
        except UnicodeDecodeError as error:
            raise GGUFError(f"GGUF file has a {what} that is not UTF-8") from error

    def _read_bytes(self) -> bytes:
        return self._without_zero(self._window.take_string(self._count))

    def _without_zero(self, data: bytes) -> bytes:
        return data.removesuffix(b"\0") if self._version == 1 else data

    def _read_value(self) -> tuple[Value, GGUFType]:
        kind = _value_type(self._window.unpack(self._word), "invalid type")
        if kind is ValueType.ARRAY:
            return self._read_array()
        if kind is ValueType.STRING:
            return _text(self._read_bytes()), kind
        return self._read_numbers(kind, 1)[0], kind

    def _read_array(self) -> tuple[Value, ArrayType]:
        number = self._window.unpack(self._word)
        item = _value_type(number, "invalid array type")
        if item is ValueType.ARRAY:
            raise GGUFError(f"invalid array type: {number}")
        count = self._window.unpack(self._count)
        if count > MAX_ARRAY:
            raise GGUFError(f"GGUF array size {count} exceeds maximum {MAX_ARRAY}")
        width = self._count.size if item is ValueType.STRING else struct.calcsize("=" + FORMATS[item])
        self._window.require(count, at_least=width)
        if not self._arrays and count > SHORT_ARRAY:
            if item is ValueType.STRING:
                self._window.skip_strings(count, self._count)
            else:
                self._window.skip(count * width)
            return SkippedArray(count), ArrayType(item)
        if item is ValueType.STRING:
            strings = self._window.take_strings(count, self._count)
            return [_text(self._without_zero(string)) for string in strings], ArrayType(item)
        return self._read_numbers(item, count), ArrayType(item)

    def _read_numbers(self, kind: ValueType, count: int) -> list[Scalar]:
        numbers = array(FORMATS[kind])
        numbers.frombytes(self._window.take(count * numbers.itemsize))
        if (self._order == "<") != (sys.byteorder == "little"):
            numbers.byteswap()
        if kind is ValueType.BOOL:
            return [value != 0 for value in numbers]
        return list(numbers)

    def _alignment(self, metadata: dict[str, Value]) -> int:
        alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
        kind = self._types.get("general.alignment", ValueType.UINT32)
        if not isinstance(alignment, int) or kind is not ValueType.UINT32:
            raise GGUFError("invalid GGUF alignment: not an unsigned 32-bit number")
        if alignment <= 0 or alignment & (alignment - 1):
            raise GGUFError(f"invalid GGUF alignment: {alignment}")
        return alignment

    def _read_tensor(self) -> TensorInfo:
        name = self._read_name("tensor name")
        num_dimensions = self._window.unpack(self._word)
        if num_dimensions > MAX_DIMENSIONS:
            raise GGUFError(
                f'tensor "{name}" has {num_dimensions} dimensions, at most {MAX_DIMENSIONS} exist'
            )
        shape = tuple(self._window.unpack(self._count) for _ in range(num_dimensions))
        tensor = TensorInfo(name, shape, self._window.unpack(self._word), self._window.unpack(self._offset))
        _check_shape(tensor)
        return tensor

    def _check_placement(self, tensor: TensorInfo, data_offset: int) -> None:
        end = data_offset + tensor.offset + tensor.num_bytes
        if end > self._size:
            raise GGUFError(f'tensor "{tensor.name}" offset+size ({end}) exceeds file size ({self._size})')


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _value_type(number: int, message: str) -> ValueType:
    try:
        return ValueType(number)
    except ValueError as error:
        raise GGUFError(f"{message}: {number}") from error


def _check_shape(tensor: TensorInfo) -> None:
    """Refuse what has no size: an unknown type, rows that are no whole blocks, too many elements.

    A dimension of 0 is refused too: some builds of the engine divide by it.
    """
    packing = TENSOR_TYPES.get(tensor.type)
    first = tensor.shape[0] if tensor.shape else 1
    if packing is None:
        raise GGUFError(f'tensor "{tensor.name}" size overflow: type {tensor.type} is unknown')
    if first % packing.block_size:
        raise GGUFError(
            f'tensor "{tensor.name}" size overflow: {first} is no multiple of {packing.block_size}, '
            f"the block size of {packing.name}"
        )
    if not 0 < tensor.num_elements <= MAX_ELEMENTS:
        raise GGUFError(f'tensor "{tensor.name}" size overflow: {tensor.num_elements} elements')
