"""A conversation with one model, and what `/set` has changed about it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from corral.cli.answer import Answer
from corral.cli.client import Client
from corral.cli.loading import waiting
from corral.cli.model import RunModel, find_model
from corral.cli.request import RunRequest
from corral.core.names import ModelName
from corral.errors import CorralError, InvalidName


class Session:
    """State of the chat; the server keeps none, so every turn sends the whole conversation."""

    def __init__(self, client: Client, request: RunRequest) -> None:
        self.client = client
        self.request = request
        self.system = ""
        self.options: dict[str, object] = {}
        self.messages: list[dict[str, Any]] = []
        self.last_thinking = ""

    @property
    def model(self) -> RunModel:
        return self.request.model

    def load(self) -> None:
        """Bring the model into memory before the first message. Raises ServerError."""
        if self.model.remote:
            return
        fields = self.request.fields()
        fields.pop("format", None)
        with waiting(self.client):
            self.client.call("POST", "/api/generate", {**fields, "stream": False})

    def switch(self, name: str) -> None:
        """Load another model and begin anew. Raises ServerError, and then nothing has changed."""
        before = self.request
        model = find_model(self.client, name)
        think = before.think if model.thinks else None
        self.request = replace(before, model=model, think=True if model.thinks and think is None else think)
        try:
            self.load()
        except BaseException:
            self.request = before
            raise
        self.messages.clear()
        self.system = ""
        self.options.clear()

    def replay(self) -> Iterator[tuple[str, str]]:
        """Role and text of the messages stored in the model; the server adds them to each request."""
        for message in self.model.messages:
            if message.get("role") in ("user", "assistant"):
                yield str(message["role"]), str(message.get("content", ""))

    def say(self, text: str, images: list[bytes] | None = None) -> None:
        """One turn. Ctrl-C ends the answer: what there is of it is kept, or the turn if there is nothing.

        Raises CorralError, and then the message is forgotten.
        """
        message: dict[str, Any] = {"role": "user", "content": text}
        if images:
            message["images"] = [base64.b64encode(data).decode() for data in images]
        self.messages.append(message)
        answer = Answer(self.request.style)
        kept = False
        try:
            self._answer(answer)
            kept = self._keep(answer)
        except KeyboardInterrupt:
            kept = self._keep(answer)
            print("\n")
        finally:
            self.last_thinking = answer.thinking
            if not kept:
                self.messages.remove(message)

    def _answer(self, answer: Answer) -> None:
        body = {**self.request.fields(), "messages": self.messages, "options": self.options}
        answer.show(self.client.stream("/api/chat", body), self.client)
        print("\n")
        answer.show_stats()

    def _keep(self, answer: Answer) -> bool:
        if not (answer.text or answer.thinking):
            return answer.complete
        message = {"role": "assistant", "content": answer.text}
        if answer.thinking:
            message["thinking"] = answer.thinking
        self.messages.append(message)
        return True

    def set_system(self, text: str) -> None:
        """Later turns follow this instruction; one that nothing has been said under yet is replaced."""
        self.system = text
        if self.messages and self.messages[-1]["role"] == "system":
            self.messages.pop()
        self.messages.append({"role": "system", "content": text})

    def forget(self) -> None:
        """Begin the conversation anew, under the same system message."""
        self.messages = [{"role": "system", "content": self.system}] if self.system else []

    def show(self) -> dict[str, Any]:
        """What the server says of the model, with the settings of this conversation. Raises ServerError."""
        body: dict[str, object] = {"model": self.model.name}
        if self.system:
            body["system"] = self.system
        if self.options:
            body["options"] = self.options
        shown: dict[str, Any] = self.client.call("POST", "/api/show", body)
        return shown

    def model_names(self) -> list[str]:
        """The models that could be loaded; none where the server does not tell."""
        try:
            return [model["name"] for model in self.client.call("GET", "/api/tags").get("models") or []]
        except CorralError:
            return []

    def save(self, name: str) -> None:
        """Store the conversation as a model. Raises ServerError, InvalidName."""
        ModelName.parse(name)
        body: dict[str, Any] = {"model": name, "from": self._base()}
        if self.system:
            body["system"] = self.system
        if self.options:
            body["parameters"] = self.options
        body["messages"] = [*self.model.messages, *self.messages]
        with waiting(None):
            for _ in self.client.stream("/api/create", body):
                pass

    def _base(self) -> str:
        try:
            return ModelName.parse(self.model.parent).short if self.model.parent else self.model.name
        except InvalidName:
            return self.model.name
