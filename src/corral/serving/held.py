"""Answers that are held to a format: the grammar, and where it begins.

A model that reasons, or may call a tool, writes freely until its answer proper begins. What it has written
so far stays as it is, and the answer is written again from there under the grammar.
Source: http-api.md 8.7; better than it in that the reasoning is not rendered anew, and tool calls pass.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from corral.answer import AnswerParser, PlainParser
from corral.core.events import Done, Event, Text, Thinking, TokenLogprob, ToolCalls
from corral.core.requests import Format
from corral.engine import json_grammar, schema_grammar
from corral.serving.continuation import Continuation, Finisher, complete
from corral.serving.run import Run


def grammar_for(format_: Format) -> str:
    """The grammar that holds an answer to `format`; empty when it is free. Raises InvalidInput."""
    if format_ is None:
        return ""
    return json_grammar() if isinstance(format_, str) else schema_grammar(format_)


def hold(work: Continuation, grammar: str) -> Continuation:
    """The same, with all that is written held to `grammar`."""
    return replace(work, parser=PlainParser(), grammar=grammar, is_json=True)


async def complete_held(run: Run, work: Continuation, grammar: str) -> AsyncGenerator[list[Event], None]:
    """The events of a continued text whose answer proper is held to `grammar`."""
    if isinstance(work.parser, PlainParser):
        async with aclosing(complete(run, hold(work, grammar))) as stream:
            async for events in stream:
                yield events
        return
    watch = _ContentWatch(work.parser)
    async with aclosing(complete(run, replace(work, parser=watch))) as stream:
        async for events in stream:
            if watch.before is not None:
                yield [event for event in events if isinstance(event, Thinking)]
                break
            yield [without_answer(run, event) for event in events]
        else:
            return
    prompt = work.prompt + watch.before
    num_tokens = await run.count(prompt) if work.num_tokens else 0
    context = _context_after(watch.before, work.context)
    work = replace(work, prompt=prompt, num_tokens=num_tokens, context=context)
    async with aclosing(complete(run, hold(work, grammar))) as stream:
        async for events in stream:
            yield events


def _context_after(before: str, context: Finisher | None) -> Finisher | None:
    if context is None:
        return None
    return lambda written: context(before + written)


def without_answer(run: Run, event: Event) -> Event:
    """The event as it is; the end of an answer that the limit cut off in its reasoning is marked so."""
    if not isinstance(event, Done) or event.reason != "length":
        return event
    return replace(event, broken_off=run.limit_reached("it began"))


class _ContentWatch:
    """Passes a parser's events on, and notes where in the text the answer proper begins.

    `before` is all that was written before it, None while there is no content, or a tool was called instead.
    """

    def __init__(self, inner: AnswerParser) -> None:
        self.tags: Sequence[str] = inner.tags
        self.before: str | None = None
        self._inner = inner
        self._written = ""
        self._called = False

    def feed(self, text: str, logprobs: Sequence[TokenLogprob] = ()) -> list[Event]:
        self._written += text
        return self._look(self._inner.feed(text, logprobs))

    def finish(self) -> list[Event]:
        return self._look(self._inner.finish())

    def _look(self, events: list[Event]) -> list[Event]:
        for event in events:
            if isinstance(event, ToolCalls):
                self._called = True
            if isinstance(event, Text) and event.text.strip() and self.before is None and not self._called:
                self.before = self._written[: self._written.rfind(event.text)]
        return events
