"""Prompts asked the served way: through the road of all requests, on an engine child of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from corral.core.events import Done, Text, Thinking, ToolCalls
from corral.core.model import Model
from corral.core.requests import ChatRequest
from corral.errors import CorralError, EngineError, NotEnoughMemory, RunnerError
from corral.native import program_in_use, uses_amx
from corral.scheduler import EngineLauncher, Scheduler, read_machine
from corral.serving.service import Service
from corral.settings import Settings
from corral.tune.data import Place
from corral.tune.judge.expect import Given
from corral.tune.judge.prompts import Check

# Long enough for an answer with reasoning; one that does not end is judged as far as it came.
_NUM_PREDICT = 1024
# At least as many as an engine has slots.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Answered:
    """One prompt and its answer; `problem` says why it did not pass, empty where it did."""

    place: Place
    question: str
    answer: str
    problem: str

    @property
    def passed(self) -> bool:
        return not self.problem


async def ask_prompts(
    checks: Sequence[Check],
    model: Model,
    settings: Settings,
    *,
    adapter: Path | None = None,
    num_threads: int = 0,
    on_answer: Callable[[Answered], None] | None = None,
) -> tuple[Answered, ...]:
    """Ask `model`, with the GGUF LoRA `adapter` on top, greedily and in many slots at once.

    The result is in the order of `checks`. A prompt that the model cannot be asked, such as one with tools
    for a model without, is a miss. Raises RunnerError where the model does not run, NotEnoughMemory.
    """
    if adapter is not None:
        names = (*model.adapter_names, "")
        model = replace(model, adapters=(*model.adapters, adapter), adapter_names=names)
    async with served_alone(model, settings) as service:
        return await _asked(_Asker(service, model, num_threads), checks, on_answer)


@asynccontextmanager
async def served_alone(model: Model, settings: Settings) -> AsyncIterator[Service]:
    """The road of all requests to this one model, on an engine child of our own."""
    scheduler = Scheduler(
        settings,
        EngineLauncher(lambda: program_in_use(settings)),
        machine=lambda: read_machine(amx=uses_amx(settings)),
    )
    try:
        yield Service(_OneModel(model), scheduler)
    finally:
        await scheduler.close()


async def _asked(
    asker: _Asker, checks: Sequence[Check], on_answer: Callable[[Answered], None] | None
) -> tuple[Answered, ...]:
    free = asyncio.Semaphore(_AT_ONCE)

    async def ask(check: Check) -> Answered:
        async with free:
            answered = await asker.ask(check)
        if on_answer is not None:
            on_answer(answered)
        return answered

    tasks = [asyncio.ensure_future(ask(check)) for check in checks]
    try:
        return tuple(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _OneModel:
    """A library of one model: the base, or the base with an adapter that no store holds yet."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def resolve(self, text: str) -> Model:
        return self._model


class _Asker:
    """Sends one prompt at a time down the road."""

    def __init__(self, service: Service, model: Model, num_threads: int) -> None:
        self._service = service
        self._name = model.name.short
        self._options = {"temperature": 0, "num_predict": _NUM_PREDICT, "num_thread": num_threads}

    async def ask(self, check: Check) -> Answered:
        try:
            given = await self._given(check)
        except CorralError as error:
            if isinstance(error, RunnerError | NotEnoughMemory) and not isinstance(error, EngineError):
                raise
            return Answered(check.place, check.messages[-1].content, "", error.message)
        problem = check.expected.problem(given)
        return Answered(check.place, check.messages[-1].content, given.content, problem)

    async def _given(self, check: Check) -> Given:
        request = ChatRequest(
            model=self._name,
            messages=check.messages,
            tools=check.tools,
            think=check.think,
            lenient_think=True,
            options=self._options,
        )
        answer = await self._service.chat(request)
        given = Given()
        for event in await answer.collect():
            match event:
                case Text(text):
                    given.content += text
                case Thinking(text):
                    given.thinking += text
                case ToolCalls(calls) | Done(calls=calls):
                    given.calls += calls
        return given
