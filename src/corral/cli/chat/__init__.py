"""The chat of `run`: read a message or a command, do it, until the user leaves.

In: a client, what `run` was asked for, the settings. Out: the conversation on the terminal. Called by
`commands.run`. `reader` reads lines, `session` holds the conversation, `commands` are the words with a slash.
"""

from __future__ import annotations

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
    converse(session, open_reader(settings))
