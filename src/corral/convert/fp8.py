"""Checkpoints whose matrices have 8-bit floats, each block of them with a scale of its own.

Source: store.md 7.4; the format E4M3FN of "FP8 Formats for Deep Learning" (arXiv 2209.05433).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corral.convert.config import Config
from corral.convert.numbers import Floats, as_bf16, read_floats
from corral.convert.safetensors import Raw, StoredTensor, Tensor
from corral.errors import CorruptData, Unsupported
from corral.gguf import Scalar, Value

_SCALES = ("_scale", "_scale_inv", ".scale", ".scale_inv")
_SECTIONS = ("quantization", "quantization_config", "compression_config")


def _values() -> Floats:
    """All 256 numbers: sign, 4 bits of exponent with a bias of 7, 3 bits of fraction."""
    codes = np.arange(256)
    exponent, fraction = (codes >> 3) & 15, codes & 7
    normal = (1 + fraction / 8) * 2.0 ** (exponent - 7.0)
    size = np.where(exponent == 0, fraction / 8 * 2.0**-6, normal)
    size[(codes & 127) == 127] = np.nan
    return np.where(codes < 128, size, -size).astype(np.float32)


_VALUES = _values()


@dataclass(frozen=True, slots=True)
class ScaledTensor:
    """A matrix of 8-bit floats that reads as one of BF16. `block` is rows and columns to a scale."""

    stored: StoredTensor
    scales: StoredTensor
    block: tuple[int, int]
    dtype: str = "BF16"

    @property
    def name(self) -> str:
        return self.stored.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    def pieces(self) -> Iterator[bytes]:
        yield self.read().tobytes()

    def read(self) -> Raw:
        rows, columns = self.shape
        high, wide = self.block
        scales = read_floats(self.scales)
        codes = self.stored.read()
        out = np.empty((rows, columns), np.uint16)
        for band in range(scales.shape[0]):  # one band of blocks at a time: floats take four times the room
            part = slice(band * high, (band + 1) * high)
            spread = np.repeat(scales[band], wide)[:columns]
            out[part] = as_bf16(_VALUES[codes[part]] * spread)
        return out


def decoded(tensors: Mapping[str, StoredTensor], config: Config) -> dict[str, Tensor]:
    """The tensors with those of 8 bits readable as BF16, and without their scales.

    Raises CorruptData when scales or their block size are missing or do not fit, Unsupported for the other
    8-bit format.
    """
    small = [name for name, tensor in tensors.items() if tensor.dtype.startswith("F8_")]
    if not small:
        return dict(tensors)
    block = _block_size(config.values)
    found: dict[str, Tensor] = {}
    used: set[str] = set()
    for name in small:
        scaled = _scaled(tensors, name, block)
        found[name] = scaled
        used.add(scaled.scales.name)
    return {name: found.get(name, tensor) for name, tensor in tensors.items() if name not in used}


def source_keys(tensors: Mapping[str, StoredTensor]) -> dict[str, Value]:
    """What the file says of weights that had 8 bits, without the architecture's prefix."""
    small: list[Scalar] = sorted(name for name, tensor in tensors.items() if tensor.dtype.startswith("F8_"))
    return {"source_quantization": "hf_fp8", "source_fp8_tensors": small} if small else {}


def _scaled(tensors: Mapping[str, StoredTensor], name: str, block: tuple[int, int] | None) -> ScaledTensor:
    tensor = tensors[name]
    if tensor.dtype != "F8_E4M3":
        raise Unsupported(f"unsupported fp8 source: {tensor.dtype}")
    if block is None:
        raise CorruptData(f'missing fp8 block size metadata for tensor "{name}"')
    names = [name + ending for ending in _SCALES]
    names += [name.removesuffix(".weight") + f".weight{ending}" for ending in _SCALES[:2]]
    found = [tensors[other] for other in dict.fromkeys(names) if other in tensors]
    if len(found) != 1:
        problem = "multiple fp8 scale companions" if found else "missing fp8 scale companion"
        raise CorruptData(f'{problem} for tensor "{name}"')
    scales, wanted = (
        found[0],
        tuple(-(-size // part) for size, part in zip(tensor.shape, block, strict=False)),
    )
    if len(tensor.shape) != 2 or scales.shape != wanted:
        raise CorruptData(f'unexpected fp8 scale shape {list(scales.shape)} for tensor "{name}"')
    return ScaledTensor(tensor, scales, block)


def _block_size(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """The one block size that config.json speaks of, at the top or in `text_config`."""
    sizes = set()
    for part in (config, config.get("text_config")):
        for section in _SECTIONS:
            if isinstance(part, dict | Mapping) and isinstance(part.get(section), dict):
                sizes |= _sizes(part[section])
    if len(sizes) > 1:
        raise CorruptData(f"multiple fp8 block sizes in config.json: {sorted(sizes)}")
    return next(iter(sizes), None)


def _sizes(section: Mapping[str, Any]) -> set[tuple[int, int]]:
    found = [section.get("weight_block_size")] if section.get("quant_method") == "fp8" else []
    groups = section.get("config_groups")
    if section.get("quant_method") == "compressed-tensors" and isinstance(groups, dict):
        weights = [group.get("weights") for group in groups.values() if isinstance(group, dict)]
        found += [part.get("block_structure") for part in weights if isinstance(part, dict)]
    return {
        (size[0], size[1])
        for size in found
        if isinstance(size, list) and len(size) == 2 and all(type(part) is int and part > 0 for part in size)
    }
