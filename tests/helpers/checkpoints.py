"""Tiny checkpoints with random weights, as transformers saves them, with small tokenizers of their own."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

# Whatever is missing must not be looked for in the network; bars are no part of a test's output.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

WIDTH, BLOCKS, WINDOW = 64, 2, 8

TEXTS = [
    "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.",
    "Lima is the capital of Peru; 12 of 345 visitors knew, 6789 did not.",
    "def add(a, b):\n    return a + b\n\n# It's what they'd call a function, isn't it?",
    "Ein Käse für Çelik: größer, schöner - 今日は良い天気です。",
] * 4

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN_SPLIT = _CONTRACTIONS + r"\p{N}" + _REST
LLAMA_SPLIT = _CONTRACTIONS + r"\p{N}{1,3}" + _REST


def byte_tokenizer(split: str, *, size: int = 400) -> Tokenizer:
    """Byte pairs of bytes, as Qwen and Llama 3 have them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    return tokenizer


def piece_tokenizer(*, prefix: bool, size: int = 300) -> Tokenizer:
    """Byte pairs of characters with bytes for the rest, as Mistral and Gemma have them."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    learner.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=size, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    first = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocab = {text: number for number, text in enumerate([*first, *learned["vocab"]])}
    merges = [tuple(merge) for merge in learned["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    space = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), space]) if prefix else space
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", *SPECIAL])
    return tokenizer


def word_tokenizer() -> Tokenizer:
    """BERT's, in lower case: words, and characters for what is none."""
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = sorted(
        {word for text in TEXTS for word in text.lower().split() if word.isascii() and word.isalpha()}
    )
    letters = sorted(set("".join(TEXTS).lower()) - set(" \n"))
    pieces = [*marks, *dict.fromkeys([*words, *letters]), *(f"##{letter}" for letter in letters)]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.add_special_tokens(marks)
    return tokenizer


def _bytes_of_qwen() -> Tokenizer:
    return byte_tokenizer(QWEN_SPLIT)


def _bytes_of_llama() -> Tokenizer:
    tokenizer = byte_tokenizer(LLAMA_SPLIT)
    number = tokenizer.token_to_id(SPECIAL[0])
    tokenizer.post_processor = TemplateProcessing(
        single=f"{SPECIAL[0]} $A", special_tokens=[(SPECIAL[0], number)]
    )
    return tokenizer


def _pieces() -> Tokenizer:
    return piece_tokenizer(prefix=True)


def _pieces_of_gemma() -> Tokenizer:
    return piece_tokenizer(prefix=False)


