"""Chats and messages as values, which are also their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

ROLES = ("system", "user", "assistant", "tool")


class Message(msgspec.Struct, kw_only=True):
    """`parent` is the id of the message before it, empty for the first; `data` is kept as it comes."""

    id: str = ""
    parent: str = ""
    role: str = ""
    content: str = ""
    data: dict[str, Any] = {}
    created_at: float = 0.0


class Summary(msgspec.Struct, kw_only=True):
    """A chat without its messages. Times are seconds since the epoch; `updated_at` is that of the messages.

    `match` is the message that a search has found, with the text around the place.
    """

    id: str
    title: str
    folder: str
    pinned: bool
    settings: msgspec.Raw
    head: str
    revision: int
    created_at: float
    updated_at: float
    match: Mapping[str, str] | msgspec.UnsetType = msgspec.UNSET


class Chat(Summary, kw_only=True):
    """All of a chat; each message is JSON already."""

    messages: Sequence[msgspec.Raw] = ()


class Change(msgspec.Struct, kw_only=True):
    """What is to become of a chat: fields that are None stay, `messages` are added or replaced by their ids.

    `revision` is that of the chat as its client has seen it.
    """

    id: str = ""
    revision: int | None = None
    title: str | None = None
    folder: str | None = None
    pinned: bool | None = None
    settings: dict[str, Any] | None = None
    head: str | None = None
    messages: list[Message] = []
    remove: list[str] = []
