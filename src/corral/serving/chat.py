"""The road of a chat request, in both modes: the engine renders and reads, or we do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from corral.answer import ForcedCallParser
from corral.core.events import Done, Event, Rendered, Text, Thinking, ToolCalls
from corral.core.messages import Message, Tool
from corral.core.model import PromptMode
from corral.core.requests import Format, ToolChoice
from corral.engine import ChatCompletion, Finish, PrefillProgress, TextPiece, ToolCallDelta
from corral.prompt import (
    Prompt,
    as_text,
    fit,
    native_messages,
    native_tools,
    prompt_for,
    template_arguments,
)
from corral.serving.answers import Answer
from corral.serving.calls import CallGate, CallPieces
from corral.serving.checks import read_format
from corral.serving.forced import call_grammar
from corral.serving.run import MARKER, Run, grammar_for, shown_logprobs

_ANY_OBJECT: dict[str, object] = {"type": "object"}


class ChatRun:
    """One chat request on its runner.

    `messages` include those that the model brings; `tools` are those that `choice` leaves it.
    """

    def __init__(
        self, run: Run, messages: Sequence[Message], tools: Sequence[Tool], choice: ToolChoice
    ) -> None:
        self._run = run
        self._messages = list(messages)
        self._tools = tools
        self._choice = choice

    async def answer(self) -> Answer:
        wanted = read_format(self._run.request.format)
        if self._choice.mode == "required":
            return await self._forced()
        if self._is_native:
            return await self._native(wanted)
        return await self._rendered(wanted)

    async def num_prompt_tokens(self) -> int:
        """The tokens of the prompt of all messages. The engine is asked what it makes of each image."""
        marked, images = as_text(self._messages)
        text = await self._native_text(marked) if self._is_native else self._prompt(marked).text
        client = self._run.client
        media = [await client.count_media(native_messages([Message("user", images=(i,))])) for i in images]
        without_marks = MARKER.sub("", text) if images else text
        return len(await client.tokenize(without_marks, add_special=True)) + sum(media)

    @property
    def _is_native(self) -> bool:
        return self._run.model.mode is PromptMode.NATIVE

    # The answer must be a call: whoever renders, a grammar holds the text to one.

    async def _forced(self) -> Answer:
        if self._is_native:
            kept, num_tokens = await self._fit_native()
            marked, images = as_text(kept)
            prompt = Prompt(await self._native_text(marked), images)
        else:
            prompt = self._prompt(await self._fit_rendered())
            text, num_tokens = await self._run.fitted(prompt.text, has_images=bool(prompt.images))
            prompt = Prompt(text, prompt.images)
        if self._run.request.debug_render_only:
            return Answer(single=Rendered(prompt.text, len(prompt.images)))
        grammar = call_grammar(self._tools)
        return Answer(
            self._run.complete(
                prompt.text, prompt.images, ForcedCallParser(), grammar, num_prompt_tokens=num_tokens
            )
        )

    # The engine renders and reads.

    async def _native(self, wanted: Format) -> Answer:
        run = self._run
        kept, num_tokens = await self._fit_native()
        if run.request.debug_render_only:
            num_images = sum(len(message.images) for message in kept)
            return Answer(single=Rendered(await self._native_text(kept), num_images))
        grammar_for(wanted)  # refuses what the engine would pass over: keywords that it does not know
        schema = _ANY_OBJECT if isinstance(wanted, str) else wanted
        request = ChatCompletion(
            messages=native_messages(kept),
            tools=native_tools(self._tools),
            parallel_calls=self._choice.parallel,
            template_values=template_arguments(run.think),
            sampling=run.sampling(num_tokens),
            schema=schema,
        )
        return Answer(self._native_events(request))

    async def _native_text(self, messages: Sequence[Message]) -> str:
        tools, values = native_tools(self._tools), template_arguments(self._run.think)
        return await self._run.client.apply_template(native_messages(messages), tools, values)

    async def _fit_native(self) -> tuple[list[Message], int]:
        """What the model gets to see, and its tokens where they matter (else 0)."""
        run = self._run
        counts: dict[int, int] = {}

        async def count(some: Sequence[Message]) -> int:
            tokens = await run.count(await self._native_text(some))
            counts[len(some)] = tokens
            return tokens

        kept = self._messages
        if run.request.truncate:
            limit = run.lease.num_ctx
            kept = await fit(self._messages, limit, count, image_tokens=run.image_tokens, native=True)
        is_smaller = run.window < run.lease.runner.num_ctx
        if run.request.debug_render_only or not (is_smaller or not run.shifts):
            return kept, 0
        num_tokens = counts.get(len(kept)) or await count(kept)
        # A larger runner would take what this request's window cannot hold.
        run.check_window(num_tokens)
        return kept, num_tokens

    async def _native_events(self, request: ChatCompletion) -> AsyncGenerator[list[Event], None]:
        calls = CallPieces()
        async with aclosing(self._run.client.chat(request)) as stream:
            async for batch in stream:
                events: list[Event] = []
                for chunk in batch:
                    match chunk:
                        case TextPiece(text, reasoning):
                            shown = shown_logprobs(chunk, self._run.request.top_logprobs)
                            events.append(Thinking(text, shown) if reasoning else Text(text, shown))
                        case ToolCallDelta():
                            calls.add(chunk)
                        case Finish():
                            text, found = calls.finish()
                            events += [Text(text)] if text else []
                            events.append(Done(chunk.reason, self._run.usage(chunk), calls=found))
                        case PrefillProgress():
                            pass
                yield events

    # We render and read.

    async def _rendered(self, wanted: Format) -> Answer:
        run = self._run
        grammar = grammar_for(wanted)
        kept = await self._fit_rendered()
        prompt = self._prompt(kept)
        text, num_tokens = await run.fitted(prompt.text, has_images=bool(prompt.images))
        if run.request.debug_render_only:
            return Answer(single=Rendered(text, len(prompt.images)))
        prompt = Prompt(text, prompt.images)
        if grammar and self._reasons():
            return Answer(self._reason_then_hold(kept, prompt, grammar, num_tokens))
        return Answer(self._events(kept, prompt, grammar, num_tokens))

    def _prompt(self, messages: Sequence[Message], *, mark: bool = True) -> Prompt:
        return prompt_for(self._run.model, messages, self._tools, self._run.think, mark=mark)

    async def _fit_rendered(self) -> list[Message]:
        run = self._run
        if not run.request.truncate:
            return self._messages

        async def count(some: Sequence[Message]) -> int:
            return await run.count(self._prompt(some, mark=False).text)

        return await fit(self._messages, run.lease.num_ctx, count, image_tokens=run.image_tokens)

    def _reasons(self) -> bool:
        return bool(self._run.think) and self._run.model.can("thinking")

    async def _events(
        self, messages: Sequence[Message], prompt: Prompt, grammar: str, num_tokens: int
    ) -> AsyncGenerator[list[Event], None]:
        parser = self._run.parser(prompt.text, self._tools, messages[-1] if messages else None, raw=False)
        calls = CallGate(parallel=self._choice.parallel)
        stream = self._run.complete(prompt.text, prompt.images, parser, grammar, num_prompt_tokens=num_tokens)
        async with aclosing(stream):
            async for events in stream:
                yield calls.passed(events)

    async def _reason_then_hold(
        self, messages: Sequence[Message], prompt: Prompt, grammar: str, num_tokens: int
    ) -> AsyncGenerator[list[Event], None]:
        """Two passes: free until the answer proper begins, then that answer again under the grammar.

        The reasoning of the first pass is kept as an assistant turn. Source: http-api.md 8.7.
        """
        reasoning: list[str] = []
        async with aclosing(self._events(messages, prompt, "", num_tokens)) as stream:
            async for events in stream:
                thoughts: list[Event] = [event for event in events if isinstance(event, Thinking)]
                reasoning += [event.text for event in thoughts if isinstance(event, Thinking)]
                yield thoughts
                if any(isinstance(event, (Done, ToolCalls)) or _says(event) for event in events):
                    break
        turn = Message("assistant", thinking="".join(reasoning))
        second = [*messages, turn]
        async with aclosing(self._events(second, self._prompt(second), grammar, 0)) as stream:
            async for events in stream:
                yield [event for event in events if not isinstance(event, Thinking)]


def _says(event: Event) -> bool:
    return isinstance(event, Text) and bool(event.text)
