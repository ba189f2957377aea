"""Byte pair encoding in `tokenizer.json`: of bytes as GPT-2 has it, or of SentencePiece's characters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from corral.convert.config import Config
from corral.convert.tokenizers.vocabulary import TokenType, Vocabulary, token_table
from corral.errors import CorruptData
from corral.gguf import Value

_FILE = "tokenizer.json"

# SHA-256 of the patterns that split a text before pairs are merged -> llama.cpp's name of that splitting.
# Source: store.md 7.5; the last ones are computed from the files of the models named.
_SPLITTINGS: Mapping[str, str] = {
    "d98f9631be1e9607a9848c26c1f9eac1aa9fc21ac6ba82a2fc0741af9780a48f": "llama-bpe",
    "03df5c5863ad70781dcfdef491ead25140f895fe8010964be0daefe27be32b02": "deepseek-llm",
    "21cde974d587f0d54dc8d56b183cc1e6239600172035c68fbd6d4b9f8da0576e": "deepseek-coder",
    "1ff7f41064896984db5d1bb6ff64fa4bc29007d08c1b439e505b7392777a319e": "qwen2",
    "00431aed57e696b747435f734d1e3b9b1bfd931a121fb5cac7129e97c181e9ba": "qwen35",
    "b92c0824a58e1d8dc3221cf3e12c433c3a86f57e46d57229993489f0798e7702": "laguna",
}


def read_bpe(tokenizer: Config, say: Callable[[str], None]) -> Vocabulary:
    """Raises CorruptData for a file that is malformed."""
    model = tokenizer.section("model")
    tokens = token_table(model.section("vocab").values, _FILE)
    merges = _merges(model.items("merges"))
    if model.flag("byte_fallback", default=False) and not _kinds(tokenizer, "pre_tokenizer") & {"ByteLevel"}:
        return _of_characters(tokenizer, model, tokens, merges)
    keys: dict[str, Value] = {"tokenizer.ggml.pre": _splitting(tokenizer, say)}
    types: list[int] = [TokenType.NORMAL] * len(tokens)
    return Vocabulary("gpt2", tokens, types, merges=merges, keys=keys)


def _of_characters(tokenizer: Config, model: Config, tokens: list[str], merges: list[str]) -> Vocabulary:
    """SentencePiece's own file has a score for each piece; the order of the merges says the same."""
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(merges):
        ranks.setdefault(merge.replace(" ", ""), rank)
    last = len(merges)
    scores = [float(-ranks.get(token, last + index)) for index, token in enumerate(tokens)]
    unknown = model.text("unk_token", default="<unk>")
    types = [
        TokenType.UNKNOWN if token == unknown else TokenType.BYTE if _is_byte(token) else TokenType.NORMAL
        for token in tokens
    ]
    keys: dict[str, Value] = {
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.add_space_prefix": _has_prefix(tokenizer),
    }
    return Vocabulary("llama", tokens, list(types), scores, keys=keys)


def _is_byte(token: str) -> bool:
    return len(token) == 6 and token.startswith("<0x") and token.endswith(">")


def _has_prefix(tokenizer: Config) -> bool:
    """Whether a text begins as if a space stood before it."""
    for part in _parts(tokenizer, "normalizer"):
        if part.get("type") == "Prepend":
            return True
    return any(
        part.get("type") == "Metaspace" and part.get("prepend_scheme", "always") != "never"
        for part in _parts(tokenizer, "pre_tokenizer")
    )


def _merges(entries: list[Any]) -> list[str]:
    """Pairs with a space between, whichever of the two forms the file has."""
    merged = [" ".join(entry) if _is_pair(entry) else entry for entry in entries]
    if not all(isinstance(entry, str) for entry in merged):
        raise CorruptData("could not parse tokenizer merges. expected []string or [][]string")
    return merged


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, list) and all(isinstance(part, str) for part in entry)


def _splitting(tokenizer: Config, say: Callable[[str], None]) -> str:
    parts = list(_parts(tokenizer, "pre_tokenizer"))
    patterns = [_pattern(part) for part in parts if part.get("type") == "Split"]
    if patterns:
        found = _SPLITTINGS.get(hashlib.sha256("".join(patterns).encode()).hexdigest())
        if found is None:
            say("the tokenizer splits words in a way that is not known: it is converted with the default")
        return found or "default"
    kinds = {part.get("type") for part in parts}
    has_gpt2 = any(part.get("type") == "ByteLevel" and part.get("use_regex", True) for part in parts)
    if not has_gpt2:
        return "default"
    return "smollm" if "Digits" in kinds else "gpt-2"


def _pattern(part: Mapping[str, Any]) -> str:
    pattern = part.get("pattern")
    found = pattern.get("Regex") if isinstance(pattern, dict) else None
    return found if isinstance(found, str) else ""


def _kinds(tokenizer: Config, name: str) -> set[Any]:
    return {part.get("type") for part in _parts(tokenizer, name)}


def _parts(tokenizer: Config, name: str) -> Iterator[dict[str, Any]]:
    """The steps of a normalizer or pre-tokenizer, which may be a sequence of them."""
    part = tokenizer.section(name).values
    inner = part.get("normalizers", part.get("pretokenizers"))
    for step in inner if isinstance(inner, list) else [part]:
        if isinstance(step, dict):
            yield step
