"""The chat of `run`: read a message or a command, do it, until the user leaves.

In: a client, what `run` was asked for, the settings. Out: the conversation on the terminal. Called by
`commands.run`. `reader` reads lines, `session` holds the conversation, `commands` are the words with a slash.
"""

from __future__ import annotations

from corral.cli.chat.completion import completions
from corral.cli.chat.loop import converse
from corral.cli.chat.reader import open_reader
from corral.cli.chat.session import Session
from corral.cli.client import Client
from corral.cli.request import RunRequest
from corral.settings import Settings

__all__ = ["chat"]


def chat(client: Client, request: RunRequest, settings: Settings) -> None:
    """Load the model, then converse until Ctrl-D or /bye. Raises CorralError."""
    session = Session(client, request)
    session.load()
    converse(session, open_reader(settings, _Desk(session)))


class _Desk:
    """What the line editor may ask of the conversation."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def completions(self, text: str) -> list[str]:
        return completions(text, self._session.model_names)

    def last_thinking(self) -> str:
        return self._session.last_thinking
