"""Importance matrices: how much the numbers in each column of a matrix matter, as llama.cpp measures it.

Two forms exist: a GGUF file with sums and counts, and the older file of records.
Source: llama.cpp, `tools/imatrix`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from corral.convert.numbers import Floats
from corral.errors import CorruptData
from corral.gguf import TensorInfo, is_gguf, read_gguf, tensor_data

# The importance of the columns by the number of a row, as 32-bit floats; None for a tensor without any.
OfRow = Callable[[int], bytes]
Importance = Callable[[TensorInfo], OfRow | None]

_SUMS, _COUNTS = ".in_sum2", ".counts"
_MAX_SIZE = 1 << 32  # bytes


def no_importance(tensor: TensorInfo) -> OfRow | None:
    return None


def read_importance(path: Path) -> Importance:
    """Raises CorruptData, GGUFError, OSError."""
    if path.stat().st_size > _MAX_SIZE:
        raise CorruptData(f"{path.name} is too large for an importance matrix")
    found = _from_gguf(path) if is_gguf(path) else _from_records(path)
    if not found:
        raise CorruptData(f"{path.name} is no importance matrix")
    if not all(np.isfinite(numbers).all() for numbers in found.values()):
        raise CorruptData(f"{path.name} holds numbers that are none")

    def importance(tensor: TensorInfo) -> OfRow | None:
        numbers = found.get(tensor.name)
        return None if numbers is None else _by_row(tensor, numbers)

    return importance


def _by_row(tensor: TensorInfo, numbers: Floats) -> OfRow:
    """`numbers` has a part for each matrix of a stack of experts."""
    columns, rows = tensor.shape[0], tensor.shape[1]
    if numbers.size != tensor.num_elements // rows:
        raise CorruptData(f"the importance matrix does not fit the tensor {tensor.name}")
    parts = [part.tobytes() for part in numbers.reshape(-1, columns)]
    return lambda row: parts[row // rows]


def _from_gguf(path: Path) -> dict[str, Floats]:
    gguf = read_gguf(path)
    read = tensor_data(path, gguf)
    tensors = {
        tensor.name: np.frombuffer(b"".join(read(tensor)), np.float32).reshape(tensor.shape[1], -1)
        for tensor in gguf.tensors
        if tensor.type_name == "F32" and len(tensor.shape) == 2
    }
    return {
        name.removesuffix(_SUMS): _means(sums, tensors[name.removesuffix(_SUMS) + _COUNTS])
        for name, sums in tensors.items()
        if name.endswith(_SUMS) and name.removesuffix(_SUMS) + _COUNTS in tensors
    }


def _means(sums: Floats, counts: Floats) -> Floats:
    """What was never used counts as equally important."""
    if counts.shape != (sums.shape[0], 1):
        raise CorruptData("the counts of an importance matrix do not fit its sums")
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.float32(1)).astype(np.float32)


def _from_records(path: Path) -> Mapping[str, Floats]:
    try:
        with path.open("rb") as file:
            return dict(_records(file))
    except (struct.error, ValueError) as error:
        raise CorruptData(f"{path.name} is no importance matrix") from error


def _records(file: BinaryIO) -> Iterator[tuple[str, Floats]]:
    for _ in range(_number(file)):
        name = file.read(_number(file)).decode()
        calls = _number(file)
        numbers = np.frombuffer(file.read(4 * _number(file)), np.float32)
        yield name, numbers / np.float32(max(calls, 1))


def _number(file: BinaryIO) -> int:
    (number,) = struct.unpack("<i", file.read(4))
    if not 0 <= number < _MAX_SIZE:
        raise ValueError(number)
    return int(number)
