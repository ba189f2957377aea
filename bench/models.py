"""The models of the bench: pocket, and random weights in the shape of a 0.5B model, made on the first run."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from corral import pocket
from corral.convert import quantize

FOLDER = Path(__file__).parent / "models"
_STAND_IN = Path(__file__).parent.parent / "tests" / "parity" / "models" / "peer-suite.gguf"

_HEAD_WIDTH, _CONTEXT = 128, 4096
_SEED = 20261123
# The spread of the weights: small enough that 28 blocks of noise stay finite.
_SIGMA = 0.02
_TEXT_TOKENS = 400
_Q8_0_BLOCK = 32  # weights that share one 16-bit scale

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A qwen3 network; the defaults have 507 M weights. Widths are multiples of 32."""

    blocks: int = 28
    width: int = 1024
    feed_forward: int = 3072
    heads: int = 16
    kv_heads: int = 8
    vocabulary: int = 32768


@dataclass(frozen=True, slots=True)
class BenchModel:
    """Weights that never end an answer before its limit, at the temperature that keeps them from looping."""

    name: str
    path: Path
    temperature: float


def tiny() -> BenchModel:
    """Pocket without its end tokens; in a tree without pocket, the small model of the parity tests."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "pocket-endless.gguf"
    shutil.copyfile(pocket.weights() or _STAND_IN, path)
    silence(path)
    return BenchModel("pocket", path, 2.0)


def silence(path: Path) -> None:
    """Take the special tokens' rows out of the output (and of an embedding that serves as it).

    Their scores are then always 0, below those of the tokens that compete for a place.
    """
    reader = gguf.GGUFReader(path, "r+")
    kinds = reader.fields["tokenizer.ggml.token_type"].contents()
    special = [number for number, kind in enumerate(kinds) if kind == gguf.TokenType.CONTROL]
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    output = tensors.get("output.weight") or tensors["token_embd.weight"]
    output.data[special] = 0
    reader.data.flush()


def half_billion() -> BenchModel:
    """Random weights in the shape of a 0.5B model, Q8_0, about 540 MB; kept for the next run."""
    path = FOLDER / "random-0.5b-q8_0.gguf"
    if not path.is_file():
        FOLDER.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        write_random(part, Shape())
        silence(part)
        part.rename(path)
    return BenchModel("0.5B", path, 1.0)


def copying() -> BenchModel:
    """The 0.5B model made over so that it writes one long text round and round: see `teach_copying`."""
    path = FOLDER / "copying-0.5b-q8_0.gguf"
    if not path.is_file():
        part = path.with_suffix(".part")
        shutil.copyfile(half_billion().path, part)
        teach_copying(part)
        part.rename(path)
    return BenchModel("copying 0.5B", path, 0.0)


def teach_copying(path: Path) -> None:
    """Make each of the tokens `text_tokens` the likeliest one after the token before it, in a ring.

    Blocks add next to nothing to a token's embedding, and the output row of each token of the text is the
    embedding of the one before. All other tokens have the embedding of one of the text: after a stray one,
    which a temperature brings, the text goes on from somewhere else. It costs what any such network costs.
    """
    reader = gguf.GGUFReader(path, "r+")
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    for name, data in tensors.items():
        if name.endswith(("attn_output.weight", "ffn_down.weight")):
            blocks = data.reshape(-1, _Q8_0_BLOCK + 2)
            blocks[:, :2] = np.array([1e-6], dtype=np.float16).view(np.uint8)
    embedding, output = tensors["token_embd.weight"], tensors["output.weight"]
    text = text_tokens(len(embedding))
    output[np.roll(text, -1)] = embedding[text]
    others = np.setdiff1d(np.arange(len(_SPECIAL), len(embedding)), text)
    embedding[others] = embedding[np.random.default_rng(_SEED).choice(text, len(others))]
    reader.data.flush()


def text_tokens(vocabulary: int) -> npt.NDArray[np.int64]:
    """The text of a model that copies, as tokens: those of whole words, in an order of its own."""
    first = min(len(_SPECIAL) + 256 + 26, vocabulary // 2)
    words = np.arange(first, min(first + _TEXT_TOKENS, vocabulary))
    return np.random.default_rng(_SEED).permutation(words)


def half_billion_k() -> BenchModel:
    """The same weights in Q4_K_M, about 310 MB: most people's models have that type."""
    path = FOLDER / "random-0.5b-q4_k_m.gguf"
    if not path.is_file():
        part = path.with_suffix(".part")
        asyncio.run(_quantize(half_billion().path, part))
        part.rename(path)
    return BenchModel("0.5B Q4_K_M", path, 1.0)


