"""What a row is, by its fields, and how it becomes a conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from corral.core.messages import Message, Tool
from corral.tune.data.fields import (
    BadRow,
    conversation,
    declared_tools,
    shared_conversation,
    text_of,
)
from corral.tune.data.rows import Place, Row

Fields = Mapping[str, Any]

_MAX_NAMES, _MAX_NAME = 8, 40
_PROMPTS = ("prompt", "question", "query", "input")
_COMPLETIONS = ("completion", "response", "answer", "output")
KNOWN = "messages, conversations (ShareGPT), instruction and output (Alpaca), prompt and completion, or text"


def format_of(fields: Fields) -> str:
    """The name of the format that these fields have. Raises BadRow where they have none, or two."""
    found = [name for name, fits in _FITS.items() if fits(fields)]
    if not found:
        raise BadRow(_unknown(fields))
    if len(found) > 1:
        raise BadRow(f"this may be {' or '.join(found)}: say which by the option format")
    return found[0]


def rows_of(fields: Fields, format: str, place: Place) -> Iterator[Row]:
    """The rows that one record of a file gives. Raises BadRow."""
    yield from _ROWS[format](fields, place)


def unused_fields(fields: Fields, format: str) -> set[str]:
    return set(fields) - _USED[format]


def short_names(fields: Iterable[str]) -> str:
    """Some names for a message, none of them long."""
    return ", ".join(name[:_MAX_NAME] for name in sorted(fields)[:_MAX_NAMES])


def _unknown(fields: Fields) -> str:
    if "chosen" in fields:
        return "pairs of a better and a worse answer: give the better one as the completion of its prompt"
    return f"its fields ({short_names(fields) or 'none'}) are not those of examples: {KNOWN}"


# Which format


def _is_alpaca(fields: Fields) -> bool:
    return "instruction" in fields and ("output" in fields or "response" in fields)


def _is_completion(fields: Fields) -> bool:
    if "instruction" in fields and not ("prompt" in fields and "completion" in fields):
        return False
    return any(name in fields for name in _PROMPTS) and any(name in fields for name in _COMPLETIONS)


def _is_text(fields: Fields) -> bool:
    """Other formats often have their rendered text beside them."""
    return "text" in fields and not (_is_alpaca(fields) or _is_completion(fields) or _has_turns(fields))


def _has_turns(fields: Fields) -> bool:
    return isinstance(fields.get("messages"), list) or isinstance(fields.get("conversations"), list)


def _is_messages(fields: Fields) -> bool:
    return isinstance(fields.get("messages"), list) or _first_turn_has(fields, "role")


def _is_sharegpt(fields: Fields) -> bool:
    return not isinstance(fields.get("messages"), list) and _first_turn_has(fields, "from")


def _first_turn_has(fields: Fields, name: str) -> bool:
    turns = fields.get("conversations")
    return isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and name in turns[0]


_FITS: Mapping[str, Callable[[Fields], bool]] = {
    "messages": _is_messages,
    "sharegpt": _is_sharegpt,
    "alpaca": lambda fields: _is_alpaca(fields) and not _has_turns(fields),
    "completion": lambda fields: _is_completion(fields) and not _has_turns(fields),
    "text": _is_text,
}


# Rows


def _messages(fields: Fields, place: Place) -> Iterator[Row]:
    messages, untrained = conversation(fields.get("messages", fields.get("conversations")))
    yield Row(place, messages, _tools(fields), _think(fields), untrained=untrained)


def _sharegpt(fields: Fields, place: Place) -> Iterator[Row]:
    messages = shared_conversation(fields.get("conversations"), text_of(fields.get("system"), "system"))
    yield Row(place, messages, _tools(fields), _think(fields))


def _alpaca(fields: Fields, place: Place) -> Iterator[Row]:
    instruction = text_of(fields.get("instruction"), "instruction")
    given = text_of(fields.get("input"), "input")
    answer = text_of(fields.get("output", fields.get("response")), "output")
    question = "\n\n".join(part for part in (instruction, given) if part.strip())
    messages = [*_system(fields), *_history(fields.get("history"))]
    yield Row(place, (*messages, Message("user", question), Message("assistant", answer)))


def _completion(fields: Fields, place: Place) -> Iterator[Row]:
    """A completion is a text, or messages that go on from the prompt's; a list of texts gives a row each."""
    prompt, completion = _first(fields, _PROMPTS), _first(fields, _COMPLETIONS)
    asked: list[Any] = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    texts = completion if isinstance(completion, list) else [completion]
    if texts and all(isinstance(item, dict) for item in texts):
        answers = [texts]
    else:
        answers = [[{"role": "assistant", "content": item}] for item in texts]
    if not answers:
        raise BadRow("its list of completions is empty")
    for answer in answers:
        messages, untrained = conversation([*asked, *answer])
        # What the prompt holds is given, answers of earlier turns too.
        given = frozenset(range(len(asked)))
        yield Row(
            place, (*_system(fields), *messages), _tools(fields), _think(fields),
            untrained=_moved(untrained | given, len(_system(fields))),
        )  # fmt: skip


def _text(fields: Fields, place: Place) -> Iterator[Row]:
    text = text_of(fields.get("text"), "text")
    if not text.strip():
        raise BadRow("its text is empty")
    yield Row(place, text=text)


_ROWS: Mapping[str, Callable[[Fields, Place], Iterator[Row]]] = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "completion": _completion,
    "text": _text,
}
_COMMON = frozenset({"tools", "functions", "think", "system"})
_USED: Mapping[str, frozenset[str]] = {
    "messages": _COMMON - {"system"} | {"messages", "conversations", "parallel_tool_calls"},
    "sharegpt": _COMMON | {"conversations"},
    "alpaca": frozenset({"instruction", "input", "output", "response", "system", "history"}),
    "completion": _COMMON | {*_PROMPTS, *_COMPLETIONS},
    "text": frozenset({"text"}),
}


def _moved(indices: frozenset[int], by: int) -> frozenset[int]:
    return frozenset(index + by for index in indices)


def _first(fields: Fields, names: tuple[str, ...]) -> Any:
    return next((fields[name] for name in names if name in fields), None)


def _system(fields: Fields) -> list[Message]:
    text = text_of(fields.get("system"), "system")
    return [Message("system", text)] if text.strip() else []


def _history(value: object) -> list[Message]:
    """Earlier questions and answers, as pairs."""
    out: list[Message] = []
    for pair in value if isinstance(value, list) else []:
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadRow("its history is no list of [question, answer]")
        question, answer = pair
        out += [
            Message("user", text_of(question, "history")),
            Message("assistant", text_of(answer, "history")),
        ]
    return out


def _tools(fields: Fields) -> tuple[Tool, ...]:
    return declared_tools(fields.get("tools", fields.get("functions")))


def _think(fields: Fields) -> bool | None:
    value = fields.get("think")
    if value is not None and not isinstance(value, bool):
        raise BadRow("think is neither true nor false")
    return value
