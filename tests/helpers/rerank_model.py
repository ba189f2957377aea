"""A tiny BERT with a classifier head: random weights that score a query and a document."""

from __future__ import annotations

import string
from pathlib import Path

import gguf
import numpy as np

from tests.helpers.server import ServerProcess

_WIDTH, _HEADS, _FEED_FORWARD, _CONTEXT = 32, 2, 64, 64
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORDS = ("cat", "dog", "panda", "bear", "hello", "what", "is")
# Words begin with the mark that the engine's WordPiece uses, what goes on within a word does not.
_BEGINNINGS = tuple("\u2581" + word for word in (*_WORDS, *string.ascii_lowercase))
_TOKENS = (*_SPECIAL, *_BEGINNINGS, *string.ascii_lowercase)


def build_reranker(path: Path, *, seed: int = 7) -> Path:
    """Write the model to `path`; it reads up to 64 tokens. Returns `path`."""
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("tiny reranker")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_block_count(1)
    writer.add_head_count(_HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_tokenizer(writer)
    random = np.random.default_rng(seed)
    for name, shape in _tensors():
        values = random.normal(0, 0.25, shape)
        if name.endswith("norm.weight"):
            values = np.ones(shape)
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def serve_reranker(server: ServerProcess, folder: Path) -> str:
    """Make the model on `server`; returns its name. The file is written to `folder`."""
    digest = server.upload(build_reranker(folder / "rank.gguf").read_bytes())
    server.post("/api/create", {"model": "rank", "files": {"rank.gguf": digest}, "stream": False})
    return "rank"


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    writer.add_tokenizer_model("bert")
    writer.add_token_list(list(_TOKENS))
    kinds = [gguf.TokenType.CONTROL if token in _SPECIAL else gguf.TokenType.NORMAL for token in _TOKENS]
    writer.add_token_types(kinds)
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)


def _tensors() -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, rows first."""
    square, vector = (_WIDTH, _WIDTH), (_WIDTH,)
    tensors = [
        ("token_embd.weight", (len(_TOKENS), _WIDTH)),
        ("token_types.weight", (2, _WIDTH)),
        ("position_embd.weight", (_CONTEXT, _WIDTH)),
        ("blk.0.ffn_up.weight", (_FEED_FORWARD, _WIDTH)),
        ("blk.0.ffn_up.bias", (_FEED_FORWARD,)),
        ("blk.0.ffn_down.weight", (_WIDTH, _FEED_FORWARD)),
        ("blk.0.ffn_down.bias", vector),
        ("cls.weight", square),
        ("cls.bias", vector),
        ("cls.output.weight", (1, _WIDTH)),
        ("cls.output.bias", (1,)),
    ]
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        tensors += [(f"blk.0.{name}.weight", square), (f"blk.0.{name}.bias", vector)]
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        tensors += [(f"{name}.weight", vector), (f"{name}.bias", vector)]
    return tensors
