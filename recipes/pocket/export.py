"""Writes a checkpoint as the GGUF file that ships: q8_0 matrices, the tokenizer and the chat template.

python export.py --run /tmp/pocket --to ../../src/corral/pocket/pocket.gguf
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import torch
from model import Decoder, Shape
from textform import CONTROL, TAGS, TEMPLATE_FILE

MAX_BYTES = 8_000_000
DESCRIPTION = (
    "A small demo model trained from scratch by corral: capitals, small talk, corral's commands, tool calls."
)


def interleave(weight: torch.Tensor, num_heads: int) -> torch.Tensor:
    """Rows of q or k from rotary halves to the neighbouring pairs that GGUF's llama expects."""
    rows, columns = weight.shape
    halves = weight.reshape(num_heads, 2, rows // num_heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def tensors(weights: dict[str, torch.Tensor], shape: Shape) -> Iterator[tuple[str, torch.Tensor]]:
    yield "token_embd.weight", weights["embedding.weight"]
    yield "output_norm.weight", weights["norm.weight"]
    for index in range(shape.num_blocks):
        mine, theirs = f"blocks.{index}", f"blk.{index}"
        yield f"{theirs}.attn_norm.weight", weights[f"{mine}.attention_norm.weight"]
        yield f"{theirs}.attn_q.weight", interleave(weights[f"{mine}.attention.q.weight"], shape.num_heads)
        yield f"{theirs}.attn_k.weight", interleave(weights[f"{mine}.attention.k.weight"], shape.num_kv_heads)
        yield f"{theirs}.attn_v.weight", weights[f"{mine}.attention.v.weight"]
        yield f"{theirs}.attn_output.weight", weights[f"{mine}.attention.o.weight"]
        yield f"{theirs}.ffn_norm.weight", weights[f"{mine}.ffn_norm.weight"]
        for name in ("gate", "up", "down"):
            yield f"{theirs}.ffn_{name}.weight", weights[f"{mine}.{name}.weight"]


def write_shape(writer: gguf.GGUFWriter, shape: Shape, parameter_count: int) -> None:
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("Pocket")
    writer.add_author("the corral project")
    writer.add_description(DESCRIPTION)
    writer.add_license("mit")
    writer.add_languages(["en"])
    writer.add_size_label(f"{parameter_count / 1e6:.1f}M")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context_length)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.num_blocks)
    writer.add_feed_forward_length(shape.ffn_width)
    writer.add_head_count(shape.num_heads)
    writer.add_head_count_kv(shape.num_kv_heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_vocab_size(shape.vocab_size)


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer_file: Path) -> None:
    described = json.loads(tokenizer_file.read_text())
    ids = dict(described["model"]["vocab"])
    ids |= {added["content"]: added["id"] for added in described["added_tokens"]}
    tokens = sorted(ids, key=ids.__getitem__)
    kinds = {CONTROL: gguf.TokenType.CONTROL, TAGS: gguf.TokenType.USER_DEFINED}
    types = [
        next((kind for names, kind in kinds.items() if t in names), gguf.TokenType.NORMAL) for t in tokens
    ]
    merges = [m if isinstance(m, str) else " ".join(m) for m in described["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_eot_token_id(ids["<|im_end|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE_FILE.read_text())


def write_tensor(writer: gguf.GGUFWriter, name: str, weight: torch.Tensor) -> None:
    values = weight.float().numpy()
    if values.ndim == 1:
        writer.add_tensor(name, values)
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(values), kind), raw_dtype=kind)


def load(run: Path) -> tuple[dict[str, torch.Tensor], Shape]:
    state = torch.load(run / "checkpoint.pt", map_location="cpu")
    return state["optimiser"]["masters"], Shape(**state["shape"])


def decoder(run: Path) -> Decoder:
    weights, shape = load(run)
    network = Decoder(shape)
    network.load_state_dict(weights)
    return network.eval()


def export(run: Path, to: Path) -> None:
    """Raises ValueError when the file is larger than the package allows; the file then stays away."""
    weights, shape = load(run)
    to.parent.mkdir(parents=True, exist_ok=True)
    fresh = to.with_suffix(".new")
    writer = gguf.GGUFWriter(fresh, "llama")
    parameter_count = sum(weight.numel() for weight in weights.values())
    write_shape(writer, shape, parameter_count)
    write_tokenizer(writer, run / "tokenizer.json")
    for name, weight in tensors(weights, shape):
        write_tensor(writer, name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    size = fresh.stat().st_size
    if size > MAX_BYTES:
        fresh.unlink()
        raise ValueError(f"{size} bytes are more than the {MAX_BYTES} that the package allows")
    fresh.replace(to)
    print(f"{to}: {size} bytes, {parameter_count} parameters")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="the trainer's --out folder")
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    export(options.run, options.to)


if __name__ == "__main__":
    main()
