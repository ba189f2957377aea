"""Which messages a request really asks about: the model's own and the request's, less old reasoning.

Source: http-api.md 8.16.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from corral.core.messages import Message
from corral.core.model import Model
from corral.core.requests import GenerateRequest


def chat_messages(model: Model, messages: Sequence[Message]) -> list[Message]:
    """The model's SYSTEM (unless the request begins with one), its MESSAGEs, then those of the request."""
    history = [*model.messages, *messages]
    if model.system and messages and messages[0].role != "system":
        history.insert(0, Message("system", model.system))
    return without_old_thinking(model, history)


def generate_messages(model: Model, request: GenerateRequest) -> list[Message]:
    """The conversation that a generate request means; a context replaces the model's MESSAGEs."""
    out: list[Message] = []
    system = request.system or model.system
    if system:
        out.append(Message("system", system))
    if request.context is None:
        out += model.messages
    return [*out, Message("user", request.prompt, images=request.images)]


def without_old_thinking(model: Model, messages: Sequence[Message]) -> list[Message]:
    """For Qwen 3 and DeepSeek R1: reasoning at the start of answers before the last question is taken out."""
    if model.family != "qwen3" and model.name.model != "deepseek-r1":
        return list(messages)
    last_user = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    return [
        _without_thinking(message) if at < last_user and message.role == "assistant" else message
        for at, message in enumerate(messages)
    ]


def _without_thinking(message: Message) -> Message:
    text = message.content.lstrip()
    _, closing, answer = text.partition("</think>")
    if not text.startswith("<think>") or not closing:
        return message
    return dataclasses.replace(message, content=answer.lstrip())
