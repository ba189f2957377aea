"""The number formats of llama.cpp, called through the C interface that the engine's library exports.

Runs in the child only. The calls let go of the interpreter's lock, so threads run beside each other.
"""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path
from typing import Any

from corral.convert.file_types import BF16, F16, F32
from corral.gguf import TENSOR_TYPES

_POINTER, _COUNT = ctypes.c_void_p, ctypes.c_int64


class InvalidWeights(Exception):
    """A chunk has numbers that are none, or too large for the type asked for."""


class Kernels:
    """Chunks of rows from one type to another. May be used by several threads at once.

    Raises OSError when the library cannot be loaded, AttributeError when it lacks a function.
    """

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._function("ggml_cpu_init")()  # fills the tables that the conversions look into
        self._quantize = self._function(
            "ggml_quantize_chunk",
            [ctypes.c_int, _POINTER, _POINTER, _COUNT, _COUNT, _COUNT, _POINTER],
            ctypes.c_size_t,
        )
        self._is_valid = self._function(
            "ggml_validate_row_data", [ctypes.c_int, _POINTER, ctypes.c_size_t], ctypes.c_bool
        )
        self._scratch = threading.local()

    def check_source(self, kind: int) -> None:
        """Raises AttributeError when this library cannot read the type `kind`."""
        if kind != F32:
            self._to_float(kind)

    def convert(
        self, data: bytes, source: int, target: int, num_columns: int, importance: bytes | None = None
    ) -> bytes:
        """Whole rows of type `source` as rows of type `target`. Raises InvalidWeights.

        `importance` has a 32-bit float for each column: where errors weigh most.
        """
        packing, wanted = TENSOR_TYPES[source], TENSOR_TYPES[target]
        count = len(data) // packing.block_bytes * packing.block_size
        if not self._is_valid(source, data, len(data)):
            raise InvalidWeights
        floats = self._floats(data, source, count)
        result = ctypes.create_string_buffer(count // wanted.block_size * wanted.block_bytes)
        self._quantize(target, floats, result, 0, count // num_columns, num_columns, importance)
        if not self._is_valid(target, result, len(result)):
            raise InvalidWeights
        return result.raw

    def _floats(self, data: bytes, source: int, count: int) -> Any:
        """`count` numbers as 32-bit floats, in a buffer that this thread uses again and again."""
        if source == F32:
            return data
        if count > getattr(self._scratch, "size", 0):
            self._scratch.floats = (ctypes.c_float * count)()
            self._scratch.size = count
        self._to_float(source)(data, self._scratch.floats, count)
        return self._scratch.floats

    def _to_float(self, kind: int) -> Any:
        names = {F16: "ggml_cpu_fp16_to_fp32", BF16: "ggml_bf16_to_fp32_row"}
        # The library writes q8_0 and iq4_xs, but q4_K.
        plain = TENSOR_TYPES[kind].name.lower().replace("_k", "_K")
        return self._function(names.get(kind, f"dequantize_row_{plain}"), [_POINTER, _POINTER, _COUNT])

    def _function(self, name: str, arguments: list[Any] | None = None, result: Any = None) -> Any:
        function = getattr(self._library, name)
        function.argtypes = arguments or []
        function.restype = result
        return function
