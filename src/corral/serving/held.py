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
from corral.core.events import Done, Event, Text, Thinking, TokenLogprob
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
    opening, watch = Opening(run), _Watch(work.parser)
    async with aclosing(complete(run, replace(work, parser=watch))) as stream:
        async for events in stream:
            yield opening.passed(events)
            if opening.is_over:
                break
        else:
            return
    prompt = work.prompt + watch.before
    tokens = await run.client.tokenize(prompt) if work.tokens else ()
    context = _context_after(watch.before, work.context)
    work = replace(work, prompt=prompt, tokens=tokens, context=context)
    async with aclosing(complete(run, hold(work, grammar))) as stream:
        async for events in stream:
            yield events


def _context_after(before: str, context: Finisher | None) -> Finisher | None:
    if context is None:
        return None
    return lambda written: context(before + written)


class Opening:
    """What a model writes freely: its reasoning, or calls of tools in place of an answer.

    `is_over`: now the answer proper must follow, because it began or because the model ended without one.
    Neither its free beginning nor such an end passes.
    """

    def __init__(self, run: Run) -> None:
        self.is_over = False
        self._reasoning: list[str] = []
        self._run = run
        self._called = False

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    def passed(self, events: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            self._called |= bool(getattr(event, "calls", ()))
            if self._called:
                out.append(event)
                continue
            match event:
                case Thinking(text):
                    self._reasoning.append(text)
                    out.append(event)
                case Text(text) if text.strip():
                    self.is_over = True
                case Done("length"):
                    out.append(replace(event, broken_off=self._run.limit_reached("it began")))
                case Done():
                    self.is_over = True
            if self.is_over:
                break
        return out


class _Watch:
    """Passes a parser's events on, and keeps what was written `before` the answer proper."""

    def __init__(self, inner: AnswerParser) -> None:
        self.tags: Sequence[str] = inner.tags
        self._before: list[str] = []
        self._inner = inner
        self._begun = False

    @property
    def before(self) -> str:
        return "".join(self._before)

    def feed(self, text: str, logprobs: Sequence[TokenLogprob] = ()) -> list[Event]:
        if not self._begun:
            self._before.append(text)
        return self._look(self._inner.feed(text, logprobs))

    def finish(self) -> list[Event]:
        return self._look(self._inner.finish())

    def _look(self, events: list[Event]) -> list[Event]:
        for event in events:
            if isinstance(event, Text) and event.text.strip() and not self._begun:
                before = self.before
                self._before = [before[: before.rfind(event.text)]]
                self._begun = True
        return events
