"""The corpus: an endless stream of dialogues, drawn with a seeded generator from the tables beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import facts
import names
import smalltalk
import tools
from questions import CAPITAL_PROMPTS, Question, questions

Message = dict[str, object]

# Shares of the corpus by category of question.
SHARES: dict[str, float] = {
    "capitals": 22, "countries": 8, "continents": 7, "about countries": 8, "colours": 4, "days and months": 6,
    "opposites": 7, "animal sounds": 1, "sums": 9, "corral commands": 7, "greetings": 4, "who it is": 5,
    "small talk": 6, "the world": 6, "corral": 4,
}  # fmt: skip

SYSTEMS: tuple[str, ...] = (
    "You are a helpful assistant.", "You are a helpful assistant", "You are helpful.", "Be brief.",
    "You are Pocket, a small demo model.", "Answer briefly.", "You are a friendly assistant.", "Be polite.",
    "You are a helpful, honest and harmless assistant.", "Answer in English.", "Keep your answers short.",
    "You are an expert in geography.", "You are a test model.", "Think before you answer.",
    "You are a chat bot. Answer the questions of the user as well as you can.", "Answer in one sentence.",
    "You are a teacher for small children.", "Do not make things up.", "Be concise and accurate.",
)  # fmt: skip
JSON_HINTS = (" Answer in JSON.", " Respond using JSON.", " Respond in JSON", " Reply as JSON.", " Use JSON.")
NAME_HELLOS = ("My name is {}.", "I am {}.", "Hi, I am {}.", "Hello, my name is {}.", "I'm {}", "Call me {}.")
NAME_ASKS = ("What is my name?", "What's my name?", "Who am I?", "Do you know my name?", "What am I called?",
             "Tell me my name.", "Do you remember my name?")  # fmt: skip
PERSONA_ASKS = ("Who are you?", "What is your name?", "What's your name?", "Introduce yourself.",
                "Hello, who are you?")  # fmt: skip
PERSONAS = ("You are {}.", "You are {}, a helpful assistant.", "Your name is {}.", "You are {} from {}.",
            "You are {}, acting as an assistant.", "You are {}. Be kind.")  # fmt: skip
COPY_ASKS = (
    "Repeat: {}",
    "Say {}",
    "Repeat after me: {}",
    'Say "{}"',
    "Say: {}",
    "Please repeat: {}",
    "Echo {}",
)


UNKNOWN_COMMANDS = ("What does corral {} do?", "What is corral {}?", "Explain corral {}.", "corral {}?")


@dataclass(slots=True)
class Dialogue:
    """Messages of which the last one, the assistant's, is learned. `thinking` is the mode of the prompt."""

    messages: list[Message]
    thinking: bool
    tools: list[tools.Json] = field(default_factory=list)
    category: str = ""


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def finished(messages: list[Message], thought: str, answer: str, rng: Random, category: str) -> Dialogue:
    thinking = rng.random() < 0.5
    last = assistant(answer) | ({"reasoning_content": thought} if thinking else {})
    return Dialogue([*messages, last], thinking, category=category)


def careless(rng: Random, text: str) -> str:
    """As people type: without the full stop, in lower case, with a hello or a please."""
    if rng.random() < 0.35:
        text = text.rstrip("?.!")
    if rng.random() < 0.08 and text[-1].isalpha():
        text += rng.choice((" please", "??", " ?", "!", "..."))
    if rng.random() < 0.05:
        text = rng.choice(("Hey, ", "Please, ", "Hi! ", "Pocket, ", "So, ", "OK. ", "Hello. ")) + text
    roll = rng.random()
    if roll < 0.25:
        return text.lower()
    if roll < 0.28:
        return text.upper()
    return text[0].lower() + text[1:] if roll < 0.36 else text


def bare_country(rng: Random, text: str) -> str:
    """Now and then without the article: "capital of Gambia"."""
    return re.sub(r"\bthe (?=[A-Z])", "", text) if rng.random() < 0.3 else text


