"""Files of the safetensors format: a JSON table of tensors, then their bytes. Read here, never written.

The package of that name reads into frameworks' arrays and knows no BF16 without one; what is needed here is
the bytes, a piece at a time, out of files that are taken for hostile. Source: the format's description,
section "Format" (github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from corral.errors import CorruptData

_MAX_HEADER = 100_000_000  # bytes, as the format's own reader has it
_PIECE = 4 << 20
# Bits of an element. A type that is missing here may stand in a file, as long as nobody asks for its tensor.
_BITS: Mapping[str, int] = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8} | {
    f"{sign}{bits}": bits for sign in "IU" for bits in (8, 16, 32, 64)
}
# Numbers are moved about as they are, so 16-bit floats of either kind are whole numbers here.
_PLAIN: Mapping[int, Any] = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}

Raw = NDArray[Any]


class Tensor(Protocol):
    """Numbers that can be read: `dtype` is the format's word, `shape` has the slowest dimension first."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def pieces(self) -> Iterator[bytes]:
        """The bytes in order, some MB at a time. Raises OSError, CorruptData when the file has shrunk."""
        ...

    def read(self) -> Raw:
        """The whole tensor as unsigned numbers of its width, in its shape."""
        ...


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file; `offset` is in bytes from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    offset: int
    num_bytes: int

    def pieces(self) -> Iterator[bytes]:
        left = self.num_bytes
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while left and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
        if left:
            raise CorruptData(f"{self.path.name} became shorter while it was read")

    def read(self) -> Raw:
        kind = _PLAIN[_BITS[self.dtype]]
        return np.frombuffer(b"".join(self.pieces()), dtype=kind).reshape(self.shape)


def read_table(path: Path, label: str) -> list[StoredTensor]:
    """The tensors of a file, which messages call `label`.

    Raises CorruptData when the table is malformed or a tensor lies outside of the file, OSError.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(_MAX_HEADER, size - 8):
            raise CorruptData(f"{label} is no safetensors file: its header does not fit into it")
        table = _decode(file.read(length), label)
    start = 8 + length
    return [
        _entry(name, entry, path, start, size, label)
        for name, entry in table.items()
        if name != "__metadata__" and not (isinstance(entry, dict) and "dtype" not in entry)
    ]


def _decode(data: bytes, label: str) -> dict[str, Any]:
    try:
        table = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorruptData(f"{label} is no safetensors file: its header is not JSON") from error
    if not isinstance(table, dict):
        raise CorruptData(f"{label} is no safetensors file: its header is no object")
    return table


def _entry(name: str, entry: Any, path: Path, start: int, size: int, label: str) -> StoredTensor:
    problem = CorruptData(f'{label}: the entry of tensor "{name[:200]}" is malformed')
    if not isinstance(entry, dict):
        raise problem
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise problem
    begin, end = offsets
    if begin > end or start + end > size:
        raise CorruptData(f'{label}: tensor "{name[:200]}" lies outside of the file')
    if 0 in shape:
        raise CorruptData(f'{label}: tensor "{name[:200]}" has no elements')
    if dtype in _BITS and prod(shape) * _BITS[dtype] != (end - begin) * 8:
        raise problem
    return StoredTensor(name, dtype, tuple(shape), path, start + begin, end - begin)


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
