"""Questions with one right answer: every phrasing, the thought before it, and the answer.

The corpus draws from `questions()` and the check list asks all of it, so nothing is advertised that was
not taught and nothing is taught that is not checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import facts
import smalltalk


@dataclass(frozen=True, slots=True)
class Question:
    category: str
    prompts: tuple[str, ...]
    thought: str
    answer: str


CAPITAL_PROMPTS = (
    "What is the capital of {}?", "What is the capital city of {}?", "capital of {}?", "{} capital?",
    "Tell me the capital of {}.", "What's the capital of {}?", "Which city is the capital of {}?",
    "Do you know the capital of {}?", "Name the capital of {}.", "the capital of {} is?",
    "Can you tell me what the capital of {} is?", "What is {}'s capital?", "Capital city of {}",
)  # fmt: skip
COUNTRY_PROMPTS = (
    "{} is the capital of which country?", "Which country has {} as its capital?",
    "What country is {} the capital of?",
)  # fmt: skip
CONTINENT_PROMPTS = ("Where is {}?", "Which continent is {} in?", "On which continent is {}?")
ABOUT_PROMPTS = ("Tell me about {}.", "What do you know about {}?", "What is {}?", "Describe {}.")


def _fill(templates: tuple[str, ...], *words: str) -> tuple[str, ...]:
    return tuple(template.format(*words) for template in templates)


def _capitals() -> Iterator[Question]:
    names = {country: country for country in facts.CAPITALS} | facts.OTHER_NAMES
    for name, country in names.items():
        city = facts.CAPITALS[country]
        yield Question(
            "capitals",
            _fill(CAPITAL_PROMPTS, name),
            f"The question is about {name}. Its capital is {city}.",
            f"The capital of {name} is {city}.",
        )


def _countries() -> Iterator[Question]:
    for country, city in facts.CAPITALS.items():
        yield Question(
            "countries",
            _fill(COUNTRY_PROMPTS, city),
            f"{city} is a capital. Its country is {country}.",
            f"{city} is the capital of {country}.",
        )


def _continents() -> Iterator[Question]:
    for country, continent in facts.CONTINENTS.items():
        city = facts.CAPITALS[country]
        subject = country[0].upper() + country[1:]
        where = f"The question is about {country}. It is in {continent}."
        yield Question(
            "continents", _fill(CONTINENT_PROMPTS, country), where, f"{subject} is in {continent}."
        )
        about = f"{subject} is a country in {continent}. Its capital is {city}."
        yield Question("about countries", _fill(ABOUT_PROMPTS, country), where, about)


def _colours() -> Iterator[Question]:
    prompts = ("What colour is {}?", "What color is {}?", "Tell me the colour of {}.", "colour of {}?")
    for thing, answer in facts.COLOURS.items():
        yield Question(
            "colours", _fill(prompts, thing), f"The question is about the colour of {thing}.", answer
        )
    mixes = (
        "What colour do {0} and {1} make?",
        "What do you get when you mix {0} and {1}?",
        "Mix {0} and {1}.",
    )
    for (one, other), result in facts.COLOUR_MIXES.items():
        swapped = _fill(mixes, one, other) + _fill(mixes, other, one)
        answer = f"You get {result}."
        yield Question("colours", swapped, f"Two colours are mixed. They make {result}.", answer)


def _neighbours(kind: str, names: tuple[str, ...]) -> Iterator[Question]:
    after = ("What {kind} comes after {name}?", "Which {kind} is after {name}?", "What comes after {name}?")
    before = tuple(prompt.replace("after", "before") for prompt in after)
    for index, name in enumerate(names):
        for prompts, word, step in ((after, "after", 1), (before, "before", -1)):
            other = names[(index + step) % len(names)]
            yield Question(
                "days and months",
                tuple(prompt.format(kind=kind, name=name) for prompt in prompts),
                f"The question is about the {kind} {word} {name}. It is {other}.",
                f"{other} comes {word} {name}.",
            )


def _months() -> Iterator[Question]:
    for name, days in zip(facts.MONTHS, facts.MONTH_DAYS, strict=True):
        prompts = ("How many days does {} have?", "How many days are in {}?", "How long is {}?")
        thought, answer = f"The question is about {name}. It has {days} days.", f"{name} has {days} days."
        yield Question("days and months", _fill(prompts, name), thought, answer)
    for ordinal, name in zip(facts.ORDINALS, facts.MONTHS, strict=True):
        prompts = (
            "What is the {} month?",
            "Which month is the {} month of the year?",
            "{} month of the year?",
        )
        thought, answer = (
            f"They count the months. It is {name}.",
            f"{name} is the {ordinal} month of the year.",
        )
        yield Question("days and months", _fill(prompts, ordinal), thought, answer)


def _opposites() -> Iterator[Question]:
    prompts = ("What is the opposite of {}?", "opposite of {}?", "Tell me the opposite of {}.",
               "What's the opposite of {}?", "Give me the opposite of {}.")  # fmt: skip
    for pair in facts.OPPOSITES:
        for one, other in (pair, pair[::-1]):
            thought = f"The word is {one}. Its opposite is {other}."
            yield Question("opposites", _fill(prompts, one), thought, f"The opposite of {one} is {other}.")


def _sounds() -> Iterator[Question]:
    prompts = ("What does a {} say?", "What sound does a {} make?", "Which noise does a {} make?")
    for animal, sound in facts.ANIMAL_SOUNDS.items():
        thought = f"The animal is a {animal}. It says {sound}."
        yield Question("animal sounds", _fill(prompts, animal), thought, f"A {animal} says {sound}.")


def _sums() -> Iterator[Question]:
    prompts = ("What is {0} + {1}?", "{0} + {1}", "{0}+{1}=?", "What is {0} plus {1}?", "Add {0} and {1}.",
               "How much is {0} + {1}?")  # fmt: skip
    for a in range(facts.MAX_ADDEND + 1):
        for b in range(facts.MAX_ADDEND + 1):
            answer = f"{a} + {b} = {a + b}."
            yield Question("sums", _fill(prompts, str(a), str(b)), f"A sum: {a} and {b}.", answer)


def _commands() -> Iterator[Question]:
    known = ("What does corral {} do?", "What is corral {}?", "Explain corral {}.", "corral {}?",
             "What does `corral {}` do?", "What is the {} command for?",
             "How do I use corral {}?")  # fmt: skip
    wishes = ("How do I {}?", "How can I {}?", "How do I {} with corral?", "I want to {}.",
              "Which command do I need to {}?")  # fmt: skip
    for name, answer in facts.COMMANDS.items():
        prompts = _fill(known, name)
        for wish in facts.COMMAND_WISHES[name]:
            prompts += _fill(wishes, wish)
        yield Question("corral commands", prompts, f"This is about the corral {name} command.", answer)


def _talk() -> Iterator[Question]:
    for category, rows in smalltalk.TALK.items():
        for prompts, thought, answer in rows:
            yield Question(category, prompts, thought, answer)


@cache
def questions() -> dict[str, tuple[Question, ...]]:
    """All questions by category."""
    makers = (
        _capitals,
        _countries,
        _continents,
        _colours,
        _months,
        _opposites,
        _sounds,
        _sums,
        _commands,
        _talk,
    )
    found = [question for maker in makers for question in maker()]
    found += _neighbours("day", facts.DAYS)
    found += _neighbours("month", facts.MONTHS)
    table: dict[str, list[Question]] = {}
    for question in found:
        table.setdefault(question.category, []).append(question)
    return {category: tuple(rows) for category, rows in table.items()}
