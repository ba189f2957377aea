"""The road of a generate request: from one prompt to the text that follows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from corral.answer import PlainParser
from corral.core.events import Rendered
from corral.core.messages import Message
from corral.core.model import PromptMode
from corral.core.requests import GenerateRequest
from corral.prompt import (
    Prompt,
    as_text,
    fit,
    generate_messages,
    native_messages,
    prompt_for,
    render,
    render_suffix,
    template_arguments,
    template_of,
)
from corral.serving.answers import Answer
from corral.serving.checks import read_format
from corral.serving.run import Run, grammar_for

_DEFAULT_TEMPLATE = "{{ .Prompt }}"


class GenerateRun:
    """One generate request on its runner."""

    def __init__(self, run: Run, request: GenerateRequest) -> None:
        self._run = run
        self._request = request

    async def answer(self) -> Answer:
        run, request = self._run, self._request
        grammar = grammar_for(read_format(request.format))
        prompt = await self._prompt()
        text, num_tokens = await run.fitted(prompt.text, has_images=bool(prompt.images))
        if request.debug_render_only:
            return Answer(single=Rendered(text, len(prompt.images)))
        parser = run.parser(text, (), None, raw=request.raw)
        if run.model.mode is PromptMode.NATIVE:
            parser = PlainParser()

        async def context(written: str) -> tuple[int, ...]:
            # Of the whole prompt, also where the engine saw only a part of it.
            return tuple(await run.client.tokenize(prompt.text + written))

        finisher = None if request.raw else context
        return Answer(run.complete(text, prompt.images, parser, grammar, finisher, num_tokens))

    async def _prompt(self) -> Prompt:
        """The whole text for the engine, with what an earlier answer left in front."""
        request = self._request
        if request.raw:
            return Prompt(request.prompt, request.images)
        prompt = await self._rendered()
        if request.context is None:
            return prompt
        earlier = await self._run.client.detokenize(request.context) if request.context else ""
        return Prompt(earlier + prompt.text, prompt.images)

    async def _rendered(self) -> Prompt:
        run, request = self._run, self._request
        template = template_of(request.template or run.model.template or _DEFAULT_TEMPLATE)
        if request.suffix:
            return Prompt(render_suffix(template, request.prompt, request.suffix, run.think), request.images)
        messages = generate_messages(run.model, request)
        if request.template:
            kept = await self._kept(messages, lambda some: render(template, some, (), run.think, mark=False))
            return Prompt(render(template, kept, (), run.think, mark=False).text, request.images)
        if run.model.mode is PromptMode.NATIVE and run.model.network.chat_template:
            return await self._native(messages)
        kept = await self._kept(messages, lambda some: prompt_for(run.model, some, (), run.think, mark=False))
        return prompt_for(run.model, kept, (), run.think)

    async def _kept(
        self, messages: list[Message], make: Callable[[Sequence[Message]], Prompt]
    ) -> list[Message]:
        run = self._run
        if not run.request.truncate:
            return messages

        async def count(some: Sequence[Message]) -> int:
            return await run.count(make(some).text)

        return await fit(messages, run.lease.num_ctx, count, image_tokens=run.image_tokens)

    async def _native(self, messages: list[Message]) -> Prompt:
        """The prompt as the engine renders it; images keep our markers, which the engine does not touch."""
        run = self._run

        async def render_native(some: Sequence[Message]) -> str:
            return await run.client.apply_template(native_messages(some), (), template_arguments(run.think))

        async def count(some: Sequence[Message]) -> int:
            return await run.count(await render_native(as_text(some)[0]))

        kept = messages
        if run.request.truncate:
            limit = run.lease.num_ctx
            kept = await fit(messages, limit, count, image_tokens=run.image_tokens, native=True)
        marked, images = as_text(kept)
        return Prompt(await render_native(marked), images)
