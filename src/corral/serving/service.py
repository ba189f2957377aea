"""The use cases of inference: generate, chat and embed, each from a request value to an answer value."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from corral.core.adapters import adapter_scales
from corral.core.events import Done
from corral.core.messages import Tool
from corral.core.model import Model
from corral.core.options import Options, resolve_options
from corral.core.requests import (
    ChatRequest,
    Embeddings,
    EmbedRequest,
    GenerateRequest,
    GenerationRequest,
    Ranking,
    RerankRequest,
    Think,
    TokenizeRequest,
)
from corral.engine import Client
from corral.errors import InvalidInput, ModelNotFound, NotAnEmbedder, Unsupported
from corral.prompt import chat_messages, check_images, generate_messages
from corral.scheduler import Lease, Scheduler
from corral.serving import checks
from corral.serving.answers import Answer
from corral.serving.authors import Authors
from corral.serving.chat import ChatRun, chat_run
from corral.serving.counting import TokenCounter
from corral.serving.embed import EmbedRun
from corral.serving.generate import GenerateRun
from corral.serving.media import readable_files, readable_messages
from corral.serving.meter import Meter, Observer
from corral.serving.preload import Models, Preloads
from corral.serving.rerank import RerankRun
from corral.serving.run import Run


class Service:
    """Answers requests; it keeps no state of its own. `observer` hears of each that reached a model.

    `owner` tells the id of the API key whose prompts the current request may use, None for those of all
    without a key.
    """

    def __init__(
        self,
        models: Models,
        scheduler: Scheduler,
        observer: Observer | None = None,
        owner: Callable[[], int | None] = lambda: None,
        preloads: Preloads | None = None,
    ) -> None:
        self._models = models
        self._scheduler = scheduler
        self._observer = observer
        self._owner = owner
        self._authors = Authors()
        self._preloads = preloads or Preloads(models, scheduler)

    async def generate(self, request: GenerateRequest) -> Answer:
        """Raises CorralError before the first event; later errors come out of the answer's batches."""
        meter = Meter("generate", self._observer)
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
        if request.images and not request.debug_render_only:
            request = replace(request, images=await readable_files(model, request.images))

        async def answer(run: Run) -> Answer:
            if not request.raw:
                check_images(model, generate_messages(model, request))
            return await GenerateRun(run, request).answer()

        return await self._metered(meter, model, request, think, answer if request.prompt else None)

    async def chat(self, request: ChatRequest) -> Answer:
        """As `generate`."""
        meter = Meter("chat", self._observer)
        checks.check_logprobs(request)
        if not request.model.strip():
            raise InvalidInput("model is required")
        model = await self._resolve(request.model)
        if not request.messages and request.keep_alive_s == 0:
            return self._unload(model)
        think = _think_of(model, request)
        tools = _tools_of(model, request)
        request = await _with_readable_files(model, request)

        async def answer(run: Run) -> Answer:
            return await _chat_run(run, request, tools).answer()

        return await self._metered(meter, model, request, think, answer if request.messages else None)

    async def count_tokens(self, request: ChatRequest) -> int:
        """The tokens of the whole prompt that `chat` would make, also where it would have to cut it.

        Raises as `chat` does before its first event.
        """
        meter = Meter("count", self._observer)
        model = await self._resolve(request.model)
        think = _think_of(model, request)
        tools = _tools_of(model, request)
        request = await _with_readable_files(model, request)
        meter.model = model.name.short
        with meter.watching():
            async with self._leased(meter, model, request, think) as run:
                return await _chat_run(run, request, tools).num_prompt_tokens()

    async def _metered(
        self,
        meter: Meter,
        model: Model,
        request: GenerationRequest,
        think: Think,
        make: Callable[[Run], Awaitable[Answer]] | None,
    ) -> Answer:
        """What `make` answers on a runner, and the meter's end: with the answer, or where there is none."""
        meter.model = model.name.short
        try:
            answer = await self._on_runner(meter, model, request, think, make)
        except BaseException as error:
            meter.failed(error)
            meter.end()
            raise
        return answer.metered(meter)

    async def _on_runner(
        self,
        meter: Meter,
        model: Model,
        request: GenerationRequest,
        think: Think,
        make: Callable[[Run], Awaitable[Answer]] | None,
    ) -> Answer:
        """What `make` answers on a leased runner, which the answer holds; None only loads the model."""
        async with AsyncExitStack() as stack:
            stack.callback(self._preloads.next, request.preload)
            run = await stack.enter_async_context(self._leased(meter, model, request, think))
            if make is None:
                return Answer(single=Done("load"))
            answer = await make(run)
            return answer.holding(stack.pop_all(), lambda: self._scheduler.discard(run.lease.runner))

    @asynccontextmanager
    async def _leased(
        self, meter: Meter, model: Model, request: GenerationRequest, think: Think
    ) -> AsyncIterator[Run]:
        """The request on a runner of its model."""
        options = resolve_options(model.parameters, request.options)
        scales = adapter_scales(options.adapters, model.adapter_names)
        owner = self._owner()
        held = self._scheduler.lease(
            model,
            options,
            shift=request.shift,
            exact=request.logprobs,
            keep_alive_s=request.keep_alive_s,
            private=owner is not None,
            apart=self._authors.several(model.weights, owner),
        )
        async with held as lease:
            meter.leased(lease)
            try:
                yield Run(
                    model=model,
                    options=options,
                    lease=lease,
                    request=request,
                    think=think,
                    adapter_scales=scales,
                    meter=meter,
                    load_s=meter.elapsed_s,
                    counter=TokenCounter(lease.runner.client),
                    owner=owner,
                )
            finally:
                self._scheduler.guessed(lease.runner, meter.guessed_tokens, meter.right_tokens)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Raises CorralError; one input that fails fails all."""
        meter = Meter("embed", self._observer)
        if not request.model.strip():
            raise ModelNotFound("")
        model = await self._resolve(request.model)
        options = resolve_options(model.parameters, request.options)
        async with self._held(meter, model, options, request.keep_alive_s) as lease:
            load_s = meter.elapsed_s
            if not request.inputs:
                return Embeddings(())
            if not model.can("embedding"):
                raise NotAnEmbedder(f'"{request.model}" does not support embeddings')
            vectors, num_tokens = await EmbedRun(model, options, lease, request).vectors()
            meter.prefilled(num_tokens, 0)
            return Embeddings(vectors, num_tokens, load_s, meter.elapsed_s)

    async def rerank(self, request: RerankRequest) -> Ranking:
        """Raises CorralError."""
        meter = Meter("rerank", self._observer)
        checks.check_rerank(request)
        model = await self._resolve(request.model)
        if not model.can("rerank"):
            raise Unsupported(f'"{request.model}" does not support rerank')
        options = resolve_options(model.parameters, request.options)
        async with self._held(meter, model, options, request.keep_alive_s) as lease:
            load_s = meter.elapsed_s
            found, num_tokens = await RerankRun(model, lease, request).ranked()
            meter.prefilled(num_tokens, 0)
            return Ranking(found, num_tokens, load_s, meter.elapsed_s)

    async def tokenize(self, request: TokenizeRequest) -> list[int]:
        """The tokens of a text. Raises CorralError."""
        async with self._client_of(request) as client:
            return await client.tokenize(request.text, add_special=request.add_special)

    async def detokenize(self, request: TokenizeRequest) -> str:
        """The text of tokens. Raises CorralError."""
        async with self._client_of(request) as client:
            return await client.detokenize(request.tokens)

    @asynccontextmanager
    async def _client_of(self, request: TokenizeRequest) -> AsyncIterator[Client]:
        if not request.model.strip():
            raise InvalidInput("model is required")
        meter = Meter("tokenize", self._observer)
        model = await self._resolve(request.model)
        options = resolve_options(model.parameters, request.options)
        async with self._held(meter, model, options, request.keep_alive_s) as lease:
            client: Client = lease.runner.client
            yield client

    @asynccontextmanager
    async def _held(
        self, meter: Meter, model: Model, options: Options, keep_alive_s: float | None
    ) -> AsyncIterator[Lease]:
        """A runner of `model` for work that is done at once."""
        meter.model = model.name.short
        with meter.watching():
            async with self._scheduler.lease(model, options, keep_alive_s=keep_alive_s) as lease:
                meter.leased(lease)
                yield lease

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


def _think_of(model: Model, request: ChatRequest) -> Think:
    think = checks.effective_think(model, request.model, request.think, lenient=request.lenient_think)
    # A call that the request insists on is written at once.
    return False if think and request.tool_choice.mode == "required" else think


def _tools_of(model: Model, request: ChatRequest) -> tuple[Tool, ...]:
    """The tools that the model is told of. Raises Unsupported, InvalidInput."""
    checks.check_generation(model, request.model, "chat")
    tools = checks.offered_tools(request.tools, request.tool_choice)
    checks.check_capabilities(model, {"tools": bool(tools)})
    return tools


async def _with_readable_files(model: Model, request: ChatRequest) -> ChatRequest:
    if request.debug_render_only:
        return request
    return replace(request, messages=await readable_messages(model, request.messages))


def _chat_run(run: Run, request: ChatRequest, tools: tuple[Tool, ...]) -> ChatRun:
    messages = chat_messages(run.model, request.messages)
    check_images(run.model, messages)
    return chat_run(run, messages, tools, request.tool_choice)
