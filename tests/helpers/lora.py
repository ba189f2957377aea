"""A LoRA adapter with random weights, strong enough to change what a model says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter


def build_lora(path: Path, *, seed: int, width: int = 256, architecture: str = "llama") -> Path:
    """Write an adapter of rank 2 for the first block of a model of this width; returns `path`."""
    random = np.random.default_rng(seed)
    writer = GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0)
    for part in ("attn_q", "attn_output"):
        down, up = random.normal(0, 1, (2, width)), random.normal(0, 1, (width, 2))
        writer.add_tensor(f"blk.0.{part}.weight.lora_a", down.astype(np.float32))
        writer.add_tensor(f"blk.0.{part}.weight.lora_b", up.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
