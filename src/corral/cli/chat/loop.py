"""The loop of the chat. Source: cli.md 20.1 and 20.2."""

from __future__ import annotations

import sys

from corral.cli.attachments import names_a_file, take_attachments
from corral.cli.chat.commands import run_slash_command
from corral.cli.chat.reader import QUOTES, Reader, read_quoted
from corral.cli.chat.session import Session
from corral.errors import CorralError


def converse(session: Session, reader: Reader) -> None:
    """Messages and commands until the user leaves; what goes wrong is told, and the chat goes on."""
    for role, text in session.replay():
        print(f">>> {text}" if role == "user" else f"{text}\n")
    while True:
        try:
            text = _read_message(reader)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("\nUse Ctrl + d or /bye to exit.")
            continue
        if not text.strip():
            continue
        if not text.startswith("/") or (session.model.multimodal and names_a_file(text)):
            _say(session, text)
        elif not run_slash_command(session, reader, text):
            return


def _read_message(reader: Reader) -> str:
    """One message; three quotes at its start keep it open until three quotes end a line."""
    line = reader.read()
    body = line.lstrip()
    return read_quoted(reader, body) if body.startswith(QUOTES) else line


def _say(session: Session, text: str) -> None:
    try:
        images: list[bytes] = []
        if session.model.multimodal:
            text, images = take_attachments(text)
        session.say(text, images)
    except (CorralError, OSError) as error:
        # The conversation goes on: what failed may be said otherwise, to another model, or to the server
        # that the next message starts.
        print(f"error: {error}", file=sys.stderr)
