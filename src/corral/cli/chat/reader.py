"""Reading what the user types: with a line editor on a real terminal, plainly elsewhere."""

from __future__ import annotations

import os
from typing import Protocol

from corral.cli.chat.history import History
from corral.settings import Settings

PROMPT = ">>> "
CONTINUATION = "... "
QUOTES = '"""'


class Reader(Protocol):
    """Where the messages of a chat come from."""

    def read(self, *, more: bool = False) -> str:
        """One entry, `more` for a further line of one. Raises EOFError on Ctrl-D, KeyboardInterrupt."""

    def keep_history(self, on: bool) -> None:
        """Whether entries are kept for the next time."""


class PlainReader:
    """Lines from stdin, for terminals that cannot move their cursor."""

    def read(self, *, more: bool = False) -> str:
        return input(CONTINUATION if more else PROMPT)

    def keep_history(self, on: bool) -> None:
        """There is none."""


def read_quoted(reader: Reader, first: str) -> str:
    """What stands between three quotes at the start of `first` and those that end this or a later line."""
    text = first[len(QUOTES) :]
    while not text.rstrip().endswith(QUOTES):
        text += "\n" + reader.read(more=True)
    return text.rstrip().removesuffix(QUOTES)


class Desk(Protocol):
    """What a line editor asks of the conversation that it writes for."""

    def last_thinking(self) -> str:
        """What the model thought before its last answer."""

    def completions(self, text: str) -> list[str]:
        """What the text before the cursor may become; each begins where its last word begins."""


def open_reader(settings: Settings, desk: Desk) -> Reader:
    """The best reader that this terminal allows."""
    if os.environ.get("TERM") == "dumb":
        return PlainReader()
    from corral.cli.chat.editing import EditingReader  # the library is large, dumb terminals do without

    history = History(settings.home / "history", saving=not settings.no_history)
    return EditingReader(history, desk, settings.editor)
