"""Numbers of a stored tensor as 32-bit floats, for what must be computed rather than moved about."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corral.convert.safetensors import Raw, Tensor
from corral.errors import Unsupported

Floats = NDArray[np.float32]


def floats_of(raw: Raw, dtype: str) -> Floats:
    """`raw` as Tensor.read gives it. Raises Unsupported for types that are no plain floats."""
    if dtype == "F32":
        return raw.view(np.float32)
    if dtype == "F16":
        return raw.view(np.float16).astype(np.float32)
    if dtype == "BF16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    raise Unsupported(f"unknown data type: {dtype}")


def read_floats(tensor: Tensor) -> Floats:
    return floats_of(tensor.read(), tensor.dtype)


def as_bf16(numbers: Floats) -> NDArray[Any]:
    """The upper halves, rounded to the nearest, ties to even. Finite numbers only."""
    bits = numbers.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
