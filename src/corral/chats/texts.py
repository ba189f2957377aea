"""Chats as files: JSON with everything, and Markdown with the branch that is shown, for people to read.

In Markdown each part follows a comment that holds the id of the chat, so a text that looks like such a part
does not become one when the file is read again. Images are left out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from corral.chats.chat import Change, Chat, Message
from corral.errors import InvalidInput

VERSION = 1
_FILE = re.compile(r"^<!-- corral:chat (\S+) (.*) -->$", re.MULTILINE)
_TITLES = {"user": "You", "system": "System", "tool": "Tool"}


class _File(msgspec.Struct):
    corral_chats: int
    chats: list[Change]


def read_chats(data: bytes) -> list[Change]:
    """The chats of a file of either form. Raises InvalidInput."""
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        return _read_json(text)
    changes = list(_read_markdown(text.replace("\r\n", "\n")))
    if not changes:
        raise InvalidInput("the file is no export of Corral's chats, neither JSON nor Markdown")
    return changes


def _read_json(text: str) -> list[Change]:
    try:
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidInput(f"the file is no export of Corral's chats: {error}") from None
    if file.corral_chats > VERSION:
        raise InvalidInput("the file was exported by a newer version of Corral")
    return file.chats


def markdown(chat: Chat) -> str:
    """The branch of `chat` that is shown."""
    facts = {"title": chat.title, "folder": chat.folder, "settings": chat.settings}
    head = msgspec.json.encode(facts).decode().replace("--", "-\\u002d")
    parts = [f"<!-- corral:chat {chat.id} {head} -->\n# {chat.title or 'Chat'}\n"]
    parts += (part for message in _branch(chat) for part in _parts(chat.id, message))
    return "".join(part + "\n" for part in parts)


def _branch(chat: Chat) -> list[Message]:
    messages = {one.id: one for one in (msgspec.json.decode(raw, type=Message) for raw in chat.messages)}
    branch: list[Message] = []
    id = chat.head
    while id in messages:
        branch.append(messages.pop(id))
        id = branch[-1].parent
    return branch[::-1]


def _parts(mark: str, message: Message) -> Iterator[str]:
    title = _TITLES.get(message.role) or str(message.data.get("model") or "Assistant")
    yield f"<!-- {mark} {message.role} -->\n## {title}\n\n{message.content}\n"
    if thinking := message.data.get("thinking"):
        folded = f"<details><summary>Thinking</summary>\n\n{thinking}\n</details>"
        yield f"<!-- {mark} thinking -->\n{folded}\n"


def _read_markdown(text: str) -> Iterator[Change]:
    heads = list(_FILE.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        body = text[head.end() : end]
        yield _read_chat(head[1], head[2], body)


def _read_chat(mark: str, facts: str, body: str) -> Change:
    try:
        change = msgspec.json.decode(facts, type=Change)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"the head of a chat cannot be read: {error}") from None
    change.id = mark
    parts = re.split(rf"^<!-- {re.escape(mark)} (\w+) -->\n", body, flags=re.MULTILINE)
    change.messages = list(_messages(parts[1::2], parts[2::2]))
    change.head = change.messages[-1].id if change.messages else ""
    return change


def _messages(kinds: Sequence[str], texts: Sequence[str]) -> Iterator[Message]:
    """Messages get new ids: their old ones are not in the file."""
    message: Message | None = None
    number = 0
    for kind, text in zip(kinds, texts, strict=True):
        if kind == "thinking" and message is not None:
            message.data = _thought(text)
            continue
        if message is not None:
            yield message
        parent, number = (f"m{number}" if number else ""), number + 1
        content = text.partition("\n\n")[2].removesuffix("\n").removesuffix("\n")
        message = Message(id=f"m{number}", parent=parent, role=kind, content=content)
    if message is not None:
        yield message


def _thought(text: str) -> dict[str, Any]:
    inside = text.partition("</summary>\n\n")[2].rpartition("\n</details>")[0]
    return {"thinking": inside}
