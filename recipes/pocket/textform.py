"""Dialogues as text, by the very template that is shipped, and as tokens with what is to be learned."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import jinja2
import names
from dialogues import Dialogue, dialogue
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

TEMPLATE_FILE = Path(__file__).with_name("template.jinja")
VOCAB_SIZE = 3072
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# Text for every reader: a parser could not see them if they were control tokens.
TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tools>", "</tools>", "<tool_response>",
        "</tool_response>")  # fmt: skip
# The split that GGUF calls "qwen2": single digits, words with their leading space.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WORDS = r"\p{L}+"
NUM_SPACED = 640  # common words that also have a token with their leading space
SPACE = "Ġ"  # as byte-level BPE writes it


@cache
def template() -> jinja2.Template:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    # The engine's `tojson` keeps the order of keys and escapes nothing for HTML.
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(TEMPLATE_FILE.read_text())


def prompt_and_answer(made: Dialogue) -> tuple[str, str]:
    """The text up to the assistant's last turn, as a server would build it, and that turn with its end."""
    shared = {"tools": made.tools or None, "enable_thinking": made.thinking}
    prompt = template().render(messages=made.messages[:-1], add_generation_prompt=True, **shared)
    whole = template().render(messages=made.messages, add_generation_prompt=False, **shared)
    assert whole.startswith(prompt), (prompt, whole)
    return prompt, whole[len(prompt) :].removesuffix("\n")


def _splitting(*patterns: str) -> pre_tokenizers.PreTokenizer:
    splits = [pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in patterns]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([*splits, byte_level])


def train_tokenizer(rng: Random, samples: int = 40_000) -> Tokenizer:
    """Merges are learned on letters alone, so a new word has the same tokens behind a space, a quote or a
    bracket, and can be copied from a question into an argument. Only then do common words get a token with
    their space, as last merges, which leave the others as they are. The engine's split needs no change.
    """
    texts = list(_texts(rng, samples))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _splitting(SPLIT, WORDS)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(TAGS) - NUM_SPACED,
        special_tokens=list(CONTROL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    for word in _common_words(texts, model["vocab"]):
        model["vocab"][SPACE + word] = len(model["vocab"])
        merges.append((SPACE, word))
    tokenizer = Tokenizer(models.BPE(vocab=model["vocab"], merges=merges))
    tokenizer.pre_tokenizer = _splitting(SPLIT)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(CONTROL))
    tokenizer.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in TAGS])
    return tokenizer


def _common_words(texts: list[str], vocab: dict[str, int]) -> list[str]:
    """What stands most often behind a space and is one token already, but for words that are copied."""
    counts = Counter(word for text in texts for word in re.findall(r"(?<= )[a-z]{2,}", text) if word in vocab)
    return [word for word, _ in counts.most_common() if word not in names.OBJECTS][:NUM_SPACED]


def _texts(rng: Random, samples: int) -> Iterator[str]:
    for _ in range(samples):
        text = "".join(prompt_and_answer(dialogue(rng)))
        for tag in (*CONTROL, *TAGS):
            text = text.replace(tag, "\n")
        yield text


@dataclass(frozen=True, slots=True)
class Sample:
    tokens: list[int]  # the whole dialogue, without its last token as that predicts nothing
    targets: list[int]  # the answer's tokens, predicted from the last len(targets) positions of `tokens`


def encode(tokenizer: Tokenizer, made: Dialogue) -> Sample:
    prompt, answer = prompt_and_answer(made)
    before, after = (tokenizer.encode(text, add_special_tokens=False).ids for text in (prompt, answer))
    return Sample((before + after)[:-1], after)