_MARKS = {"bos_token": "<s>", "eos_token": "<|im_end|>", "unk_token": "<unk>"}
_BYTE_MARKS = {"bos_token": SPECIAL[0], "eos_token": SPECIAL[2]}
_WORD_MARKS = {f"{mark.lower()}_token": f"[{mark}]" for mark in ("PAD", "UNK", "CLS", "SEP", "MASK")}


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of transformers, what is special about its configuration, and its tokenizer."""

    name: str
    config: Mapping[str, Any]
    tokenizer: Callable[[], Tokenizer]
    marks: Mapping[str, str]


_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
_ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_FACTORS = {"attention_multiplier": 0.2, "embedding_multiplier": 3.0, "residual_multiplier": 0.5}
_FACTORS |= {"logits_scaling": 2.0}
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 32}
_LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0}
_LLAMA3 |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 64}
_LONG = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "long_factor": [2.0 + index / 4 for index in range(8)],
    "short_factor": [1.0 + index / 8 for index in range(8)],
}


def _phi3(original: int, longest: int) -> Kind:
    """Trained on texts of `original` tokens, stretched to `longest`."""
    name = "original_max_position_embeddings"
    rope = {"rope_parameters": {**_LONG, name: original}, name: original, "max_position_embeddings": longest}
    return Kind("Phi3", {**_HEADS, "pad_token_id": 0, "eos_token_id": 2, **rope}, _pieces, _MARKS)


_GEMMA3_ROPE = {
    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
}
_GEMMA = {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": WINDOW, **_HEADS}
_GEMMA3 = {**_GEMMA, "num_hidden_layers": 6, "rope_parameters": _GEMMA3_ROPE}

KINDS: Mapping[str, Kind] = {
    "llama": Kind("Llama", _HEADS, _bytes_of_llama, _BYTE_MARKS),
    "llama3": Kind("Llama", {**_HEADS, "rope_parameters": _LLAMA3}, _bytes_of_llama, _BYTE_MARKS),
    "mistral": Kind("Mistral", {**_HEADS, "head_dim": 24, "sliding_window": None}, _pieces, _MARKS),
    "mixtral": Kind("Mixtral", {**_HEADS, "num_local_experts": 4}, _pieces, _MARKS),
    "qwen2": Kind("Qwen2", {**_HEADS, "tie_word_embeddings": True}, _bytes_of_qwen, _BYTE_MARKS),
    "qwen3": Kind("Qwen3", {**_HEADS, "head_dim": 24}, _bytes_of_qwen, _BYTE_MARKS),
    "qwen3moe": Kind(
        "Qwen3Moe",
        {**_HEADS, **_EXPERTS, "head_dim": 16, "num_experts": 4, "norm_topk_prob": True},
        _bytes_of_qwen,
        _BYTE_MARKS,
    ),
    "gemma": Kind("Gemma", {**_HEADS, "head_dim": 32}, _pieces_of_gemma, _MARKS),
    "gemma2": Kind("Gemma2", _GEMMA, _pieces_of_gemma, _MARKS),
    "gemma3": Kind(
        "Gemma3",
        {**_GEMMA, "num_hidden_layers": 6, "rope_parameters": _GEMMA3_ROPE},
        _pieces_of_gemma,
        _MARKS,
    ),
    "phi3": Kind("Phi3", {**_HEADS, "pad_token_id": 0, "eos_token_id": 2}, _pieces, _MARKS),
    "phi3short": _phi3(256, 1024),
    "phi3long": _phi3(32, 128),
    "olmo2": Kind("Olmo2", {**_HEADS, **_ENDS}, _bytes_of_qwen, _BYTE_MARKS),
    "olmo3": Kind("Olmo3", {**_HEADS, **_ENDS, "sliding_window": WINDOW}, _bytes_of_qwen, _BYTE_MARKS),
    "command-r": Kind("Cohere", {**_HEADS, **_ENDS}, _bytes_of_qwen, _BYTE_MARKS),
    "granite": Kind("Granite", {**_HEADS, **_FACTORS}, _bytes_of_llama, _BYTE_MARKS),
    "smollm3": Kind("SmolLM3", {**_HEADS, **_ENDS, "num_hidden_layers": 4}, _bytes_of_llama, _BYTE_MARKS),
    "bert": Kind("Bert", {}, word_tokenizer, _WORD_MARKS),
    "nomic": Kind("NomicBert", {}, word_tokenizer, _WORD_MARKS),
}
ENCODERS = ("bert", "nomic")


def class_name(kind: str) -> str:
    return KINDS[kind].name + ("Model" if kind in ENCODERS else "ForCausalLM")


def make(kind: str, folder: Path, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> Any:
    """Save a checkpoint of `kind` with its tokenizer in `folder`; the network, ready to compare with."""
    what = KINDS[kind]
    tokenizer = what.tokenizer()
    ending = "Config" if kind in ENCODERS or what.name != "Gemma3" else "TextConfig"
    sizes = {"hidden_size": WIDTH, "intermediate_size": 96, "num_hidden_layers": BLOCKS}
    heads = {
        "num_attention_heads": 4,
        "max_position_embeddings": 128,
        "vocab_size": tokenizer.get_vocab_size() + 5,
    }
    config = getattr(transformers, what.name + ending)(**{**sizes, **heads, **what.config})
    torch.manual_seed(seed)
    network = getattr(transformers, class_name(kind))(config).eval()
    _spread(network)
    network.to(dtype).save_pretrained(folder)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **what.marks)
    if kind not in ENCODERS:
        fast.chat_template = CHAT
    fast.save_pretrained(folder)
    return network.to(torch.float32)


def _spread(network: Any) -> None:
    """Weights large enough that every part of the network matters, norms and biases other than 1 and 0."""
    with torch.no_grad():
        for weight in network.parameters():
            scale = 0.3 if weight.dim() == 1 else 2.0 / sqrt(weight.shape[-1])
            offset = weight if weight.dim() == 1 else 0.0
            weight.copy_(offset + torch.randn_like(weight) * scale)


def shrink(folder: Path, network: Any, *, rows: int = 32, columns: int = 40) -> None:
    """Make the projections of a checkpoint 8-bit floats, a scale to a block; `network` gets the same."""
    tensors = load_file(folder / "model.safetensors")
    state = network.state_dict()
    for name in [name for name in tensors if "_proj" in name]:
        weight = tensors[name]
        small = torch.empty_like(weight, dtype=torch.float8_e4m3fn)
        scales = torch.empty(-(-weight.shape[0] // rows), -(-weight.shape[1] // columns))
        for row, column in itertools.product(range(scales.shape[0]), range(scales.shape[1])):
            block = (
                slice(row * rows, (row + 1) * rows),
                slice(column * columns, (column + 1) * columns),
            )
            scale = scales[row, column] = weight[block].abs().max() / torch.finfo(small.dtype).max
            small[block] = (weight[block] / scale).to(small.dtype)
            state[name][block] = (small[block].float() * scale).bfloat16().float()
        tensors |= {name: small, f"{name}_scale_inv": scales}
    save_file(tensors, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "fp8", "weight_block_size": [rows, columns]}
    (folder / "config.json").write_text(json.dumps(config))
    network.load_state_dict(state)


def prompts(folder: Path) -> list[list[int]]:
    """Texts of several lengths as tokens, by the tokenizer that was saved in `folder`."""
    tokenizer = tokenizer_of(folder)
    return [tokenizer(text)["input_ids"] for text in (TEXTS[0], TEXTS[1] + TEXTS[2], TEXTS[3])]


def tokenizer_of(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)
