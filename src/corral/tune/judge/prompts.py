"""A file of prompts, each with what its answer must hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corral.core.messages import Message, Tool
from corral.errors import InvalidInput
from corral.tune.data import Place
from corral.tune.data.containers import BrokenRow, container_of, raw_rows
from corral.tune.data.fields import BadRow, conversation, declared_tools, tool_calls
from corral.tune.judge.expect import Expected

_FIELDS = frozenset({"prompt", "system", "messages", "tools", "think", "expect", "category"})
_EXPECT = frozenset({"contains", "any", "not", "regex", "exact", "calls"})
# The whole answer stands beside the question: the form of check lists that are drawn from dialogues.
_WHOLE = frozenset({"category", "messages", "tools", "thinking", "content", "calls", "heat", "stream"})


@dataclass(frozen=True, slots=True)
class Check:
    """One prompt. `think` as in a request; None: not said."""

    place: Place
    messages: tuple[Message, ...]
    expected: Expected
    tools: tuple[Tool, ...] = ()
    think: bool | None = None


def read_checks(path: Path) -> tuple[Check, ...]:
    """All prompts of a file. One that cannot be used is a mistake: raises InvalidInput with its line."""
    container = container_of(path)
    if container == "text":
        raise InvalidInput(
            f"{path.name} is plain text", hint='prompts are JSON lines: {"prompt": "...", "expect": "..."}'
        )
    checks = []
    for line, value in raw_rows(path, container):
        place = Place(path.name, line)
        try:
            checks.append(_check(place, value))
        except BadRow as problem:
            raise InvalidInput(f"{place}: {problem}", hint="docs/tuning-data.md describes prompts") from None
    return tuple(checks)


def _check(place: Place, value: object) -> Check:
    if isinstance(value, BrokenRow):
        raise BadRow(value.problem)
    if not isinstance(value, dict):
        raise BadRow("no object with named fields")
    is_whole = "expect" not in value and "content" in value
    if unknown := set(value) - (_WHOLE if is_whole else _FIELDS):
        raise BadRow(f"unknown field {min(unknown)!r}")
    think = value.get("thinking" if is_whole else "think")
    if not isinstance(think, bool | None):
        raise BadRow("think is neither true nor false")
    expected = _whole(value) if is_whole else _expected(value.get("expect"))
    return Check(place, _messages(value), expected, declared_tools(value.get("tools")), think)


def _messages(fields: Mapping[str, Any]) -> tuple[Message, ...]:
    if ("prompt" in fields) == ("messages" in fields):
        raise BadRow("it needs a prompt or messages, and not both")
    turns = fields.get("messages", [{"role": "user", "content": fields.get("prompt")}])
    messages, _ = conversation(turns)
    if system := fields.get("system"):
        system_turn, _ = conversation([{"role": "system", "content": system}])
        messages = system_turn + messages
    if messages[-1].role == "assistant" or not messages[-1].content.strip():
        raise BadRow("it asks nothing")
    return messages


def _expected(value: object) -> Expected:
    if isinstance(value, str | list):
        return Expected(contains=_texts(value, "expect"))
    if not isinstance(value, dict) or not value:
        raise BadRow("it does not say what to expect")
    if unknown := set(value) - _EXPECT:
        raise BadRow(f"unknown field {min(unknown)!r} in expect")
    calls = tool_calls(value["calls"], "expect") if value.get("calls") else ()
    return Expected(
        contains=_texts(value.get("contains"), "contains"),
        any=_texts(value.get("any"), "any"),
        lacks=_texts(value.get("not"), "not"),
        regex=_pattern(value.get("regex")),
        exact=_text(value.get("exact"), "exact"),
        calls=[(call.name, call.arguments) for call in calls] if "calls" in value else None,
    )


def _whole(fields: Mapping[str, Any]) -> Expected:
    """The answer itself: its text, or its calls as [name, arguments], and whether it reasons."""
    pairs = fields.get("calls") or []
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise BadRow("its calls are no list of [name, arguments]")
    calls = tool_calls([{"name": name, "arguments": given} for name, given in pairs], "it") if pairs else ()
    return Expected(
        exact=None if pairs else _text(fields["content"], "content"),
        calls=[(call.name, call.arguments) for call in calls],
        thinks=fields.get("thinking"),
    )


def _texts(value: object, where: str) -> tuple[str, ...]:
    items = [] if value is None else value if isinstance(value, list) else [value]
    if value == [] or not all(isinstance(item, str) and item for item in items):
        raise BadRow(f"{where} is no text, and no list of texts")
    return tuple(items)


def _text(value: object, where: str) -> str | None:
    if not isinstance(value, str | None):
        raise BadRow(f"{where} is no text")
    return value


def _pattern(value: object) -> re.Pattern[str] | None:
    text = _text(value, "regex")
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise BadRow(f"regex: {error}") from error