async def _quantize(source: Path, target: Path) -> None:
    with target.open("wb") as file:
        async for _ in quantize(source, file, "Q4_K_M"):
            pass


def write_random(path: Path, shape: Shape) -> None:
    """Write random weights in Q8_0, one tensor in memory at a time."""
    writer = gguf.GGUFWriter(str(path), "qwen3")
    _add_metadata(writer, shape)
    tensors = list(_tensors(shape))
    for name, rows in tensors:
        if len(rows) == 1:
            writer.add_tensor_info(name, rows, np.dtype(np.float32), rows[0] * 4)
        else:
            stored = (rows[0], rows[1] // _Q8_0_BLOCK * (_Q8_0_BLOCK + 2))
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor_info(name, stored, np.dtype(np.uint8), stored[0] * stored[1], raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    random = np.random.default_rng(_SEED)
    for _, rows in tensors:
        writer.write_tensor_data(_tensor(rows, random))
    writer.close()


def _tensor(shape: tuple[int, ...], random: np.random.Generator) -> npt.NDArray[np.generic]:
    """Ones for a norm, else uniform noise, already in the blocks of Q8_0: a scale and 32 bytes."""
    if len(shape) == 1:
        return np.ones(shape, dtype=np.float32)
    count = shape[0] * shape[1] // _Q8_0_BLOCK
    blocks = np.empty((count, _Q8_0_BLOCK + 2), dtype=np.uint8)
    scale = np.array([_SIGMA * 3**0.5 / 127], dtype=np.float16)
    blocks[:, :2] = scale.view(np.uint8)
    blocks[:, 2:] = random.integers(-127, 128, (count, _Q8_0_BLOCK), dtype=np.int8).view(np.uint8)
    return blocks.reshape(shape[0], -1)


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes (rows first) of a qwen3 network.

    The output has weights of its own: shared with the embedding, random ones would repeat each token.
    """
    yield "token_embd.weight", (shape.vocabulary, shape.width)
    yield "output_norm.weight", (shape.width,)
    yield "output.weight", (shape.vocabulary, shape.width)
    for block in range(shape.blocks):
        head = f"blk.{block}."
        yield head + "attn_norm.weight", (shape.width,)
        yield head + "attn_q.weight", (shape.heads * _HEAD_WIDTH, shape.width)
        yield head + "attn_k.weight", (shape.kv_heads * _HEAD_WIDTH, shape.width)
        yield head + "attn_v.weight", (shape.kv_heads * _HEAD_WIDTH, shape.width)
        yield head + "attn_output.weight", (shape.width, shape.heads * _HEAD_WIDTH)
        yield head + "attn_q_norm.weight", (_HEAD_WIDTH,)
        yield head + "attn_k_norm.weight", (_HEAD_WIDTH,)
        yield head + "ffn_norm.weight", (shape.width,)
        yield head + "ffn_gate.weight", (shape.feed_forward, shape.width)
        yield head + "ffn_up.weight", (shape.feed_forward, shape.width)
        yield head + "ffn_down.weight", (shape.width, shape.feed_forward)


def _add_metadata(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("Bench random 0.5B")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.blocks)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(_HEAD_WIDTH)
    writer.add_value_length(_HEAD_WIDTH)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    tokens, merges = vocabulary(shape.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.CONTROL if token in _SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(_CHAT_TEMPLATE)


def vocabulary(size: int) -> tuple[list[str], list[str]]:
    """`size` tokens of a byte-level BPE and its merges, without training.

    The special tokens, the 256 bytes, then letters with a space before them, pairs, threes and so on, each
    the merge of an earlier token and one letter.
    """
    tokens = [*_SPECIAL, *byte_letters()]
    merges = []
    space = byte_letters()[ord(" ")]
    generation = [space, *string.ascii_lowercase]
    while len(tokens) < size:
        pairs = [(left, letter) for left, letter in itertools.product(generation, string.ascii_lowercase)][
            : size - len(tokens)
        ]
        merges += [f"{left} {letter}" for left, letter in pairs]
        generation = [left + letter for left, letter in pairs]
        tokens += generation
    return tokens, merges


def byte_letters() -> list[str]:
    """A printable character for each byte: its own where it has one, else one from 256 upwards.

    Source: the byte-level BPE of GPT-2.
    """
    own = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = itertools.count(256)
    return [chr(byte if byte in own else next(others)) for byte in range(256)]
