"""Tensors of a GGUF file in the order of transformers' networks, and what adapters add to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corral.convert.architectures import ADAPTABLE, Architecture
from corral.convert.architectures.base import plus_one
from corral.convert.renaming import Place, place_of
from corral.errors import CorruptData, Unsupported
from corral.gguf import GGUF, TensorInfo, read_gguf

Floats = NDArray[np.float32]

_PIECE = 16 << 20  # numbers that are unpacked at once


@dataclass(frozen=True, slots=True)
class Stored:
    """The weights file of a model, open for reading: names are those of transformers' parameters."""

    path: Path
    gguf: GGUF

    @property
    def architecture(self) -> Architecture:
        return ADAPTABLE[self.gguf.architecture]

    def place(self, parameter: str) -> Place:
        """Raises Unsupported for a parameter that such a file has no place for."""
        place = place_of(parameter, self.architecture)
        if place is None:
            raise Unsupported(f"the weights of {parameter} are in no GGUF file")
        return place

    def info(self, parameter: str) -> TensorInfo:
        """Raises CorruptData when the file lacks the tensor."""
        wanted = self.place(parameter).name
        for tensor in self.gguf.tensors:
            if tensor.name == wanted:
                return tensor
        raise CorruptData(f"the served model has no tensor {wanted}, which {parameter} is read from")

    def read(self, parameter: str) -> Floats:
        """The numbers of a parameter in its own shape, slowest dimension first."""
        rows = self._floats(self.info(parameter))
        return self.in_halves(parameter, rows) - self._offset(parameter)

    def small(self, name: str) -> Floats | None:
        """The numbers of the tensor `name`, called as in the file; None where there is none."""
        found = [tensor for tensor in self.gguf.tensors if tensor.name == name]
        return self._floats(found[0]) if found else None

    def in_halves(self, parameter: str, rows: Floats) -> Floats:
        """Rows of queries and keys from neighbours, which the engine turns, to halves, which others turn."""
        place = self.place(parameter)
        maker = self.architecture.makers.get(place.module)
        if maker is None or maker is plus_one:
            return rows
        heads = self.gguf.head_count_kv if place.module.endswith("attn_k") else self.gguf.head_count
        pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
        return pairs.swapaxes(1, 2).reshape(rows.shape)

    def _offset(self, parameter: str) -> float:
        """What the conversion has added: some norms are kept as their distance from 1."""
        return 1.0 if self.architecture.makers.get(self.place(parameter).module) is plus_one else 0.0

    def _floats(self, tensor: TensorInfo) -> Floats:
        # Imported late: a part of the extra `tune`.
        from gguf import GGMLQuantizationType, quants

        columns, count = tensor.shape[0], tensor.num_elements // tensor.shape[0]
        start, width = self.gguf.data_offset + tensor.offset, tensor.num_bytes // count
        packed = np.memmap(self.path, np.uint8, "r", start, (count, width))
        rows, step = np.empty((count, columns), np.float32), max(1, _PIECE // columns)
        for row in range(0, count, step):
            piece = np.ascontiguousarray(packed[row : row + step])
            rows[row : row + step] = quants.dequantize(piece, GGMLQuantizationType(tensor.type))
        return rows.reshape(tensor.shape[::-1])


@dataclass(frozen=True, slots=True)
class Delta:
    """What an adapter adds to one tensor, which is called `name` in the file."""

    adapter: Stored
    name: str
    scale: float

    def read(self) -> Floats:
        """(rows, columns), in the order of the file."""
        a, b = self.adapter.small(f"{self.name}.lora_a"), self.adapter.small(f"{self.name}.lora_b")
        assert a is not None
        assert b is not None
        return self.scale * (b @ a)


def deltas(path: Path, base: Stored) -> list[Delta]:
    """What a GGUF adapter adds to the tensors of `base`.

    Raises CorruptData for an adapter without a strength, Unsupported for one that is not of linear layers.
    """
    adapter = Stored(path, read_gguf(path, arrays=False))
    alpha = adapter.gguf.metadata.get("adapter.lora.alpha")
    if not isinstance(alpha, int | float):
        raise CorruptData(f"the adapter {path.name} has no adapter.lora.alpha")
    sizes = {tensor.name: tensor.shape for tensor in base.gguf.tensors}
    own = {tensor.name: tensor.shape for tensor in adapter.gguf.tensors}
    found = []
    for name in sorted({name.rpartition(".")[0] for name in own}):
        a, b = own.get(f"{name}.lora_a", ()), own.get(f"{name}.lora_b", ())
        if len(a) != 2 or len(b) != 2 or (a[0], b[1]) != sizes.get(name) or a[1] != b[0]:
            raise Unsupported(f"an adapter of the base cannot be built upon: what it does to {name}")
        found.append(Delta(adapter, name, alpha / a[1]))
    return found
