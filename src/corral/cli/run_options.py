"""The flags of `run` as values of a request. Rules: cli.md 19.2 and 19.3."""

from __future__ import annotations

import json

from corral.cli.errors import CommandError
from corral.core.units import go_duration
from corral.settings import parse_duration

Think = bool | str | None
LEVELS = ("high", "medium", "low", "max")
_JSON_ERRORS = {  # in the words of Python, and of the reference
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Extra data": "after top-level value",
    "Invalid control character at": "in string literal",
}


def think_value(text: str | None) -> Think:
    """None when the flag was not given. Raises CommandError."""
    if text is None or text in LEVELS:
        return text
    if text in ("true", "false"):
        return text == "true"
    raise CommandError(
        f'invalid value for --think: "{text}" (must be true, false, high, medium, low, or max)'
    )


def keep_alive_value(text: str) -> str | int | None:
    """None when the flag was not given; below zero means forever. Raises CommandError."""
    if not text:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if seconds < 0:
        return -1
    return go_duration(seconds)


def format_value(text: str) -> object:
    """`json`, or any JSON value, usually a schema; None when the flag was not given. Raises CommandError."""
    if not text or text == "json":
        return text or None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cause = f"json: error calling MarshalJSON for type json.RawMessage: {_json_error(error)}"
        raise CommandError(cause) from error


def _json_error(error: json.JSONDecodeError) -> str:
    """What is wrong, in the words of the reference."""
    rest = error.doc[error.pos :].lstrip()
    if not rest or rest == "-" or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    literal = next((word for word in ("true", "false", "null") if word[0] == rest[0]), "")
    if literal and error.msg == "Expecting value":
        for letter, expected in zip(rest, literal, strict=False):
            if letter != expected:
                return f"invalid character {letter!r} in literal {literal} (expecting {expected!r})"
        return "unexpected end of JSON input"
    return f"invalid character {rest[0]!r} {_JSON_ERRORS.get(error.msg, f'({error.msg})')}"
