"""What the model must get exactly right: every question of the corpus, and fresh draws of what it copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import dialogues
import smalltalk
from dialogues import Dialogue, Message
from questions import questions

SEED = 2_000_003  # not one of the trainer's
PHRASINGS = 3
HEAT = 0.8


@dataclass(frozen=True, slots=True)
class Item:
    category: str
    messages: list[Message]
    thinking: bool
    heat: float  # temperature
    content: str
    tools: list[dict[str, object]] = field(default_factory=list)
    calls: list[tuple[str, object]] = field(default_factory=list)  # name and arguments
    stream: bool = False


def _asked(rng: Random) -> Iterator[Item]:
    """Every question: three phrasings greedily and one at 0.8, in both modes."""
    for category, rows in questions().items():
        for question in rows:
            others = rng.sample(question.prompts[1:], min(PHRASINGS - 1, len(question.prompts) - 1))
            prompts = [question.prompts[0], *others]
            for prompt in prompts:
                yield from _both_modes(category, prompt, question.answer, 0.0)
            yield from _both_modes(category, rng.choice(prompts), question.answer, HEAT)


def _both_modes(category: str, prompt: str, answer: str, heat: float) -> Iterator[Item]:
    for thinking in (False, True):
        yield Item(category, [dialogues.user(prompt)], thinking, heat, answer)


def _refused() -> Iterator[Item]:
    prompts = [*smalltalk.REFUSED]
    prompts += [form.format(a, b) for form, a, b in zip(
        smalltalk.OFF_TOPIC, smalltalk.TOPICS, smalltalk.TOPICS[1:], strict=False)]  # fmt: skip
    for prompt in prompts:
        yield from _both_modes("refusals", prompt, smalltalk.REFUSAL, 0.0)


def _item(made: Dialogue, heat: float, stream: bool = False) -> Item:
    last = made.messages[-1]
    made_calls = [each["function"] for each in last.get("tool_calls", [])]
    calls = [(function["name"], function["arguments"]) for function in made_calls]
    category, content = made.category, str(last["content"])
    return Item(category, made.messages[:-1], made.thinking, heat, content, made.tools, calls, stream)


def _drawn(rng: Random) -> Iterator[Item]:
    """New names, places and tools that the model has not seen, and dialogues of several turns."""
    makers = (dialogues.tool_use, dialogues.tool_use, dialogues.own_name, dialogues.persona, dialogues.copied)
    for index in range(120):
        for maker in makers:
            yield _item(maker(rng), HEAT if index % 4 == 3 else 0.0, stream=index % 8 == 0)
        for maker, category in ((dialogues.tools_in_vain, "tools not needed"),
                                (dialogues.several, "later turns"),
                                (dialogues.as_json, "JSON")):  # fmt: skip
            made = maker(rng)
            made.category = category
            # Without named keys several JSON answers are right.
            if category != "JSON" or "Use the keys" in str(made.messages[-2]["content"]):
                yield _item(made, 0.0)
    for _ in range(20):
        made = dialogues.long(rng)
        made.category = "long dialogues"
        yield _item(made, 0.0)


def checklist() -> list[Item]:
    rng = Random(SEED)
    return [*_asked(rng), *_refused(), *_drawn(rng)]
