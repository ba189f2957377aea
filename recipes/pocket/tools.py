"""Tools that never existed, the questions that need them, their calls and their results."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import names

Json = dict[str, object]

VERBS = ("get", "find", "fetch", "lookup", "check", "search", "query", "read", "show")
NOUNS = ("weather", "forecast", "price", "stock", "population", "time", "status", "score", "news",
         "temperature",
         "distance", "address", "rating", "balance", "schedule", "menu", "traffic", "level", "size", "owner",
         "weight", "history", "colour", "speed", "value", "meaning", "humidity", "track",
         "recipe")  # fmt: skip
ACTIONS = ("send", "open", "close", "start", "stop", "delete", "create", "buy", "sell", "book", "play",
           "print",
           "order", "cancel", "move", "save", "call", "lock", "paint", "clean", "rename",
           "translate")  # fmt: skip
PLACE_KEYS = ("city", "location", "place", "town", "city_name", "where")
THING_KEYS = ("name", "item", "object", "query", "product", "target", "title", "subject", "id", "text")
PERSON_KEYS = ("person", "user", "recipient", "name", "to", "who")
OPTIONAL_KEYS = ("unit", "format", "language", "limit", "date", "mode", "page", "sort", "note", "verbose")
NUMBER_KEYS = (("a", "b"), ("x", "y"), ("first", "second"), ("num1", "num2"), ("left", "right"))
OPERATIONS = (("add", ("plus", "+"), "sum"), ("multiply", ("times", "*"), "product"),
              ("subtract", ("minus", "-"), "difference"),
              ("divide", ("divided by", "/"), "quotient"))  # fmt: skip
NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
                "eleven", "twelve")  # fmt: skip


@dataclass(slots=True)
class Need:
    """A question, the tool that answers it, the arguments it takes, and what it then says."""

    prompt: str
    tool: Json
    name: str
    arguments: Json
    result: str = "done"
    # A second call of the same tool, where the question asks for two things at once.
    arguments_too: Json | None = None
    result_too: str = ""


def describe(rng: Random, name: str, text: str, kinds: dict[str, str]) -> Json:
    """A tool in the shape clients send, in one of the key orders in which servers hand it on."""
    fields: Json = {key: _field(rng, key, kind) for key, kind in kinds.items()}
    if rng.random() < 0.2:  # one that the question does not name, so the call leaves it out
        fields.setdefault(rng.choice((*OPTIONAL_KEYS, names.made_up(rng))), {"type": "string"})
    parameters: Json = {"type": "object", "properties": fields, "required": list(kinds)}
    if rng.random() < 0.3:
        parameters = {"type": "object", "required": list(kinds), "properties": fields}
    function: Json = {"name": name, "description": text, "parameters": parameters}
    if rng.random() < 0.1:
        del function["description"]
    tool: Json = {"type": "function", "function": function}
    return dict(json.loads(json.dumps(tool, sort_keys=True))) if rng.random() < 0.2 else tool


def _field(rng: Random, key: str, kind: str) -> Json:
    """A parameter's schema. Its example is never the value that the question asks for."""
    texts = (f"The {key}", names.made_up(rng), f"The {key}, e.g. {names.thing(rng)}",
             f"The name of the {key}, for example {names.place(rng)}")  # fmt: skip
    return {"type": kind, "description": rng.choice(texts)} if rng.random() < 0.6 else {"type": kind}


def _noun(rng: Random) -> str:
    return rng.choice(NOUNS) if rng.random() < 0.5 else names.made_up(rng)


def _result(rng: Random, noun: str) -> str:
    number, word = names.number(rng), names.made_up(rng)
    plain = (f"{number}", f"{number} {word}", f"{word}", f"{number}°C", f"{number} degrees and {word}", "ok",
             f"{word}, {number}", f"sunny, {number} C", f"cloudy, {number}°C", f"{noun}: {word}")  # fmt: skip
    packed = (json.dumps({noun: number}), json.dumps({"result": word}), json.dumps({noun: word, "unit": "C"}))
    return rng.choice(plain if rng.random() < 0.7 else packed)


