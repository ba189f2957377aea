"""GGUF files: what they say about the model inside, checked before anybody trusts it.

In: a path or binary file, taken for hostile. Out: `GGUF`, a value with metadata and the tensor table;
the weights themselves are never read. `write_gguf` is the way back, for imports that change a file.
Called by `library` (import, show, capabilities), `scheduler` (sizes) and `convert` (writing).
"""

from corral.gguf.model import GGUF, Scalar, SkippedArray, TensorInfo, Value
from corral.gguf.reader import is_gguf, read_gguf, scan_header
from corral.gguf.types import FILE_TYPE_NAMES, TENSOR_TYPES, ArrayType, GGUFType, TensorType, ValueType
from corral.gguf.writer import DataSource, tensor_data, write_gguf

__all__ = [
    "FILE_TYPE_NAMES",
    "GGUF",
    "TENSOR_TYPES",
    "ArrayType",
    "DataSource",
    "GGUFType",
    "Scalar",
    "SkippedArray",
    "TensorInfo",
    "TensorType",
    "Value",
    "ValueType",
    "is_gguf",
    "read_gguf",
    "scan_header",
    "tensor_data",
    "write_gguf",
]
