"""How large a chat may become, and what its parts may look like."""

from __future__ import annotations

import re

import msgspec

from corral.chats.chat import ROLES, Change, Message
from corral.errors import InvalidInput

# Characters, of the text and the data of one message, and of all messages of a chat.
MAX_MESSAGE = 48 * 1024 * 1024
MAX_CHAT = 192 * 1024 * 1024
MAX_MESSAGES = 20_000
MAX_CHATS = 100_000
_MAX_SETTINGS = 256 * 1024
_MAX_TITLE = 200
_MAX_FOLDER = 80
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_change(change: Change) -> None:
    """Raises InvalidInput for anything that is not kept."""
    if change.id and not _ID.fullmatch(change.id):
        raise InvalidInput("the id of a chat has 1 to 64 letters, digits, - or _")
    _check_text("title", change.title, _MAX_TITLE)
    _check_text("folder", change.folder, _MAX_FOLDER)
    if change.settings is not None and len(msgspec.json.encode(change.settings)) > _MAX_SETTINGS:
        raise InvalidInput(f"the settings of a chat are at most {_MAX_SETTINGS // 1024} KiB")
    for message in change.messages:
        _check_message(message)


def message_size(message: Message, data: str) -> int:
    """Characters of a message whose data is this JSON. Raises InvalidInput where it is too large."""
    size = len(message.content) + len(data)
    if size > MAX_MESSAGE:
        raise InvalidInput(f"a message is at most {MAX_MESSAGE >> 20} MiB, with its files and images")
    return size


def check_total(messages: int, size: int) -> None:
    """Raises InvalidInput where a chat has become too large."""
    if messages > MAX_MESSAGES:
        raise InvalidInput(f"a chat has at most {MAX_MESSAGES} messages: begin a new one")
    if size > MAX_CHAT:
        raise InvalidInput(f"a chat is at most {MAX_CHAT >> 20} MiB: begin a new one")


def _check_text(what: str, text: str | None, most: int) -> None:
    if text is not None and (len(text) > most or any(ord(sign) < 32 for sign in text)):
        raise InvalidInput(f"the {what} of a chat is one line of at most {most} characters")


def _check_message(message: Message) -> None:
    if not _ID.fullmatch(message.id):
        raise InvalidInput("the id of a message has 1 to 64 letters, digits, - or _")
    if message.parent == message.id or (message.parent and not _ID.fullmatch(message.parent)):
        raise InvalidInput(f'the parent of message "{message.id}" is no other message')
    if message.role not in ROLES:
        raise InvalidInput(f'the role of message "{message.id}" is none of {", ".join(ROLES)}')