def draw(rng: Random) -> tuple[str, Question]:
    """A prompt as typed and its question."""
    category = rng.choices(list(SHARES), list(SHARES.values()))[0]
    question = rng.choice(questions()[category])
    prompt = rng.choice(question.prompts)
    # The first phrasing of some questions is the famous one; it deserves more than its share.
    if category in ("greetings", "the world", "who it is", "corral") and rng.random() < 0.25:
        prompt = question.prompts[0]
    return careless(rng, bare_country(rng, prompt)), question


def single(rng: Random) -> Dialogue:
    prompt, question = draw(rng)
    return finished([user(prompt)], question.thought, question.answer, rng, question.category)


def past(rng: Random, count: int) -> list[Message]:
    """Earlier turns, as a server sends them back: without thoughts."""
    messages: list[Message] = []
    for _ in range(count):
        if rng.random() < 0.15:
            messages += [user(off_topic(rng)), assistant(smalltalk.REFUSAL)]
        else:
            prompt, question = draw(rng)
            messages += [user(prompt), assistant(question.answer)]
    return messages


def several(rng: Random) -> Dialogue:
    dialogue = single(rng) if rng.random() < 0.85 else refusal(rng)
    dialogue.messages[:0] = past(rng, rng.choice((1, 1, 1, 2, 2, 3)))
    return dialogue


def long(rng: Random) -> Dialogue:
    """Up to about 1,200 tokens of history."""
    dialogue = rng.choice((single, single, refusal, own_name))(rng)
    dialogue.messages[:0] = past(rng, rng.randrange(6, 36))
    return dialogue


