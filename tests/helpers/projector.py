"""Tiny projectors with random weights: an encoder of images or sound, and a way into a model's embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

WIDTH, HEADS, BLOCKS, IMAGE, PATCH = 32, 2, 2, 28, 14
SECONDS_30 = 1500  # positions of the sound encoder
Weights = dict[str, np.ndarray]
Random = Callable[..., np.ndarray]


def build_projector(path: Path, embedding_length: int = 256, *, audio: bool = False) -> Path:
    """Write a projector for models of this width; an image becomes `(IMAGE / PATCH) ** 2` tokens."""
    generator = np.random.default_rng(5)

    def random(*shape: int) -> np.ndarray:
        return generator.normal(0, 0.1, shape).astype(np.float32)

    writer = GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    kind = "audio" if audio else "vision"
    writer.add_bool(f"clip.has_{kind}_encoder", True)
    writer.add_string("clip.projector_type", "qwen2a" if audio else "mlp")
    writer.add_bool("clip.use_gelu", True)
    numbers = {"embedding_length": WIDTH, "block_count": BLOCKS, "feed_forward_length": 2 * WIDTH}
    numbers |= {"attention.head_count": HEADS, "projection_dim": embedding_length}
    numbers |= {"num_mel_bins": 128} if audio else {"image_size": IMAGE, "patch_size": PATCH}
    for name, number in numbers.items():
        writer.add_uint32(f"clip.{kind}.{name}", number)
    writer.add_float32(f"clip.{kind}.attention.layer_norm_epsilon", 1e-5)
    for name in ("image_mean", "image_std") if not audio else ():
        writer.add_array(f"clip.vision.{name}", [0.5, 0.5, 0.5])
    ends = _audio(random, embedding_length) if audio else _vision(random, embedding_length)
    _write(writer, ends | _encoder(kind[0], random))
    return path


def _vision(random: Random, embedding_length: int) -> Weights:
    return {
        "v.class_embd": random(WIDTH),
        "v.patch_embd.weight": random(WIDTH, 3, PATCH, PATCH),
        "v.position_embd.weight": random((IMAGE // PATCH) ** 2 + 1, WIDTH),
        **_norm("v.pre_ln"),
        **_linear("mm.0", random, WIDTH, embedding_length),
        **_linear("mm.2", random, embedding_length, embedding_length),
    }


def _audio(random: Random, embedding_length: int) -> Weights:
    return {
        "a.conv1d.1.weight": random(WIDTH, 128, 3).astype(np.float16),
        "a.conv1d.1.bias": random(WIDTH, 1),
        "a.conv1d.2.weight": random(WIDTH, WIDTH, 3).astype(np.float16),
        "a.conv1d.2.bias": random(WIDTH, 1),
        "a.position_embd.weight": random(SECONDS_30, WIDTH),
        **_linear("mm.a.fc", random, WIDTH, embedding_length),
    }


def _encoder(prefix: str, random: Random) -> Weights:
    """The transformer blocks; `prefix` is v or a. Sound encoders have no bias for the keys."""
    out = _norm(f"{prefix}.post_ln")
    for block in (f"{prefix}.blk.{number}" for number in range(BLOCKS)):
        out |= _norm(f"{block}.ln1") | _norm(f"{block}.ln2")
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            out |= _linear(f"{block}.{part}", random, WIDTH, WIDTH)
        out |= _linear(f"{block}.ffn_up", random, WIDTH, 2 * WIDTH)
        out |= _linear(f"{block}.ffn_down", random, 2 * WIDTH, WIDTH)
        if prefix == "a":
            del out[f"{block}.attn_k.bias"]
    return out


def _norm(name: str) -> Weights:
    return {f"{name}.weight": np.ones(WIDTH, np.float32), f"{name}.bias": np.zeros(WIDTH, np.float32)}


def _linear(name: str, random: Random, inputs: int, outputs: int) -> Weights:
    return {f"{name}.weight": random(outputs, inputs), f"{name}.bias": random(outputs)}


def _write(writer: GGUFWriter, tensors: Mapping[str, np.ndarray]) -> None:
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