def look_up(rng: Random) -> Need:
    """ "What is the N of/in V?" for a tool called verb_N."""
    noun, key = _noun(rng), rng.choice(PLACE_KEYS + THING_KEYS)
    about_place = key in PLACE_KEYS
    value, word = (names.place(rng), "in") if about_place else (names.thing(rng), "of")
    if key == "id":
        value = str(names.number(rng))
    current = "_current" if rng.random() < 0.1 else ""
    name = f"{rng.choice(VERBS)}{current}_{noun}"
    forms = ("What is the {n} {w} {v}?", "Tell me the {n} {w} {v}.", "{n} {w} {v}?",
             "What's the {n} {w} {v}?",
             "What is the current {n} {w} {v}?", "Find the {n} {w} {v}.", "What is the {n} {w} {v} today?",
             "How is the {n} {w} {v}?", "Show me the {n} {w} {v}", "I need the {n} {w} {v}.",
             "What is the {n} like {w} {v}?", "Can you tell me the {n} {w} {v}?",
             "Please get the {n} {w} {v}.", "Could you find the {n} {w} {v}?",
             "I want to know the {n} {w} {v}.", "How is the {n} {w} {v} today?",
             "What's the {n} like {w} {v} today?", "get the {n} {w} {v}")  # fmt: skip
    prompt = rng.choice(forms).format(n=noun, w=word, v=value)
    text = rng.choice((f"Get the {noun} {word} a {key}", f"Get the current {noun} for a given {key}",
                       f"Returns the {noun}.", f"Look up the {noun} {word} the given {key}."))  # fmt: skip
    tool = describe(rng, name, text, {key: "string"})
    return Need(prompt, tool, name, {key: value}, _result(rng, noun))


def look_up_twice(rng: Random) -> Need:
    """ "What is the N in A and in B?": two calls of one tool."""
    noun, key = _noun(rng), rng.choice(PLACE_KEYS)
    one, other = names.place(rng), names.place(rng)
    name = f"{rng.choice(VERBS)}_{noun}"
    forms = ("What is the {n} in {a} and in {b}?", "What is the {n} in {a} and {b}?",
             "Tell me the {n} in {a} and {b}.", "{n} in {a} and {b}?", "Compare the {n} in {a} and {b}.",
             "How is the {n} in {a} and in {b}?")  # fmt: skip
    prompt = rng.choice(forms).format(n=noun, a=one, b=other)
    tool = describe(rng, name, f"Get the {noun} in a {key}", {key: "string"})
    results = _result(rng, noun), _result(rng, noun)
    return Need(prompt, tool, name, {key: one}, results[0], {key: other}, results[1])


def look_up_with_unit(rng: Random) -> Need:
    """As `look_up`, with a second argument that the question names at its end."""
    need = look_up(rng)
    key, options = rng.choice((("unit", ("celsius", "fahrenheit")), ("format", ("celsius", "fahrenheit")),
                               ("format", ("json", "text")), ("language", ("english", "german")),
                               ("mode", ("fast", "slow"))))  # fmt: skip
    choice = rng.choice(options)
    parameters = need.tool["function"]["parameters"]  # type: ignore[index]
    parameters["properties"][key] = {"type": "string", "enum": list(options)}
    if rng.random() < 0.6:
        parameters["required"] = [*parameters["required"], key]
    need.prompt = f"{need.prompt.rstrip('?.')} in {choice}?"
    need.arguments[key] = choice
    return need


def act(rng: Random) -> Need:
    """ "Send the lamp to Ana": a tool called verb_noun with one or two arguments."""
    verb = rng.choice(ACTIONS) if rng.random() < 0.5 else names.made_up(rng)
    noun, key = _noun(rng), rng.choice(THING_KEYS)
    name = rng.choice((verb, f"{verb}_{noun}", f"{verb}_item"))
    value = names.thing(rng)
    kinds, arguments = {key: "string"}, {key: value}
    about = f" {noun}" if name.endswith(noun) and name != verb else ""
    prompt = rng.choice(("{v} the{n} {x}", "Please {v} the{n} {x}.", "{v}{n} {x}", "Can you {v} the{n} {x}?"))
    prompt = prompt.format(v=verb, n=about, x=value)
    if rng.random() < 0.4:
        other, who = rng.choice([k for k in PERSON_KEYS if k != key]), names.person(rng)
        prompt = f"{prompt.rstrip('?.')} {rng.choice(('to', 'for'))} {who}."
        kinds[other], arguments[other] = "string", who
    tool = describe(rng, name, f"{verb.capitalize()} a {noun}", kinds)
    return Need(prompt[0].upper() + prompt[1:], tool, name, dict(arguments), _result(rng, noun))


