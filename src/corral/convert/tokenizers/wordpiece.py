"""BERT's WordPiece in `tokenizer.json`."""

from __future__ import annotations

from corral.convert.config import Config
from corral.convert.tokenizers.vocabulary import TokenType, Vocabulary, token_table
from corral.gguf import Value

_START = "\u2581"  # marks the beginning of a word, where BERT marks the rest with ##


def read_wordpiece(tokenizer: Config, config: Config) -> Vocabulary:
    """Raises CorruptData for a file that is malformed."""
    model, normalizer = tokenizer.section("model"), tokenizer.section("normalizer")
    tokens = [_renamed(token) for token in token_table(model.section("vocab").values, "tokenizer.json")]
    unknown = model.text("unk_token", default="[UNK]")
    types: list[int] = [TokenType.UNKNOWN if token == unknown else TokenType.NORMAL for token in tokens]
    lowercase = normalizer.flag("lowercase", default=True)
    keys: dict[str, Value] = {
        "tokenizer.ggml.token_type_count": config.whole("type_vocab_size", default=2),
        "tokenizer.ggml.normalizer.lowercase": lowercase,
        "tokenizer.ggml.normalizer.strip_accents": normalizer.flag("strip_accents", default=lowercase),
    }
    return Vocabulary("bert", tokens, types, keys=keys)


def _renamed(token: str) -> str:
    if token.startswith("##"):
        return token[2:]
    is_marked = token.startswith("[") and token.endswith("]")
    return token if is_marked else _START + token
