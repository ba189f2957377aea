"""The network that is tuned, in torch, from the served GGUF file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from corral.errors import CorruptData, Unsupported
from corral.gguf import GGUF, read_gguf
from corral.tune.train.networks import network_of
from corral.tune.train.tensors import Delta, Stored, deltas

# Attention of this kind bounds its logits, which torch's fused kernels do not.
_EAGER = ("gemma2",)
# Not weights: read into the positions of the network.
_POSITIONS = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")


@dataclass(frozen=True, slots=True)
class Base:
    """`model` is a causal language model of transformers, frozen; `stored` the served weights."""

    model: Any
    stored: Stored


def load_base(weights: Path, adapters: Sequence[Path], *, dtype: torch.dtype) -> Base:
    """The network of the served model, with the adapters it has, on the CPU.

    Raises Unsupported for an architecture that cannot be tuned, CorruptData when a file does not hold what it
    must.
    """
    stored = Stored(weights, read_gguf(weights))
    network_of(stored.gguf)
    model = _from_gguf(stored, dtype)
    model.requires_grad_(False)
    model.config.use_cache = False
    for adapter in adapters:
        _add(model, stored, deltas(adapter, stored))
    return Base(model, stored)


def attention_of(gguf: GGUF) -> str:
    return "eager" if gguf.architecture in _EAGER else "sdpa"


def _from_gguf(stored: Stored, dtype: torch.dtype) -> Any:
    import transformers
    from accelerate import init_empty_weights

    network = network_of(stored.gguf)
    values = network.values(stored.gguf)
    _stretch(values, stored)
    config = getattr(transformers, network.config)(**values, attn_implementation=attention_of(stored.gguf))
    with init_empty_weights(include_buffers=False):
        model = getattr(transformers, network.model)(config)
    read = set(_POSITIONS)
    for name, parameter in _parameters(model):
        _check_shape(name, tuple(parameter.shape), stored)
        value = torch.from_numpy(stored.read(name)).to(dtype)
        _put(model, name, value)
        read.add(stored.info(name).name)
    model.tie_weights()
    if unread := [tensor.name for tensor in stored.gguf.tensors if tensor.name not in read | _extra(stored)]:
        raise Unsupported(f"the served model has tensors that {network.model} lacks: {', '.join(unread[:3])}")
    _turn(model, stored)
    return model


def _check_shape(name: str, shape: tuple[int, ...], stored: Stored) -> None:
    info = stored.info(name)
    if info.shape[::-1] != shape:
        theirs, ours = "x".join(map(str, shape)), "x".join(map(str, info.shape[::-1]))
        raise CorruptData(f"{name} is {ours} in the served model, where its network has {theirs}")


def _parameters(model: Any) -> Iterator[tuple[str, Any]]:
    """By name, without the output layer where it is the table of embeddings."""
    for name, parameter in list(model.named_parameters(remove_duplicate=False)):
        if name != "lm_head.weight" or not model.config.tie_word_embeddings:
            yield name, parameter


def _put(model: Any, name: str, value: torch.Tensor) -> None:
    module, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(module), leaf, torch.nn.Parameter(value, requires_grad=False))


def _extra(stored: Stored) -> set[str]:
    """Tensors of a projector or a draft in the same file."""
    return {tensor.name for tensor in stored.gguf.tensors if tensor.is_extra}


def _stretch(values: dict[str, Any], stored: Stored) -> None:
    """Tell a configuration about the factors for short and for long texts."""
    long, short = stored.small("rope_factors_long.weight"), stored.small("rope_factors_short.weight")
    if long is None or short is None:
        return
    factor = stored.gguf.value("rope.scaling.attn_factor")
    values["rope_parameters"] |= {
        "rope_type": "longrope",
        "long_factor": long.tolist(),
        "short_factor": short.tolist(),
        "attention_factor": factor if isinstance(factor, float) else 1.0,
        "original_max_position_embeddings": values["original_max_position_embeddings"],
    }


def _turn(model: Any, stored: Stored) -> None:
    """Slow the waves of the positions down, each by its own factor, as Llama 3.1 does."""
    factors = stored.small("rope_freqs.weight")
    if factors is None:
        return
    positions = model.model.rotary_emb
    for name in ("inv_freq", "original_inv_freq"):
        getattr(positions, name).div_(torch.from_numpy(factors))


def _add(model: Any, stored: Stored, changes: Sequence[Delta]) -> None:
    by_place = {stored.place(name).name: (name, parameter) for name, parameter in _parameters(model)}
    for change in changes:
        if change.name not in by_place:
            raise CorruptData(f"the base's adapter changes {change.name}, which the network lacks")
        name, parameter = by_place[change.name]
        numbers = torch.from_numpy(stored.in_halves(name, change.read()))
        parameter.data.add_(numbers.to(parameter.dtype))
