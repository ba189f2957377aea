"""The tuned model in one file: the base's own GGUF, with what the adapters add in its tensors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from corral.convert import file_type_named, quantize
from corral.errors import InvalidInput
from corral.gguf import TensorInfo, ValueType, tensor_data, write_gguf
from corral.tune.train.tensors import Delta, Stored, deltas

_F16, _F16_FILE = 1, 1  # as a type of tensors, and as one of files
_LARGEST = np.finfo(np.float16).max


def check_file_type(text: str) -> None:
    """Raises InvalidInput for a word that is no file type."""
    if text and not file_type_named(text):
        raise InvalidInput(f"unsupported quantization type {text.upper()}")


def write_merged(stored: Stored, adapters: Sequence[Path], target: Path) -> None:
    """Tensors that change become 16-bit floats; all others, the tokenizer and the rest stay as they are."""
    changes: dict[str, list[Delta]] = defaultdict(list)
    for adapter in adapters:
        for delta in deltas(adapter, stored):
            changes[delta.name].append(delta)
    tensors = [
        replace(tensor, type=_F16) if tensor.name in changes else tensor for tensor in stored.gguf.tensors
    ]
    unchanged = tensor_data(stored.path, stored.gguf)

    def pieces(tensor: TensorInfo) -> Iterator[bytes]:
        if tensor.name not in changes:
            yield from unchanged(tensor)
            return
        numbers = stored.small(tensor.name)
        assert numbers is not None
        for delta in changes[tensor.name]:
            numbers += delta.read()
        yield np.clip(numbers, -_LARGEST, _LARGEST).astype(np.float16).tobytes()

    metadata = {**stored.gguf.metadata, "general.file_type": _F16_FILE}
    types = {**stored.gguf.types, "general.file_type": ValueType.UINT32}
    with target.open("wb") as file:
        write_gguf(file, metadata, tensors, pieces, types=types, as_given=True)


async def write_quantized(source: Path, target: Path, file_type: str, num_threads: int) -> None:
    """Raises CreateError and its kin: see `corral.convert.quantize`."""
    with target.open("wb") as file:
        async for _ in quantize(source, file, file_type_named(file_type), num_threads=num_threads):
            pass
