"""Which tokens begin, end and fill a text, and the chat template. Source: store.md 7.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corral.convert.checkpoint import Checkpoint
from corral.convert.config import Config
from corral.convert.tokenizers.vocabulary import Vocabulary
from corral.errors import CorruptData
from corral.gguf import Value

# The checkpoint's word -> the GGUF's. One of these is misspelt in the format.
_WORDS: Mapping[str, str] = {
    "bos": "bos",
    "eos": "eos",
    "unk": "unknown",
    "sep": "seperator",
    "pad": "padding",
    "cls": "cls",
    "mask": "mask",
}
_DEFAULT = "default"


def special_keys(checkpoint: Checkpoint, config: Config, vocabulary: Vocabulary) -> dict[str, Value]:
    """`tokenizer.ggml.*_token_id`, what is added to a text, and the chat templates. Raises CorruptData."""
    settings = checkpoint.config("tokenizer_config.json")
    generation = checkpoint.config("generation_config.json")
    named = checkpoint.config("special_tokens_map.json").over({})
    ids = {text: number for number, text in reversed(list(enumerate(vocabulary.tokens)))}
    keys: dict[str, Value] = {}
    for word, ours in _WORDS.items():
        text = _content(settings.values.get(f"{word}_token", named.values.get(f"{word}_token")))
        found = ids.get(text) if text else _first_id(word, generation, config, len(vocabulary.tokens))
        if found is not None:
            keys[f"tokenizer.ggml.{ours}_token_id"] = found
    keys |= _ends(generation, keys, len(vocabulary.tokens))
    if vocabulary.model == "bert":  # which always has its two around a text
        keys["tokenizer.ggml.bos_token_id"] = keys.get("tokenizer.ggml.cls_token_id", 0)
    else:
        keys |= _added(settings, checkpoint.config("tokenizer.json"), keys)
    return keys | _templates(checkpoint, settings)


def _content(value: Any) -> str:
    """A token as text, or as an object with its text."""
    text = value.get("content") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


def _first_id(word: str, generation: Config, config: Config, size: int) -> int | None:
    for source in (generation, config):
        numbers = _numbers(source.values.get(f"{word}_token_id"), size)
        if numbers:
            return numbers[0]
    return None


def _numbers(value: Any, size: int) -> list[int]:
    numbers = value if isinstance(value, list) else [value]
    return [number for number in numbers if type(number) is int and 0 <= number < size]


def _ends(generation: Config, keys: Mapping[str, Value], size: int) -> dict[str, Value]:
    """Several tokens may end a text; the engine knows one more by its own key, and others by their text."""
    numbers = _numbers(generation.values.get("eos_token_id"), size)
    if len(numbers) < 2:
        return {}
    eos = keys.get("tokenizer.ggml.eos_token_id")
    turn = next(number for number in numbers if number != eos)
    return {"tokenizer.ggml.eos_token_ids": list(numbers), "tokenizer.ggml.eot_token_id": turn}


def _added(settings: Config, tokenizer: Config, keys: Mapping[str, Value]) -> dict[str, Value]:
    """Whether a text gets its first and last token: as the settings say, else as the tokenizer does it."""
    added: dict[str, Value] = {}
    around = _around(tokenizer)
    for word, place in (("bos", 0), ("eos", -1)):
        said = settings.values.get(f"add_{word}_token")
        number = keys.get(f"tokenizer.ggml.{word}_token_id")
        if isinstance(said, bool):
            added[f"tokenizer.ggml.add_{word}_token"] = said
        elif around is not None:
            added[f"tokenizer.ggml.add_{word}_token"] = number is not None and around[place] == number
    return added


def _around(tokenizer: Config) -> tuple[int | None, int | None] | None:
    """The ids that stand before and behind a text; None when there is no tokenizer.json to tell."""
    if not tokenizer.values:
        return None
    step = tokenizer.section("post_processor").values
    for part in step.get("processors") or [step]:
        if isinstance(part, dict) and part.get("type") == "TemplateProcessing":
            return _of_template(part)
    return None, None


def _of_template(part: Mapping[str, Any]) -> tuple[int | None, int | None]:
    single, table = part.get("single"), part.get("special_tokens")
    if not isinstance(single, list) or not single or not isinstance(table, dict):
        return None, None

    def number(piece: Any) -> int | None:
        token = piece.get("SpecialToken") if isinstance(piece, dict) else None
        entry = table.get(token.get("id")) if isinstance(token, dict) else None
        ids = _numbers(entry.get("ids"), 1 << 31) if isinstance(entry, dict) else []
        return ids[0] if ids else None

    return number(single[0]), number(single[-1])


def _templates(checkpoint: Checkpoint, settings: Config) -> dict[str, Value]:
    """The chat template, and those with a name. A file of its own wins: newer writers make only that."""
    found = _named(settings.values.get("chat_template"))
    if not found:
        found = _named((checkpoint.json("chat_template.json") or {}).get("chat_template"))
    alone = checkpoint.read("chat_template.jinja")
    if alone is not None:
        found[_DEFAULT] = alone.decode("utf-8", "replace")
    keys: dict[str, Value] = {}
    for name, text in found.items():
        keys["tokenizer.chat_template" + ("" if name == _DEFAULT else f".{name}")] = text
    return keys


def _named(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {_DEFAULT: value}
    entries: list[Any] = value if isinstance(value, list) else [None]
    if not all(isinstance(entry, dict) and _are_texts(entry) for entry in entries):
        raise CorruptData("invalid chat_template: neither a text nor a list of named ones")
    return {entry["name"]: entry["template"] for entry in entries}


def _are_texts(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("name"), str) and isinstance(entry.get("template"), str)
