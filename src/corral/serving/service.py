"""The use cases of inference: generate, chat and embed, each from a request value to an answer value."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Protocol

from corral.core.events import Done
from corral.core.model import Model
from corral.core.options import resolve_options
from corral.core.requests import (
    ChatRequest,
    Embeddings,
    EmbedRequest,
    GenerateRequest,
    GenerationRequest,
    Think,
)
from corral.errors import InvalidInput, ModelNotFound, NotAnEmbedder
from corral.prompt import chat_messages, check_images, generate_messages
from corral.scheduler import Scheduler
from corral.serving import checks
from corral.serving.answers import Answer
from corral.serving.chat import ChatRun
from corral.serving.embed import EmbedRun
from corral.serving.generate import GenerateRun
from corral.serving.run import Run


class Models(Protocol):
    """The part of the library that the road needs."""

    async def resolve(self, text: str) -> Model:
        """Raises ModelNotFound, InvalidName."""


class Service:
    """Answers requests; it keeps no state of its own."""

    def __init__(self, models: Models, scheduler: Scheduler) -> None:
        self._models = models
        self._scheduler = scheduler

    async def generate(self, request: GenerateRequest) -> Answer:
        """Raises CorralError before the first event; later errors come out of the answer's batches."""
        began = time.monotonic()
        checks.check_logprobs(request)
        if not request.model.strip():
            raise ModelNotFound(request.model)
        model = await self._resolve(request.model)
        if not request.prompt and request.keep_alive_s == 0:
            return self._unload(model)
        checks.check_raw(request)
        think = checks.effective_think(model, request.model, request.think)
        checks.check_generation(model, request.model, "generate")
        checks.check_capabilities(model, {"insert": bool(request.suffix)})

        async def answer(run: Run) -> Answer:
            if not request.raw:
                check_images(model, generate_messages(model, request))
            return await GenerateRun(run, request).answer()

        return await self._on_runner(model, request, think, began, answer if request.prompt else None)

    async def chat(self, request: ChatRequest) -> Answer:
        """As `generate`."""
        began = time.monotonic()
        checks.check_logprobs(request)
        if not request.model.strip():
            raise InvalidInput("model is required")
        model = await self._resolve(request.model)
        if not request.messages and request.keep_alive_s == 0:
            return self._unload(model)
        think = checks.effective_think(model, request.model, request.think, lenient=request.lenient_think)
        checks.check_generation(model, request.model, "chat")
        checks.check_capabilities(model, {"tools": bool(request.tools)})

        async def answer(run: Run) -> Answer:
            messages = chat_messages(model, request.messages)
            check_images(model, messages)
            return await ChatRun(run, messages, request.tools).answer()

        return await self._on_runner(model, request, think, began, answer if request.messages else None)

    async def _on_runner(
        self,
        model: Model,
        request: GenerationRequest,
        think: Think,
        began: float,
        make: Callable[[Run], Awaitable[Answer]] | None,
    ) -> Answer:
        """What `make` answers on a leased runner, which the answer holds; None only loads the model."""
        options = resolve_options(model.parameters, request.options)
        async with AsyncExitStack() as stack:
            lease = await stack.enter_async_context(
                self._scheduler.lease(model, options, shift=request.shift, keep_alive_s=request.keep_alive_s)
            )
            if make is None:
                return Answer(single=Done("load"))
            run = Run(
                model=model,
                options=options,
                lease=lease,
                request=request,
                think=think,
                began=began,
                load_s=time.monotonic() - began,
            )
            answer = await make(run)
            return answer.holding(stack.pop_all(), lambda: self._scheduler.discard(lease.runner))

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Raises CorralError; one input that fails fails all."""
        began = time.monotonic()
        if not request.model.strip():
            raise ModelNotFound("")
        model = await self._resolve(request.model)
        options = resolve_options(model.parameters, request.options)
        held = self._scheduler.lease(model, options, keep_alive_s=request.keep_alive_s)
        async with held as lease:
            load_s = time.monotonic() - began
            if not request.inputs:
                return Embeddings(())
            if not model.can("embedding"):
                raise NotAnEmbedder(f'"{request.model}" does not support embeddings')
            vectors, num_tokens = await EmbedRun(model, options, lease, request).vectors()
            return Embeddings(vectors, num_tokens, load_s, time.monotonic() - began)

    async def _resolve(self, text: str) -> Model:
        reference = checks.local_reference(text)
        try:
            model = await self._models.resolve(reference.text)
        except ModelNotFound:
            raise ModelNotFound(text) from None
        checks.check_local(model, reference, text)
        return model

    def _unload(self, model: Model) -> Answer:
        self._scheduler.unload(model)
        return Answer(single=Done("unload"))
