"""The road of a generate request: from one prompt to the text that follows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from corral.answer import PlainParser
from corral.core.events import Rendered
from corral.core.messages import Message
from corral.core.model import PromptMode
from corral.core.requests import GenerateRequest
from corral.prompt import (
    DEFAULT_TEMPLATE,
    Prompt,
    as_text,
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
from corral.serving.continuation import Continuation, complete
from corral.serving.held import complete_held, grammar_for, hold
from corral.serving.run import Run


@dataclass(frozen=True, slots=True)
class _Whole:
    """The whole text for the engine; `num_dropped` messages found no place in it."""

    prompt: Prompt
    num_dropped: int = 0


class GenerateRun:
    """One generate request on its runner."""

    def __init__(self, run: Run, request: GenerateRequest) -> None:
        self._run = run
        self._request = request

    async def answer(self) -> Answer:
        run, request = self._run, self._request
        grammar = grammar_for(read_format(request.format))
        whole = await self._whole()
        text, images = whole.prompt.text, whole.prompt.images
        fitted = await run.fitted(text, has_images=bool(images))
        if request.debug_render_only:
            return Answer(single=Rendered(fitted.text, len(images)))

        async def context(written: str) -> tuple[int, ...]:
            # Of the whole prompt, also where the engine saw only a part of it.
            return tuple(await run.client.tokenize(text + written))

        is_native = run.model.mode is PromptMode.NATIVE
        work = Continuation(
            prompt=fitted.text,
            images=images,
            parser=PlainParser() if is_native else run.parser(fitted.text, (), None, raw=request.raw),
            tokens=fitted.tokens,
            cut=run.cut(whole.num_dropped, in_prompt=fitted.was_cut),
            context=None if request.raw else context,
        )
        if grammar and not request.raw:
            return Answer(complete_held(run, work, grammar))
        return Answer(complete(run, hold(work, grammar) if grammar else work))

    async def _whole(self) -> _Whole:
        """With what an earlier answer left in front."""
        request = self._request
        if request.raw:
            return _Whole(Prompt(request.prompt, request.images))
        whole = await self._rendered()
        if not request.context:
            return whole
        earlier = await self._run.client.detokenize(request.context)
        return replace(whole, prompt=Prompt(earlier + whole.prompt.text, whole.prompt.images))

    async def _rendered(self) -> _Whole:
        run, request = self._run, self._request
        template = template_of(request.template or run.model.template or DEFAULT_TEMPLATE)
        if request.suffix:
            text = render_suffix(template, request.prompt, request.suffix, run.think)
            return _Whole(Prompt(text, request.images))
        messages = generate_messages(run.model, request)
        if request.template:
            kept = await self._kept(messages, lambda some: render(template, some, (), run.think, mark=False))
            prompt = render(template, kept, (), run.think, mark=False)
            return _Whole(Prompt(prompt.text, request.images), len(messages) - len(kept))
        if run.model.mode is PromptMode.NATIVE and run.model.network.chat_template:
            return await self._native(messages)
        kept = await self._kept(messages, lambda some: prompt_for(run.model, some, (), run.think, mark=False))
        return _Whole(prompt_for(run.model, kept, (), run.think), len(messages) - len(kept))

    async def _kept(
        self, messages: list[Message], make: Callable[[Sequence[Message]], Prompt]
    ) -> list[Message]:
        async def count(some: Sequence[Message]) -> int:
            return await self._run.size(make(some).text)

        return await self._run.fit(messages, count)

    async def _native(self, messages: list[Message]) -> _Whole:
        """The prompt as the engine renders it; images keep our markers, which the engine does not touch."""
        run = self._run

        async def render_native(some: Sequence[Message]) -> str:
            return await run.client.apply_template(native_messages(some), (), template_arguments(run.think))

        async def count(some: Sequence[Message]) -> int:
            return await run.size(await render_native(as_text(some)[0]))

        kept = await run.fit(messages, count, native=True)
        marked, images = as_text(kept)
        return _Whole(Prompt(await render_native(marked), images), len(messages) - len(kept))
