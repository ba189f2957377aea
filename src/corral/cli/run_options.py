"""The flags of `run` as values of a request. Rules: cli.md 19.2 and 19.3."""

from __future__ import annotations

import json

from corral.cli.errors import CommandError
from corral.core.units import go_duration
from corral.settings import parse_duration

Think = bool | str | None
LEVELS = ("high", "medium", "low", "max")


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
    except ValueError as error:
        raise CommandError(f'--format must be "json" or a JSON Schema: {error}') from error
