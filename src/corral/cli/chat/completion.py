"""What Tab offers after a slash: commands, settings, parameters, and the names of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from corral.cli.chat.commands import COMMANDS, NOTHING_SET, TOPICS
from corral.cli.chat.setting import SETTINGS
from corral.cli.run_options import LEVELS
from corral.core.options import OPTIONS


def completions(text: str, models: Callable[[], Iterable[str]]) -> list[str]:
    """Words that `text`, the line before the cursor, may go on with; each replaces its last word.

    `models` is asked only where the name of a model must follow.
    """
    *before, word = text.split(" ")
    choices = _choices(tuple(filter(None, before)), models)
    return sorted(choice for choice in choices if choice.startswith(word))


def _choices(before: tuple[str, ...], models: Callable[[], Iterable[str]]) -> Iterable[str]:
    match before:
        case ():
            return COMMANDS
        case ("/load" | "/save" | "/list",):
            return models()
        case ("/show",):
            return ("info", "parameters", *NOTHING_SET)
        case ("/?" | "/help",):
            return (topic for topic in TOPICS if topic != "shortcut")
        case ("/set",):
            return SETTINGS
        case ("/set", "parameter"):
            return OPTIONS
        case ("/set", "think"):
            return LEVELS
        case ("/set", "format"):
            return ("json",)
    return ()