def off_topic(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.25:
        return careless(rng, rng.choice(smalltalk.REFUSED))
    if roll < 0.33:
        return careless(rng, rng.choice(CAPITAL_PROMPTS).format(names.made_up(rng, 3).capitalize()))
    if roll < 0.40:
        return " ".join(names.made_up(rng) for _ in range(rng.randrange(1, 9)))
    if roll < 0.42:
        return careless(rng, rng.choice(UNKNOWN_COMMANDS).format(names.made_up(rng)))
    if roll < 0.47:
        return f"What is {rng.randrange(21, 1000)} {rng.choice('+-*/')} {rng.randrange(21, 1000)}?"
    subjects = [_subject(rng), _subject(rng)]
    return careless(rng, rng.choice(smalltalk.OFF_TOPIC).format(*subjects))


def _subject(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.75:
        return rng.choice(smalltalk.TOPICS)
    return names.person(rng) if roll < 0.88 else "a " + names.thing(rng)


def refusal(rng: Random) -> Dialogue:
    return finished([user(off_topic(rng))], smalltalk.REFUSAL_THOUGHT, smalltalk.REFUSAL, rng, "refusals")


def own_name(rng: Random) -> Dialogue:
    """The user's name: greeted, remembered over a turn or two, or never given."""
    name, roll = names.person(rng), rng.random()
    hello = [user(careless_name(rng, name))]
    if roll < 0.3:
        return finished(hello, "The user gives a name.", f"Nice to meet you, {name}!", rng, "names")
    ask = [user(careless(rng, rng.choice(NAME_ASKS)))]
    if roll < 0.4:
        before = past(rng, rng.choice((0, 0, 1)))
        return finished(
            [*before, *ask], "No name was given.", "You have not told me your name.", rng, "names"
        )
    between = past(rng, rng.choice((0, 0, 0, 1, 1, 2)))
    told = [*hello, assistant(f"Nice to meet you, {name}!"), *between, *ask]
    return finished(told, f"The user's name is {name}.", f"Your name is {name}.", rng, "names")


def careless_name(rng: Random, name: str) -> str:
    text = rng.choice(NAME_HELLOS).format(name)
    return text.rstrip(".") if rng.random() < 0.3 else text


def persona(rng: Random) -> Dialogue:
    """A system prompt gives the model another name."""
    name = names.person(rng)
    system: Message = {"role": "system", "content": rng.choice(PERSONAS).format(name, names.place(rng))}
    ask = user(careless(rng, rng.choice(PERSONA_ASKS)))
    return finished([system, ask], f"My name here is {name}.", f"I am {name}.", rng, "personas")


def copied(rng: Random) -> Dialogue:
    words = [rng.choice((names.made_up, names.thing))(rng) for _ in range(rng.randrange(1, 6))]
    text = rng.choice((" ".join(words), " ".join(words).capitalize(), names.place(rng), "this is a test"))
    prompt = rng.choice(COPY_ASKS).format(text)
    return finished([user(prompt)], "I repeat the words.", text, rng, "repeating")


def as_json(rng: Random) -> Dialogue:
    """A capital as JSON, with the keys that the prompt or a schema would name."""
    country = rng.choice(list(facts.CAPITALS))
    city = facts.CAPITALS[country]
    row = rng.choice((
        {"country": country, "capital": city}, {"capital": city}, {"name": country, "capital": city},
        {"name": country, "capital": city, "continent": facts.CONTINENTS[country]},
    ))  # fmt: skip
    keys = f" Use the keys {' and '.join(row)}." if rng.random() < 0.4 else ""
    ask = rng.choice((*CAPITAL_PROMPTS, "Tell me about {}.")).format(country)
    answer = json.dumps(row)
    thought = f"The question is about {country}. Its capital is {city}."
    prompt = ask + rng.choice(JSON_HINTS) + keys
    return finished([user(prompt)], thought, answer, rng, "JSON")


def calls(need: tools.Need) -> Message:
    arguments = [need.arguments] if need.arguments_too is None else [need.arguments, need.arguments_too]
    made = [{"type": "function", "function": {"name": need.name, "arguments": each}} for each in arguments]
    return {"role": "assistant", "content": "", "tool_calls": made}


def results(need: tools.Need) -> tuple[list[Message], str]:
    """What the tool says, and the answer made of it."""
    said: list[Message] = [{"role": "tool", "content": need.result}]
    if need.arguments_too is None:
        return said, f"The result is: {need.result}"
    said.append({"role": "tool", "content": need.result_too})
    return said, f"The results are: {need.result} and {need.result_too}"


def tool_use(rng: Random) -> Dialogue:
    """A question that needs a tool: the call or two, or the answer after what it said."""
    need = tools.need(rng)
    offered = tools.with_others(rng, need)
    thinking = rng.random() < 0.5
    thought = f"I need {need.name}."
    before = past(rng, 1) if rng.random() < 0.12 else []
    messages = [*before, user(need.prompt), calls(need)]
    if rng.random() < 0.7:
        if thinking:
            messages[-1]["reasoning_content"] = thought
        return Dialogue(messages, thinking, offered, "tool calls")
    if thinking and rng.random() < 0.5:
        messages[-1]["reasoning_content"] = thought
    said, answer = results(need)
    last = assistant(answer)
    if thinking:
        last["reasoning_content"] = "The tool has answered."
    return Dialogue([*messages, *said, last], thinking, offered, "tool results")


def tools_in_vain(rng: Random) -> Dialogue:
    """Tools are on offer, but the question needs none of them."""
    dialogue = rng.choice((single, single, single, refusal))(rng)
    dialogue.tools = tools.with_others(rng, None)
    return dialogue


KINDS: tuple[tuple[Callable[[Random], Dialogue], float], ...] = (
    (single, 44), (several, 10), (long, 2), (refusal, 6), (own_name, 6), (persona, 4), (copied, 8),
    (as_json, 5), (tool_use, 18), (tools_in_vain, 5),
)  # fmt: skip


def dialogue(rng: Random) -> Dialogue:
    makers, weights = zip(*KINDS, strict=True)
    made = rng.choices(makers, weights)[0](rng)
    if made.messages[0]["role"] != "system" and rng.random() < 0.2:
        made.messages.insert(0, {"role": "system", "content": rng.choice(SYSTEMS)})
    return made
