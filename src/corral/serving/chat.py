"""The road of a chat request, in both modes: the engine renders and reads, or we do."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from corral.answer import ForcedCallParser
from corral.cache import Seat
from corral.core.events import Cut, Done, Event, Rendered, Text, Thinking
from corral.core.messages import Message, Tool
from corral.core.model import PromptMode
from corral.core.requests import ToolChoice
from corral.engine import (
    ChatCompletion,
    Chunk,
    Finish,
    PrefillProgress,
    TextPiece,
    ToolCallDelta,
    plain_schema,
)
from corral.prompt import Prompt, as_text, native_messages, native_tools, prompt_for, template_arguments
from corral.serving.answers import Answer
from corral.serving.calls import CallGate, CallPieces
from corral.serving.checks import read_format
from corral.serving.continuation import MARKER, Continuation, complete, json_problem
from corral.serving.forced import call_grammar
from corral.serving.held import Opening, complete_held, grammar_for, hold
from corral.serving.run import Run, shown_logprobs


class ChatRun(ABC):
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
        if self._choice.mode != "required":
            return await self._answer(grammar_for(wanted))
        # The answer must be a call: whoever renders, a grammar holds the text to one.
        work = await self._prepared()
        if self._run.request.debug_render_only:
            return Answer(single=Rendered(work.prompt, len(work.images)))
        work = replace(work, parser=ForcedCallParser(), grammar=call_grammar(self._tools))
        return Answer(complete(self._run, work))

    async def num_prompt_tokens(self) -> int:
        """The tokens of the prompt of all messages. The engine is asked what it makes of each image."""
        marked, images = as_text(self._messages)
        text = await self._text(marked)
        client = self._run.client
        media = [await client.count_media(native_messages([Message("user", images=(i,))])) for i in images]
        without_marks = (MARKER.sub("", text) if images else text).removeprefix(await client.bos_text())
        return len(await client.tokenize(without_marks, add_special=True)) + sum(media)

    def _cut(self, kept: Sequence[Message], *, in_prompt: bool = False) -> Cut | None:
        return self._run.cut(len(self._messages) - len(kept), in_prompt=in_prompt)

    @abstractmethod
    async def _text(self, messages: Sequence[Message]) -> str:
        """The prompt of these messages, whose images are marked in their text."""

    @abstractmethod
    async def _prepared(self) -> Continuation:
        """The prompt that the window holds, with a parser that leaves the answer as it is."""

    @abstractmethod
    async def _answer(self, grammar: str) -> Answer:
        """An answer that may call tools, its content held to `grammar` unless that is empty."""


class RenderedChat(ChatRun):
    """We render the prompt and read the answer."""

    async def _answer(self, grammar: str) -> Answer:
        run = self._run
        work = await self._prepared()
        if run.request.debug_render_only:
            return Answer(single=Rendered(work.prompt, len(work.images)))
        last = self._messages[-1] if self._messages else None
        work = replace(work, parser=run.parser(work.prompt, self._tools, last, raw=False))
        return Answer(self._events(complete_held(run, work, grammar) if grammar else complete(run, work)))

    async def _prepared(self) -> Continuation:
        kept = await self._run.fit(self._messages, self._count)
        prompt = self._prompt(kept)
        fitted = await self._run.fitted(prompt.text, has_images=bool(prompt.images))
        return Continuation(
            prompt=fitted.text,
            images=prompt.images,
            tokens=fitted.tokens,
            cut=self._cut(kept, in_prompt=fitted.was_cut),
        )

    async def _text(self, messages: Sequence[Message]) -> str:
        return self._prompt(messages).text

    def _prompt(self, messages: Sequence[Message], *, mark: bool = True) -> Prompt:
        return prompt_for(self._run.model, messages, self._tools, self._run.think, mark=mark)

    async def _count(self, messages: Sequence[Message]) -> int:
        return await self._run.size(self._prompt(messages, mark=False).text)

    async def _events(self, stream: AsyncGenerator[list[Event], None]) -> AsyncGenerator[list[Event], None]:
        calls = CallGate(parallel=self._choice.parallel)
        async with aclosing(stream):
            async for events in stream:
                yield calls.passed(events)


class NativeChat(ChatRun):
    """The engine renders and reads, with the chat template of the model."""

    async def _answer(self, grammar: str) -> Answer:
        kept, tokens = await self._fit()
        if self._run.request.debug_render_only:
            num_images = sum(len(message.images) for message in kept)
            return Answer(single=Rendered(await self._text(kept), num_images))
        cut = self._cut(kept)
        schema = None if self._tools else plain_schema(self._run.request.format)
        if schema:
            return Answer(self._schema_events(kept, schema, tokens, cut))
        if grammar:
            return Answer(self._held_events(kept, grammar, tokens, cut))
        return Answer(self._events(kept, tokens, cut))

    async def _prepared(self) -> Continuation:
        kept, tokens = await self._fit()
        marked, images = as_text(kept)
        text = await self._text(marked)
        return Continuation(prompt=text, images=images, tokens=tokens, cut=self._cut(kept))

    async def _text(self, messages: Sequence[Message], begun: str = "", reasoning: str = "") -> str:
        """`begun`: how the answer begins, after its `reasoning`; empty where nothing is written yet."""
        sent = native_messages(messages)
        if begun:
            sent.append({"role": "assistant", "content": begun, "reasoning_content": reasoning})
        values = template_arguments(self._run.think)
        return await self._run.client.apply_template(sent, native_tools(self._tools), values)

    async def _fit(self) -> tuple[list[Message], Sequence[int]]:
        """What the model gets to see, and the tokens of its prompt; none where only that is to be shown."""
        run = self._run
        counted: dict[int, list[int]] = {}

        async def count(some: Sequence[Message]) -> int:
            counted[len(some)] = await run.client.tokenize(await self._text(some))
            return len(counted[len(some)])

        kept = await run.fit(self._messages, count, native=True)
        if run.request.debug_render_only:
            return kept, ()
        if len(kept) not in counted:
            await count(kept)
        tokens = counted[len(kept)]
        if run.window < run.lease.runner.num_ctx or not run.shifts:
            # A larger runner would take what this request's window cannot hold.
            run.check_window(len(tokens))
        return kept, tokens

    async def _events(
        self,
        kept: Sequence[Message],
        tokens: Sequence[int],
        cut: Cut | None,
        schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[list[Event], None]:
        calls = CallPieces(parallel=self._choice.parallel)
        marked, media = as_text(kept)
        text = await self._text(marked) if media else ""
        async with self._run.seated(text, tokens=tokens, media=media) as seat:
            request = ChatCompletion(
                messages=native_messages(kept),
                tools=native_tools(self._tools),
                parallel_calls=self._choice.parallel,
                template_values=template_arguments(self._run.think),
                sampling=self._run.sampling(len(tokens), seat.slot),
                schema=schema,
            )
            async with aclosing(self._run.client.chat(request)) as stream:
                async for batch in stream:
                    yield [event for chunk in batch for event in self._read(chunk, calls, cut, seat)]

    def _read(self, chunk: Chunk, calls: CallPieces, cut: Cut | None, seat: Seat) -> list[Event]:
        seat.see(chunk)
        match chunk:
            case TextPiece(text, reasoning):
                shown = shown_logprobs(chunk, self._run.request.top_logprobs)
                return [Thinking(text, shown) if reasoning else Text(text, shown)]
            case ToolCallDelta():
                calls.add(chunk)
            case Finish():
                text, found = calls.finish()
                done = Done(chunk.reason, self._run.usage(chunk), calls=found, cut=cut)
                return [*([Text(text)] if text else []), done]
            case PrefillProgress():
                self._run.meter.prefilled(chunk.total, chunk.cached)
        return []

    async def _schema_events(
        self, kept: Sequence[Message], schema: Mapping[str, Any], tokens: Sequence[int], cut: Cut | None
    ) -> AsyncGenerator[list[Event], None]:
        """The engine holds the content to the schema, after any reasoning; here its end is checked."""
        content: list[str] = []
        async with aclosing(self._events(kept, tokens, cut, schema)) as stream:
            async for events in stream:
                yield [self._ended(event, content) for event in events]

    def _ended(self, event: Event, content: list[str]) -> Event:
        match event:
            case Text(text):
                content.append(text)
            case Done(reason):
                problem = json_problem(self._run, reason, "".join(content), "it met a stop text")
                return replace(event, broken_off=problem)
        return event

    async def _held_events(
        self, kept: Sequence[Message], grammar: str, tokens: Sequence[int], cut: Cut | None
    ) -> AsyncGenerator[list[Event], None]:
        """As `complete_held`: freely until the answer proper begins, then on from there under the grammar."""
        run, opening = self._run, Opening(self._run)
        if run.model.can("thinking") or self._tools:
            async with aclosing(self._events(kept, tokens, cut)) as stream:
                async for events in stream:
                    yield opening.passed(events)
                    if opening.is_over:
                        break
                else:
                    return
        marked, images = as_text(kept)
        prompt = await self._before_answer(marked, opening.reasoning)
        tokens = () if images else await run.client.tokenize(prompt)
        work = Continuation(prompt=prompt, images=images, tokens=tokens, cut=cut)
        async with aclosing(complete(run, hold(work, grammar))) as stream:
            async for events in stream:
                yield events

    async def _before_answer(self, messages: Sequence[Message], reasoning: str) -> str:
        """The prompt up to where the answer proper begins, after the reasoning.

        The engine writes the reasoning in the model's own form when it is told how an answer begins; where
        that beginning stands is found by a mark in its place.
        """
        if reasoning.strip():
            mark = secrets.token_hex(8)
            before, found, _ = (await self._text(messages, mark, reasoning)).rpartition(mark)
            if found:
                return before
        return await self._text(messages)


def chat_run(run: Run, messages: Sequence[Message], tools: Sequence[Tool], choice: ToolChoice) -> ChatRun:
    """The request in the mode of its model."""
    kind = NativeChat if run.model.mode is PromptMode.NATIVE else RenderedChat
    return kind(run, messages, tools, choice)
