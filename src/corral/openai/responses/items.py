"""Input items as core's messages. Source: http-api.md 6.6.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from corral.core.messages import Message, ToolCall
from corral.errors import InvalidInput
from corral.openai.messages import json_object
from corral.openai.values import kind_of, read_image

Item = Mapping[str, Any]


def to_messages(value: object) -> tuple[Message, ...]:
    """One message for a text, else what the items say; none is a request to load. Raises InvalidInput."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (Message("user", value),)
    if not isinstance(value, list):
        raise InvalidInput(f"input must be a string or array: found {kind_of(value)}")
    conversation = _Conversation(value)
    for index in range(len(value)):
        conversation.add(index)
    return conversation.finish()


@dataclass(frozen=True, slots=True)
class _Content:
    text: str = ""
    images: tuple[bytes, ...] = ()


class _Conversation:
    """Messages so far, and reasoning that waits for the assistant message it belongs to."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self._messages: list[Message] = []
        self._reasoning = ""

    def add(self, index: int) -> None:
        item, where = self._items[index], f"input[{index}]"
        match _kind(item, where):
            case "message":
                self._add_message(item, index, where)
            case "function_call":
                self._add_call(_call(item))
            case "function_call_output":
                self._add_output(item, where)
            case "reasoning":
                self._reasoning += _reasoning(item)
            case "web_search_call":
                pass
            case kind:
                raise InvalidInput(f'{where}: unknown input item type: "{kind}"')

    def finish(self) -> tuple[Message, ...]:
        if self._reasoning:
            self._messages.append(Message("assistant", thinking=self._take_reasoning()))
        return tuple(self._messages)

    def _add_message(self, item: Item, index: int, where: str) -> None:
        role = str(item.get("role") or "").lower()
        content = _content(item.get("content"), "content", where)
        if role == "assistant" and self._call_is_open(index):
            last = self._messages[-1]
            text = "\n\n".join(part for part in (last.content, content.text) if part)
            self._messages[-1] = replace(last, content=text, images=last.images + content.images)
            return
        thinking = self._take_reasoning() if role == "assistant" else ""
        self._messages.append(Message(role, content.text, thinking, content.images))

    def _call_is_open(self, index: int) -> bool:
        """Whether the last message holds a call whose output is still to come."""
        if not self._messages or not self._messages[-1].tool_calls:
            return False
        ids = {call.id for call in self._messages[-1].tool_calls}
        later = (item for item in self._items[index + 1 :] if isinstance(item, dict))
        return any(
            item.get("type") == "function_call_output" and item.get("call_id") in ids for item in later
        )

    def _add_call(self, call: ToolCall) -> None:
        if self._reasoning or not self._messages or self._messages[-1].role != "assistant":
            self._messages.append(Message("assistant", thinking=self._take_reasoning()))
        last = self._messages[-1]
        self._messages[-1] = replace(last, tool_calls=(*last.tool_calls, call))

    def _add_output(self, item: Item, where: str) -> None:
        content = _content(item.get("output"), "output", where)
        call_id = str(item.get("call_id") or "")
        calls = (call for message in self._messages for call in message.tool_calls)
        name = next((call.name for call in calls if call.id == call_id), "")
        self._messages.append(
            Message("tool", content.text, images=content.images, tool_name=name, tool_call_id=call_id)
        )

    def _take_reasoning(self) -> str:
        taken, self._reasoning = self._reasoning, ""
        return taken


def _kind(item: object, where: str) -> str:
    kind = item.get("type") if isinstance(item, dict) else None
    if not kind and isinstance(item, dict) and item.get("role"):
        return "message"
    if not isinstance(kind, str) or not kind:
        raise InvalidInput(f"{where}: input item missing required 'type' field")
    return kind


def _call(item: Item) -> ToolCall:
    arguments = json_object(str(item.get("arguments") or ""))
    if arguments is None:
        raise InvalidInput("failed to parse function call arguments: they are not the text of a JSON object")
    return ToolCall(str(item.get("name") or ""), arguments, str(item.get("call_id") or ""))


def _reasoning(item: Item) -> str:
    hidden = item.get("encrypted_content")
    if isinstance(hidden, str) and hidden:
        return hidden
    summary = item.get("summary")
    parts = summary if isinstance(summary, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


def _content(value: object, field: str, where: str) -> _Content:
    if value is None:
        return _Content()
    if isinstance(value, str):
        return _Content(value)
    if not isinstance(value, list):
        raise InvalidInput(f"{where}: {field} must be a string or array: found {kind_of(value)}")
    parts = [_part(part, f"{where}: {field}[{index}]") for index, part in enumerate(value)]
    images = tuple(image for part in parts for image in part.images)
    return _Content("".join(part.text for part in parts), images)


def _part(part: object, where: str) -> _Content:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict):
        raise InvalidInput(f"{where}: expected an object, found {kind_of(part)}")
    match kind:
        case "input_text" | "output_text":
            return _Content(str(part.get("text") or ""))
        case "input_image":
            url = part.get("image_url")
            url = url.get("url") if isinstance(url, dict) else url
            # An image that is only a file id is skipped, as there are no files.
            return _Content(images=(read_image(url),)) if isinstance(url, str) and url else _Content()
        case "input_file":
            raise InvalidInput("file inputs are not currently supported")
    raise InvalidInput(f"{where}: unknown content type: {kind or ''}")
