"""The tokens that end an answer for the engine. A model that does not learn to write one never stops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corral.engine import Client
from corral.gguf import read_gguf

_KEYS = ("eot", "eos", "eom")
# The engine takes tokens of these names as the end, whatever the file says. Source: llama-vocab.cpp.
_NAMES = (
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<|ifm|im_end|>",
    "<｜end▁of▁sentence｜>",
)  # fmt: skip
_HARMONY = {"<|return|>", "<|call|>", "<|end|>"}


async def end_tokens(weights: Path, client: Client) -> tuple[int, ...]:
    """All of them, the one to use first where a template names none."""
    metadata = read_gguf(weights, arrays=False).metadata
    named = [metadata.get(f"tokenizer.ggml.{key}_token_id") for key in _KEYS]
    found = [token for token in named if isinstance(token, int)]
    known = await _known(client)
    if known.keys() >= _HARMONY:
        # Here `<|end|>` ends one message of several.
        found = [token for token in found if token != known["<|end|>"]]
        del known["<|end|>"]
    return tuple(dict.fromkeys([*found, *known.values()]))


async def _known(client: Client) -> dict[str, int]:
    """Those names that are a token of this vocabulary."""
    cut: Sequence[Sequence[int]] = await client.tokenize_all(_NAMES)
    return {name: tokens[0] for name, tokens in zip(_NAMES, cut, strict=True) if len(tokens) == 1}