def compute(rng: Random) -> Need:
    """ "What is 12 plus 7?": two numbers to copy."""
    (verb, words, noun), keys = rng.choice(OPERATIONS), rng.choice(NUMBER_KEYS)
    name = rng.choice((verb, f"{verb}_numbers", f"{verb}_two_numbers", f"get_{noun}", f"calc_{noun}"))
    a, b = names.number(rng), names.number(rng)
    forms = ("What is {a} {w} {b}?", "{a} {w} {b}", "Use {t} with {a} and {b}.", "Compute {a} {w} {b}.",
             "What's {a} {w} {b}?", "How much is {a} {w} {b}?")  # fmt: skip
    said = [NUMBER_WORDS[n] if n < len(NUMBER_WORDS) and rng.random() < 0.4 else n for n in (a, b)]
    prompt = rng.choice(forms).format(a=said[0], w=rng.choice(words), b=said[1], t=name)
    kind = rng.choice(("integer", "number"))
    tool = describe(rng, name, f"{verb.capitalize()} two numbers", {keys[0]: kind, keys[1]: kind})
    return Need(prompt, tool, name, {keys[0]: a, keys[1]: b}, str(names.number(rng)))


def named(rng: Random) -> Need:
    """ "Call foo with bar = x": everything is in the question."""
    name = "_".join(names.made_up(rng) for _ in range(rng.choice((1, 2, 2))))
    kinds: dict[str, str] = {}
    arguments: Json = {}
    for _ in range(rng.choice((1, 1, 2))):
        key = rng.choice(THING_KEYS) if rng.random() < 0.4 else names.made_up(rng)
        whole = rng.random() < 0.3
        kinds[key] = "integer" if whole else "string"
        arguments[key] = (
            names.number(rng) if whole else rng.choice((names.thing, names.place, names.person))(rng)
        )
    listed = " and ".join(f"{key}{rng.choice((' = ', ' ', '='))}{value}" for key, value in arguments.items())
    prompt = rng.choice(
        ("Call {t} with {l}.", "Use {t} with {l}", "Use the tool {t}: {l}", "Run {t} with {l}.")
    )
    tool = describe(rng, name, " ".join(names.made_up(rng) for _ in range(3)), kinds)
    return Need(prompt.format(t=name, l=listed), tool, name, arguments, _result(rng, name))


MAKERS: tuple[tuple[Callable[[Random], Need], int], ...] = (
    (look_up, 8), (look_up_twice, 2), (look_up_with_unit, 3), (act, 4), (compute, 3), (named, 4),
)  # fmt: skip


def need(rng: Random) -> Need:
    makers, weights = zip(*MAKERS, strict=True)
    made = rng.choices(makers, weights)[0](rng)
    if made.name.islower() and rng.random() < 0.08:
        _in_lower_case(made)
    return made


def _in_lower_case(made: Need) -> None:
    """The whole question as hurried people type it; the values are copied as they stand there."""
    made.prompt = made.prompt.lower()
    made.arguments = _lowered(made.arguments)
    made.arguments_too = made.arguments_too and _lowered(made.arguments_too)


def _lowered(arguments: Json) -> Json:
    return {key: value.lower() if isinstance(value, str) else value for key, value in arguments.items()}


def with_others(rng: Random, wanted: Need | None) -> list[Json]:
    """The wanted tool among none to two others, in any order."""
    tools = [wanted.tool] if wanted else []
    taken = {wanted.name} if wanted else set()
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2)) if wanted else rng.choice((1, 1, 2))):
        other = need(rng)
        if other.name not in taken:
            tools.append(other.tool)
            taken.add(other.name)
    rng.shuffle(tools)
    return tools
