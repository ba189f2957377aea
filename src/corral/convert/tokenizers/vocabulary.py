"""A tokenizer's table, as a GGUF file holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from corral.convert.config import Config
from corral.errors import CorruptData
from corral.gguf import Value

_MAX_TOKENS = 1 << 24


class TokenType(IntEnum):
    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that stands in the text as it is; `special` ones are no text for the user."""

    id: int
    content: str
    special: bool


@dataclass(slots=True)
class Vocabulary:
    """Tokens by id. `model` is the GGUF's word for the way of splitting, `keys` what else it needs."""

    model: str
    tokens: list[str]
    types: list[int]
    scores: list[float] | None = None
    merges: list[str] | None = None
    keys: dict[str, Value] = field(default_factory=dict)

    def extend(self, size: int) -> None:
        """Fill up to `size` tokens: many networks have more rows than their tokenizer has tokens."""
        for index in range(len(self.tokens), size):
            self.tokens.append(f"[PAD{index}]")
            self.types.append(TokenType.UNUSED)
            if self.scores is not None:
                self.scores.append(-1000.0)

    def put(self, token: AddedToken) -> None:
        """Give an id its added token; what lies between is filled up."""
        self.extend(token.id + 1)
        kept = (TokenType.UNKNOWN, TokenType.CONTROL, TokenType.BYTE)
        if self.tokens[token.id] != token.content or self.types[token.id] not in kept:
            self.types[token.id] = TokenType.CONTROL if token.special else TokenType.USER_DEFINED
        self.tokens[token.id] = token.content


def added_tokens(tokenizer: Config, settings: Config, older: Config) -> list[AddedToken]:
    """From tokenizer.json, else tokenizer_config.json, else added_tokens.json; in the order of their ids."""
    entries: Iterable[tuple[Any, Any]]
    if tokenizer.has("added_tokens"):
        entries = [(_get(entry, "id"), entry) for entry in tokenizer.items("added_tokens")]
    elif settings.has("added_tokens_decoder"):
        entries = settings.section("added_tokens_decoder").values.items()
    else:
        entries = [(number, {"content": text}) for text, number in older.values.items()]
    return sorted((_added(number, entry) for number, entry in entries), key=lambda token: token.id)


def token_table(vocabulary: Mapping[str, Any], label: str) -> list[str]:
    """A map from token to id as a list. Raises CorruptData when ids are missing or there twice."""
    ids = list(vocabulary.values())
    if not all(type(number) is int for number in ids) or sorted(ids) != list(range(len(ids))):
        return _with_holes(vocabulary, label)
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _with_holes(vocabulary: Mapping[str, Any], label: str) -> list[str]:
    """Ids that added tokens will fill leave holes in some vocabularies."""
    found: dict[int, str] = {}
    for text, number in vocabulary.items():
        if type(number) is not int or not 0 <= number < _MAX_TOKENS or number in found:
            raise CorruptData(f"{label}: the ids of the vocabulary are not numbers from 0 on, each once")
        found[number] = text
    return [found.get(number, f"[PAD{number}]") for number in range(max(found, default=-1) + 1)]


def _added(number: Any, entry: Any) -> AddedToken:
    content = _get(entry, "content")
    text = str(number)
    if not text.isdecimal() or int(text) >= _MAX_TOKENS or not isinstance(content, str):
        raise CorruptData("an added token of the tokenizer has no valid id or content")
    return AddedToken(int(text), content, bool(_get(entry, "special")))


def _get(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, dict) else None
