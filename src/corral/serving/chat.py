"""The road of a chat request, in both modes: the engine renders and reads, or we do."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import msgspec

from corral.answer import new_call_id
from corral.core.events import Done, Event, Rendered, Text, Thinking, ToolCalls
from corral.core.messages import Message, Tool, ToolCall
from corral.core.model import PromptMode
from corral.core.requests import Format
from corral.engine import ChatCompletion, Finish, PrefillProgress, TextPiece, ToolCallDelta
from corral.prompt import Prompt, fit, native_messages, native_tools, prompt_for, template_arguments
from corral.serving.answers import Answer
from corral.serving.checks import read_format
from corral.serving.run import Run, grammar_for, shown_logprobs

log = logging.getLogger("corral.serving")

_ANY_OBJECT: dict[str, object] = {"type": "object"}


class ChatRun:
    """One chat request on its runner; `messages` include those that the model brings."""

    def __init__(self, run: Run, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        self._run = run
        self._messages = list(messages)
        self._tools = tools

    async def answer(self) -> Answer:
        wanted = read_format(self._run.request.format)
        if self._run.model.mode is PromptMode.NATIVE:
            return await self._native(wanted)
        return await self._rendered(wanted)

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
        calls = _Calls()
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
        stream = self._run.complete(prompt.text, prompt.images, parser, grammar, num_prompt_tokens=num_tokens)
        async with aclosing(stream):
            async for events in stream:
                yield [_with_ids(event) for event in events]

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


def _with_ids(event: Event) -> Event:
    if not isinstance(event, ToolCalls):
        return event
    return replace(event, calls=tuple(replace(call, id=new_call_id()) for call in event.calls))


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class _Calls:
    """Puts the engine's fragments of tool calls together."""

    def __init__(self) -> None:
        self._open: dict[int, _Call] = {}

    def add(self, delta: ToolCallDelta) -> None:
        call = self._open.setdefault(delta.index, _Call())
        call.id = call.id or delta.id
        call.name += delta.name
        call.arguments.append(delta.arguments)

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """Complete calls, and as text those whose arguments are no JSON object."""
        text, found = "", []
        for index, call in enumerate(self._open.values()):
            raw = "".join(call.arguments)
            arguments = _object(raw)
            if arguments is None:
                log.warning("tool call with broken arguments passed on as text: name=%s", call.name)
                text += f"{call.name}{raw}"
            else:
                found.append(ToolCall(call.name, arguments, call.id or new_call_id(), index))
        return text, tuple(found)


def _object(text: str) -> dict[str, object] | None:
    try:
        value = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None
