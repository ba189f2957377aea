"""What a GGUF file says about itself, as values: the metadata and the table of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal, TypeVar

from corral.gguf.types import DEFAULT_ALIGNMENT, FILE_TYPE_NAMES, TENSOR_TYPES, GGUFType, ValueType

# Tensors of a vision, audio or draft part that lives in the file of the model itself.
_EXTRA_TENSORS = ("a.", "mm.", "mtp.", "s.", "v.")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """Stands for a long array that was not read; `count` is the number of its elements."""

    count: int

    def __len__(self) -> int:
        return self.count


# A string that is not UTF-8 stays `bytes`: nothing is lost, and nothing takes it for text.
Scalar = bool | int | float | str | bytes
Value = Scalar | list[Scalar] | SkippedArray


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An entry of the tensor table.

    `shape` lists the fastest-varying dimension first; `offset` is in bytes, measured from where the
    tensor data begins.
    """

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int = 0

    @property
    def type_name(self) -> str:
        return TENSOR_TYPES[self.type].name

    @property
    def num_elements(self) -> int:
        return prod(self.shape)

    @property
    def num_bytes(self) -> int:
        packing = TENSOR_TYPES[self.type]
        return self.num_elements // packing.block_size * packing.block_bytes

    @property
    def is_extra(self) -> bool:
        """Whether it belongs to a projector or a draft that is embedded in the file."""
        return self.name.startswith(_EXTRA_TENSORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GGUF:
    """A GGUF file without its weights. `metadata`, `types` and `tensors` are in file order.

    `data_offset` is where the tensor data begins, `size` the size of the file, both in bytes.
    """

    version: int
    metadata: Mapping[str, Value]
    types: Mapping[str, GGUFType]
    tensors: tuple[TensorInfo, ...] = ()
    data_offset: int = 0
    size: int = 0
    alignment: int = DEFAULT_ALIGNMENT
    big_endian: bool = field(default=False)

    def full_key(self, key: str) -> str:
        """`key` with `<architecture>.` in front, unless it is a general or tokenizer key."""
        if key.startswith(("general.", "tokenizer.")):
            return key
        return f"{self.architecture}.{key}"

    def has(self, key: str) -> bool:
        return self.full_key(key) in self.metadata

    def value(self, key: str) -> Value | None:
        return self.metadata.get(self.full_key(key))

    def get(self, key: str, kind: type[T], default: T) -> T:
        """The value of `key` if it is exactly of the Python type `kind`, else `default`."""
        value = self.value(key)
        return value if type(value) is kind else default

    def uint(self, key: str, default: int = 0) -> int:
        """The value of `key` if it is stored as an unsigned 32-bit number: the engine is as strict."""
        full = self.full_key(key)
        value = self.metadata.get(full)
        if isinstance(value, int) and self.types[full] is ValueType.UINT32:
            return value
        return default

    @property
    def architecture(self) -> str:
        value = self.metadata.get("general.architecture")
        return value if isinstance(value, str) and value else "unknown"

    @property
    def parameter_count(self) -> int:
        """Always counted from the tensors; a key that claims it is not believed."""
        return sum(tensor.num_elements for tensor in self.tensors)

    @property
    def file_type(self) -> int | None:
        value = self.uint("general.file_type", -1)
        return None if value < 0 else value

    @property
    def file_type_name(self) -> str:
        """`Q4_K_M`; `unknown` for 0, as clients know it from create and show."""
        return FILE_TYPE_NAMES.get(self.file_type or -1, "unknown")

    @property
    def chat_template(self) -> str | None:
        return self.get("tokenizer.chat_template", str, "") or None

    @property
    def block_count(self) -> int:
        return self.uint("block_count")

    @property
    def context_length(self) -> int:
        return self.uint("context_length")

    @property
    def embedding_length(self) -> int:
        return self.uint("embedding_length")

    @property
    def head_counts(self) -> tuple[int, ...]:
        """Attention heads: one number, or one for each block."""
        return self._counts("attention.head_count")

    @property
    def head_counts_kv(self) -> tuple[int, ...]:
        """Key/value heads: one number, or one for each block (0 in a block without attention)."""
        return self._counts("attention.head_count_kv")

    @property
    def head_count(self) -> int:
        """The largest of `head_counts`, or 0."""
        return max(self.head_counts, default=0)

    @property
    def head_count_kv(self) -> int:
        """The smallest of `head_counts_kv` that is not 0, or 1."""
        return min((count for count in self.head_counts_kv if count > 0), default=1)

    @property
    def split_count(self) -> int:
        """The number of files that make up the model; 1 unless this is a shard."""
        return max(1, self._split("split.count", 1))

    @property
    def split_no(self) -> int | None:
        """The index of this shard, from 0; None when the file does not say."""
        value = self._split("split.no", -1)
        return value if value >= 0 else None

    @property
    def is_split(self) -> bool:
        return self.split_count > 1

    @property
    def kind(self) -> Literal["model", "adapter", "projector"]:
        """What the file is to a model. Source: store.md 7.1."""
        declared = self.get("general.type", str, "")
        if declared == "adapter":
            return "adapter"
        if declared in ("projector", "mmproj"):
            return "projector"
        if not self.block_count and self.uint("vision.block_count"):
            return "projector"
        encoders = ("has_vision_encoder", "has_audio_encoder")
        is_clip = self.architecture == "clip" and not self.block_count
        return "projector" if is_clip and any(self.get(key, bool, False) for key in encoders) else "model"

    @property
    def has_extra_tensors(self) -> bool:
        """Whether a projector or a draft is embedded in this file."""
        return any(tensor.is_extra for tensor in self.tensors)

    def _counts(self, key: str) -> tuple[int, ...]:
        value = self.value(key)
        items = value if isinstance(value, list) else [value]
        return tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool))

    def _split(self, key: str, default: int) -> int:
        # The tool that splits files writes these keys at top level, and as 16-bit numbers.
        value = self.metadata.get(key, self.value(key))
        return value if isinstance(value, int) and not isinstance(value, bool) else default
