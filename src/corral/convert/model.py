"""A checkpoint as the weights of a GGUF file. Source: store.md 7.3 to 7.5."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from corral.convert.architectures import Architecture, architecture_of
from corral.convert.architectures.base import as_it_is
from corral.convert.checkpoint import Checkpoint
from corral.convert.config import Config
from corral.convert.file_types import F16, F32
from corral.convert.fp8 import decoded, source_keys
from corral.convert.pooling import pooling_keys
from corral.convert.renaming import Place, is_left_out, place_of
from corral.convert.safetensors import Tensor
from corral.convert.tokenizers import tokenizer_keys
from corral.convert.weights import Weight, Weights, file_type_of, stacked, weights_of
from corral.errors import CorruptData
from corral.gguf import TensorInfo, Value, ValueType

# What the user should hear about a conversion, one line each.
Say = Callable[[str], None]

_VECTORS = (".bias", ".ffn_gate_inp.weight", "token_types.weight")


def read_model(checkpoint: Checkpoint, say: Say) -> Weights:
    """The network, its tokenizer and its chat template.

    Raises InvalidInput when a file is missing, CorruptData when one is malformed, Unsupported when the engine
    lacks what the model needs.
    """
    raw = checkpoint.required("config.json")
    architecture = architecture_of(raw)
    config = architecture.configured(raw)
    stored = checkpoint.tensors()
    tensors = _tensors(decoded(stored, raw), architecture, config, say)
    own = architecture.keys(config) | source_keys(stored)
    if architecture.is_encoder:
        own |= pooling_keys(checkpoint)
    keys = {f"{architecture.name}.{key}": value for key, value in own.items()}
    num_rows = next((tensor.shape[1] for tensor in tensors if tensor.name == "token_embd.weight"), 0)
    vocabulary, vocabulary_types = tokenizer_keys(checkpoint, config, num_rows, say)
    metadata = dict(sorted({**_general(architecture, tensors), **keys, **vocabulary}.items()))
    whole = {key: ValueType.UINT32 for key, value in metadata.items() if type(value) is int}
    return weights_of(metadata, tensors, {**whole, **vocabulary_types})


def unquantized_type(tensor: TensorInfo) -> int:
    """The type that a tensor gets when nobody asked for another: as stored, small ones in F32."""
    is_vector = all(size == 1 for size in tensor.shape[1:])
    if is_vector or tensor.name.endswith(_VECTORS):
        return F32
    return F16 if tensor.type == F32 else tensor.type


def _general(architecture: Architecture, tensors: Sequence[Weight]) -> dict[str, Value]:
    # Matrices of 32 bits are written with 16.
    file_type = file_type_of([tensor for tensor in tensors if tensor.type != F32])
    return {
        "general.architecture": architecture.name,
        "general.type": "model",
        "general.file_type": file_type,
        "general.quantization_version": 2,
    }


def _tensors(
    stored: Mapping[str, Tensor], architecture: Architecture, config: Config, say: Say
) -> list[Weight]:
    groups: dict[str, list[tuple[Place, Tensor]]] = defaultdict(list)
    for name, tensor in stored.items():
        if place := place_of(name, architecture):
            groups[place.name].append((place, tensor))
    if left := sum(is_left_out(name, architecture) for name in stored):
        say(f"leaving out {left} tensors of parts that are not text")
    if config.flag("tie_word_embeddings", default=False):
        groups.pop("output.weight", None)  # a copy: the class itself does not read it
    _check_blocks(groups, config)
    made = [_weight(name, group, architecture, config) for name, group in groups.items()]
    return sorted([*made, *architecture.more(config)], key=lambda weight: weight.name)


def _weight(
    name: str, group: Sequence[tuple[Place, Tensor]], architecture: Architecture, config: Config
) -> Weight:
    place, tensor = group[0]
    if place.expert is not None:
        return stacked(name, _in_order(name, group))
    if len(group) > 1:
        raise CorruptData(f"duplicate tensor name '{name}' was found for this model")
    return architecture.makers.get(place.module, as_it_is)(name, tensor, config)


def _in_order(name: str, group: Sequence[tuple[Place, Tensor]]) -> list[Tensor]:
    """The experts' tensors. Raises CorruptData when one is missing or there twice."""
    ordered = sorted(group, key=lambda item: item[0].expert or 0)
    if [place.expert for place, _ in ordered] != list(range(len(ordered))):
        raise CorruptData(f"{name}: the experts are not complete")
    return [tensor for _, tensor in ordered]


def _check_blocks(groups: Mapping[str, Sequence[tuple[Place, Tensor]]], config: Config) -> None:
    """Raises CorruptData when a block lacks a tensor that others have, and when there are too many blocks."""
    count = config.count("num_hidden_layers", "n_layers", "n_layer")
    kinds = {(group[0][0].module, name.rpartition(".")[2]) for name, group in groups.items()}
    num_in_blocks = 0
    for module, kind in sorted(kinds):
        for block in range(count if "*" in module else 0):
            name = f"{module.replace('*', str(block))}.{kind}"
            if name not in groups:
                raise CorruptData(f"the checkpoint has no tensor for {name}")
            num_in_blocks += 1
    if sum("*" in group[0][0].module for group in groups.values()) > num_in_blocks:
        raise CorruptData(f"the checkpoint has more than the {count} blocks of config.json")
