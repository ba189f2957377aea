"""A checkpoint without meaning, written by hand: one block, every tensor filled with one number."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
WIDTH, HIDDEN, WORDS = 64, 96, 300


def safetensors(tensors: Mapping[str, tuple[tuple[int, ...], float]]) -> bytes:
    """A file of F32 tensors, each filled with one number."""
    table: dict[str, Any] = {}
    data = b""
    for name, (shape, value) in tensors.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        start = len(data)
        data += struct.pack("<f", value) * count
        table[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, len(data)]}
    header = json.dumps(table).encode()
    return struct.pack("<Q", len(header)) + header + data


def checkpoint(**changes: Any) -> dict[str, bytes]:
    """The files of a network of one block, by their names; `changes` go into config.json."""
    block = "model.layers.0."
    tensors = {
        "model.embed_tokens.weight": ((WORDS, WIDTH), 0.5),
        "model.norm.weight": ((WIDTH,), 1.0),
        "lm_head.weight": ((WORDS, WIDTH), 0.25),
        f"{block}input_layernorm.weight": ((WIDTH,), 1.0),
        f"{block}post_attention_layernorm.weight": ((WIDTH,), 1.0),
        **{f"{block}self_attn.{part}_proj.weight": ((WIDTH, WIDTH), 0.1) for part in "qkvo"},
        **{f"{block}mlp.{part}_proj.weight": ((HIDDEN, WIDTH), 0.1) for part in ("gate", "up")},
        f"{block}mlp.down_proj.weight": ((WIDTH, HIDDEN), 0.1),
    }
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": WIDTH,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
        "vocab_size": WORDS,
        **changes,
    }
    letters = [chr(256 + index) for index in range(256)]
    tokenizer = {
        "model": {"type": "BPE", "vocab": {text: index for index, text in enumerate(letters)}, "merges": []},
        "added_tokens": [{"id": 256, "content": "<|end|>", "special": True}],
        "pre_tokenizer": {"type": "ByteLevel", "use_regex": True},
    }
    settings = {"eos_token": "<|end|>", "chat_template": TEMPLATE}
    texts = {"config.json": config, "tokenizer.json": tokenizer, "tokenizer_config.json": settings}
    return {"model.safetensors": safetensors(tensors)} | {
        name: json.dumps(value).encode() for name, value in texts.items()
    }
