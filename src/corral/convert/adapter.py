"""A LoRA adapter, as PEFT or MLX save one, as the weights of a GGUF file. Source: store.md 7.6."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

from corral.convert.architectures import ADAPTABLE, Architecture
from corral.convert.architectures.base import as_it_is
from corral.convert.checkpoint import Checkpoint
from corral.convert.config import Config
from corral.convert.renaming import place_of
from corral.convert.safetensors import Raw, Tensor
from corral.convert.weights import Weight, Weights, as_stored, file_type_of, weights_of
from corral.errors import CorruptData, Unsupported
from corral.gguf import GGUF, TensorInfo, Value, ValueType

_PREFIX = "base_model.model."
# The end of a name -> which of the two matrices, and whether of an embedding.
_SIDES: Mapping[str, tuple[str, bool]] = {
    ".lora_A.weight": ("a", False),
    ".lora_B.weight": ("b", False),
    ".lora_a": ("a", False),
    ".lora_b": ("b", False),
    ".lora_embedding_A": ("a", True),
    ".lora_embedding_B": ("b", True),
}
# What changes a model otherwise than by the product of two matrices, or scales modules differently.
_OTHER_KINDS = ("use_dora", "modules_to_save", "alpha_pattern", "lora_bias")


@dataclass(frozen=True, slots=True)
class _Turned:
    """A matrix that reads with rows and columns exchanged."""

    stored: Tensor

    @property
    def name(self) -> str:
        return self.stored.name

    @property
    def dtype(self) -> str:
        return self.stored.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape[::-1]

    def pieces(self) -> Iterator[bytes]:
        yield self.read().tobytes()

    def read(self) -> Raw:
        return self.stored.read().T


@dataclass(slots=True)
class _Pair:
    """The two matrices of one module: `a` leads from its input to few numbers, `b` on to its output."""

    module: str
    is_embedding: bool = False
    a: Tensor | None = None
    b: Tensor | None = None


def read_adapter(checkpoint: Checkpoint, base: GGUF) -> Weights:
    """The adapter for the model `base`, whose names and order of heads it gets.

    Raises InvalidInput when a file is missing, CorruptData when one is malformed or fits another model,
    Unsupported for adapters that the engine cannot apply.
    """
    config = checkpoint.required("adapter_config.json")
    if base.architecture not in ADAPTABLE:
        raise Unsupported("unsupported architecture")
    for kind in _OTHER_KINDS:
        if config.values.get(kind):
            raise Unsupported(f"adapters with {kind} are not supported")
    architecture = ADAPTABLE[base.architecture]
    pairs = _pairs(checkpoint.tensors(), architecture)
    fitting = {tensor.name: tensor for tensor in base.tensors}
    heads = Config({"num_attention_heads": base.head_count, "num_key_value_heads": base.head_count_kv})
    ranks: set[int] = set()
    tensors: list[Weight] = []
    for name, pair in sorted(pairs.items()):
        a, b = _oriented(name, pair, fitting.get(name))
        ranks.add(b.shape[1])
        turn = architecture.makers.get(pair.module, as_it_is)
        tensors += [as_stored(f"{name}.lora_a", a), turn(f"{name}.lora_b", b, heads)]
    return weights_of(
        _metadata(config, base, ranks, tensors), tensors, {"general.file_type": ValueType.UINT32}
    )


def _pairs(stored: Mapping[str, Tensor], architecture: Architecture) -> dict[str, _Pair]:
    """The matrices by the name of the tensor that they change."""
    pairs: dict[str, _Pair] = {}
    for name, tensor in stored.items():
        module, side, is_embedding = _side(name)
        place = place_of(f"{module}.weight", architecture)
        if place is None or place.expert is not None:
            raise Unsupported(f"the engine cannot apply an adapter to {module}")
        pair = pairs.setdefault(place.name, _Pair(place.module, is_embedding))
        setattr(pair, side, tensor)
    if not pairs:
        raise CorruptData("the adapter has no matrices")
    return pairs


def _side(name: str) -> tuple[str, str, bool]:
    for ending, (side, is_embedding) in _SIDES.items():
        if name.endswith(ending):
            return name.removeprefix(_PREFIX).removesuffix(ending), side, is_embedding
    raise Unsupported(f'tensor "{name[:200]}" is no matrix of a LoRA adapter')


def _oriented(name: str, pair: _Pair, changed: TensorInfo | None) -> tuple[Tensor, Tensor]:
    """The pair as (rank, inputs) and (outputs, rank); of an embedding as (tokens, rank) and (width, rank)."""
    if changed is None:
        raise CorruptData(f"the base model has no tensor {name}")
    a, b = pair.a, pair.b
    if a is None or b is None or len(a.shape) != 2 or len(b.shape) != 2:
        raise CorruptData(f"the adapter has no two matrices for {name}")
    if pair.is_embedding:
        a = _Turned(a)
        wanted = (changed.shape[1], changed.shape[0])
        fits = (a.shape[0], b.shape[0]) == wanted and a.shape[1] == b.shape[1]
    else:
        # MLX saves both the other way round.
        inputs, outputs = changed.shape[0], changed.shape[1]
        a = a if a.shape[1] == inputs else _Turned(a)
        b = b if b.shape[0] == outputs and b.shape[1] == a.shape[0] else _Turned(b)
        fits = (a.shape[1], b.shape[0]) == (inputs, outputs) and a.shape[0] == b.shape[1]
    if not fits:
        raise CorruptData(f"the adapter does not fit the base model's {name}")
    return a, b


def _metadata(config: Config, base: GGUF, ranks: set[int], tensors: list[Weight]) -> dict[str, Value]:
    return {
        "general.architecture": base.architecture,
        "general.type": "adapter",
        "general.version": "v0.2",
        "general.file_type": file_type_of(tensors),
        "adapter.type": "lora",
        "adapter.lora.alpha": _alpha(config, ranks),
    }


def _alpha(config: Config, ranks: set[int]) -> float:
    """The engine scales each product by alpha / rank."""
    mlx = config.section("lora_parameters")
    if mlx.number("alpha", default=0.0):
        return mlx.number("alpha")
    root = config.flag("use_rslora", default=False)
    if (mlx.has("scale") or root) and len(ranks) > 1:
        raise Unsupported("adapters of several ranks with one scale are not supported")
    rank = min(ranks)
    if mlx.has("scale"):
        return mlx.number("scale") * rank
    return config.number("lora_alpha") * (sqrt(rank) if root else 1.0)
