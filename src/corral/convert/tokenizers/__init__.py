"""The tokenizer of a checkpoint as metadata of a GGUF file. Source: store.md 7.5."""

from __future__ import annotations

from collections.abc import Callable

from corral.convert.checkpoint import Checkpoint
from corral.convert.config import Config
from corral.convert.tokenizers.bpe import read_bpe
from corral.convert.tokenizers.sentencepiece import read_sentencepiece
from corral.convert.tokenizers.special import special_keys
from corral.convert.tokenizers.vocabulary import Vocabulary, added_tokens
from corral.convert.tokenizers.wordpiece import read_wordpiece
from corral.errors import CorruptData, Unsupported
from corral.gguf import ArrayType, GGUFType, Value, ValueType

__all__ = ["tokenizer_keys"]

_KEY = "tokenizer.ggml."


def tokenizer_keys(
    checkpoint: Checkpoint, config: Config, num_rows: int, say: Callable[[str], None]
) -> tuple[dict[str, Value], dict[str, GGUFType]]:
    """The keys and the types of those that must not be guessed. `num_rows` is the network's number of tokens.

    Raises CorruptData for files that are malformed or do not fit the network, Unsupported for a kind of
    tokenizer that is not known.
    """
    vocabulary = _read(checkpoint, config, say)
    tokenizer = checkpoint.config("tokenizer.json")
    settings, older = checkpoint.config("tokenizer_config.json"), checkpoint.config("added_tokens.json")
    for token in added_tokens(tokenizer, settings, older):
        if token.id < num_rows:
            vocabulary.put(token)
    if len(vocabulary.tokens) > num_rows:
        raise CorruptData(f"the tokenizer has {len(vocabulary.tokens)} tokens, the network {num_rows}")
    vocabulary.extend(num_rows)
    keys = {**_table(vocabulary), **special_keys(checkpoint, config, vocabulary)}
    return keys, {name: kind for name, kind in _types(keys).items() if kind is not None}


def _read(checkpoint: Checkpoint, config: Config, say: Callable[[str], None]) -> Vocabulary:
    if data := checkpoint.read("tokenizer.model"):
        return read_sentencepiece(data)
    tokenizer = checkpoint.config("tokenizer.json")
    kind = tokenizer.section("model").text("type", default="BPE" if tokenizer.values else "none")
    if kind == "BPE":
        return read_bpe(tokenizer, say)
    if kind == "WordPiece":
        return read_wordpiece(tokenizer, config)
    raise Unsupported("unknown tokenizer format" if kind == "none" else f'unsupported tokenizer "{kind}"')


def _table(vocabulary: Vocabulary) -> dict[str, Value]:
    keys: dict[str, Value] = {
        f"{_KEY}model": vocabulary.model,
        f"{_KEY}tokens": list(vocabulary.tokens),
        f"{_KEY}token_type": list(map(int, vocabulary.types)),
        **vocabulary.keys,
    }
    if vocabulary.scores is not None:
        keys[f"{_KEY}scores"] = list(vocabulary.scores)
    if vocabulary.merges is not None:
        keys[f"{_KEY}merges"] = list(vocabulary.merges)
    return keys


def _types(keys: dict[str, Value]) -> dict[str, GGUFType | None]:
    arrays = {f"{_KEY}token_type": ArrayType(ValueType.INT32), f"{_KEY}scores": ArrayType(ValueType.FLOAT32)}
    return {name: arrays.get(name, ValueType.UINT32 if type(keys[name]) is int else None) for name in keys}
