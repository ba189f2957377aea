"""Small valid GGUF files, made with the project's own writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from corral.gguf import TensorInfo, Value, write_gguf

F32 = 0

LLAMA: Mapping[str, Value] = {
    "general.name": "tiny",
    "general.file_type": 1,
    "block_count": 2,
    "context_length": 256,
    "embedding_length": 64,
    "feed_forward_length": 128,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": ["<s>", "</s>", "a", "b"],
}
TENSORS = (
    TensorInfo("token_embd.weight", (64, 4), F32),
    TensorInfo("blk.0.attn_norm.weight", (64,), F32),
    TensorInfo("blk.1.attn_norm.weight", (64,), F32),
    TensorInfo("output_norm.weight", (64,), F32),
)


def build_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    metadata: Mapping[str, Value] | None = None,
    tensors: Iterable[TensorInfo] = TENSORS,
    seed: int = 0,
) -> Path:
    """Write a header that is valid in every respect and weights that mean nothing; returns `path`.

    `metadata` is added to (and wins over) the keys of a tiny llama; another architecture gets only what
    `metadata` says. Files with different seeds have different digests. No engine can load the result.
    """
    base = LLAMA if architecture == "llama" else {}
    keys = {"general.architecture": architecture, **base, **(metadata or {})}
    with path.open("wb") as file:
        write_gguf(file, keys, list(tensors), lambda tensor: _weights(tensor, seed))
    return path


def _weights(tensor: TensorInfo, seed: int) -> Iterable[bytes]:
    yield bytes([seed % 256]) * tensor.num_bytes
