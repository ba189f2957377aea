"""A weights file that is not written yet: its header, and the way to the bytes of each tensor.

An existing GGUF is one, and a checkpoint that an architecture has described is one. Their tensors have the
types of their bytes; which type each gets in the new file is decided by whoever writes it (`rewrite`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corral.convert.file_types import BF16, F16, F32
from corral.convert.safetensors import Raw, Tensor
from corral.errors import Unsupported
from corral.gguf import FILE_TYPE_NAMES, GGUF, DataSource, GGUFType, TensorInfo, Value

TYPES: Mapping[str, int] = {"F32": F32, "F16": F16, "BF16": BF16}


@dataclass(frozen=True, slots=True)
class Weights:
    """`header` describes the tensors as `data` gives them."""

    header: GGUF
    data: DataSource


@dataclass(frozen=True, slots=True)
class Weight:
    """One tensor on its way: `shape` has the fastest dimension first, `type` is that of the bytes."""

    name: str
    shape: tuple[int, ...]
    type: int
    pieces: Callable[[], Iterable[bytes]]


def weights_of(
    metadata: Mapping[str, Value], tensors: Sequence[Weight], types: Mapping[str, GGUFType] | None = None
) -> Weights:
    """Weights out of their parts. Keys have their full names."""
    pieces = {tensor.name: tensor.pieces for tensor in tensors}
    infos = tuple(TensorInfo(tensor.name, tensor.shape, tensor.type) for tensor in tensors)
    size = sum(info.num_bytes for info in infos)
    header = GGUF(version=3, metadata=metadata, types=types or {}, tensors=infos, size=size)
    return Weights(header, lambda info: pieces[info.name]())


def file_type_of(tensors: Sequence[Weight]) -> int:
    """The number of the file type that the matrices have; of several the most precise."""
    kinds = {tensor.type for tensor in tensors if len(tensor.shape) > 1}
    name = next((name for name, kind in TYPES.items() if kind in kinds), "F16")
    return next(number for number, known in FILE_TYPE_NAMES.items() if known == name)


def type_of(tensor: Tensor) -> int:
    """Raises Unsupported for a type that weights cannot have."""
    if tensor.dtype not in TYPES:
        raise Unsupported(f"unknown data type: {tensor.dtype}")
    return TYPES[tensor.dtype]


def as_stored(name: str, tensor: Tensor) -> Weight:
    """The bytes as they are, whatever the size of the tensor."""
    return Weight(name, _shape(tensor.shape), type_of(tensor), tensor.pieces)


def changed(name: str, tensor: Tensor, change: Callable[[Raw], Raw]) -> Weight:
    """The numbers moved about, in one piece; `change` keeps their number and their width."""
    shape = tensor.shape

    def pieces() -> Iterator[bytes]:
        yield change(tensor.read()).tobytes()

    return Weight(name, _shape(shape), type_of(tensor), pieces)


def stacked(name: str, tensors: Sequence[Tensor]) -> Weight:
    """Tensors of one shape and type behind each other, as one with a further dimension."""
    first = tensors[0]
    if any((tensor.shape, tensor.dtype) != (first.shape, first.dtype) for tensor in tensors):
        raise Unsupported(f"the parts of {name} differ in shape or type")

    def pieces() -> Iterator[bytes]:
        for tensor in tensors:
            yield from tensor.pieces()

    return Weight(name, (*_shape(first.shape), len(tensors)), type_of(first), pieces)


def computed(name: str, numbers: Raw) -> Weight:
    """A small tensor of 32-bit floats that stands in no file."""
    return Weight(name, _shape(numbers.shape), F32, lambda: [numbers.tobytes()])


def _shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(reversed(shape)) or (1,)
