"""Speech to text, by a chat model that can hear. Source: http-api.md 6.7."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from corral.core.events import Text
from corral.core.messages import Message
from corral.core.requests import ChatRequest
from corral.errors import InvalidInput
from corral.openai.forms import read_form
from corral.openai.replies import failed, json_response
from corral.serving.service import Service
from corral.wire import Reply, handled, read_body, watch_disconnect

# An hour and a half of speech as MP3; WAV is ten times as large.
MAX_FORM = 64 * 1024 * 1024

_TASK = (
    "You write down what is said in a recording. Answer with the spoken words and nothing else: "
    "no comment, no heading, no quotation marks. Questions in the recording are written down, not answered."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A recording, and how its text is to be sent."""

    model: str
    audio: bytes
    plain: bool
    language: str = ""
    prompt: str = ""

    def to_core(self) -> ChatRequest:
        task = _TASK
        if self.language:
            task += f" The language of the recording is {self.language}."
        if self.prompt:
            task += f" It has to do with this: {self.prompt}"
        messages = (Message("system", task), Message("user", images=(self.audio,)))
        return ChatRequest(model=self.model, messages=messages, options={"temperature": 0.0})


def read_transcription(body: bytes, content_type: str) -> Asked:
    """Raises InvalidInput."""
    form = read_form(body, content_type)
    model = form.texts.get("model", "")
    if not model:
        raise InvalidInput("model is required")
    if "file" not in form.files:
        raise InvalidInput("file is required: http: no such file")
    if not form.files["file"]:
        raise InvalidInput("audio file is empty")
    return Asked(
        model=model,
        audio=form.files["file"],
        plain=form.texts.get("response_format") == "text",
        language=form.texts.get("language", ""),
        prompt=form.texts.get("prompt", ""),
    )


class TranscriptionRoutes:
    """The endpoint of transcriptions, always answered as a whole."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def transcribe(self, request: Request) -> Reply:
        body = await read_body(request, MAX_FORM)
        content_type = request.headers.get("content-type", "")
        # Finding the parts of a large file takes a while.
        asked = await asyncio.to_thread(read_transcription, body, content_type)
        return await handled(partial(self._run, asked), failed)(request)

    async def _run(self, asked: Asked, request: Request) -> Response:
        text = (await watch_disconnect(request, self._text(asked.to_core()))).strip()
        if asked.plain:
            return Response(text, headers={"content-type": "text/plain; charset=utf-8"})
        return json_response({"text": text})

    async def _text(self, core: ChatRequest) -> str:
        answer = await self._service.chat(core)
        return "".join(event.text for event in await answer.collect() if isinstance(event, Text))
