"""Is a program fit to be the engine? It must do, on the packaged model, what the packaged engine does there.

The checks are those on which Corral relies: they find a build that computes wrongly, and a version of
llama.cpp whose command line or protocol differs.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from corral.core.options import Options
from corral.engine import (
    Adapter,
    ChatCompletion,
    Chunk,
    Completion,
    EngineBuild,
    Finish,
    LaunchParams,
    Lookup,
    Process,
    Sampling,
    TextPiece,
    describe,
    json_grammar,
    native_arguments,
    run_engine,
    start,
)
from corral.errors import CorralError, EngineError

_QUESTIONS = ("What is the capital of France?", "What is 2 plus 3?", "Who are you?")
_SENTENCES = ("The capital of France is Paris.", "Two plus three is five.")
_CONTEXT = 1024
_STATE = "check"  # a file in the folder of the child, which goes with it
_ANSWER_TOKENS = 24
_LOAD_S, _STEP_S = 120.0, 60.0
# Another order of additions gives other last digits; a wrong kernel gives another direction.
_LEAST_COSINE = 0.999


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check; `fault` is empty where it passed. `seconds` is how long it took."""

    name: str
    fault: str = ""
    seconds: float = 0.0


class _Failed(Exception):
    """A check has found something else than it wanted."""


@dataclass(frozen=True, slots=True)
class _Observed:
    """What the packaged engine does: answers, the text of a conversation, tokens, vectors."""

    answers: tuple[str, ...]
    chat: str
    tokens: tuple[int, ...]
    vectors: tuple[tuple[float, ...], ...]


def passed(outcomes: Iterable[Outcome]) -> bool:
    return all(not outcome.fault for outcome in outcomes)


async def check(program: Path | None, weights: Path) -> AsyncIterator[Outcome]:
    """Run all checks on `program` (None: the packaged engine), one after the other, with the model `weights`.

    The first that fails for want of a running engine ends them. Raises CorralError where the packaged engine,
    which says what is right, cannot run.
    """
    expected = await _observe(weights)
    async for outcome in _checks(program, weights, expected):
        yield outcome


async def probe(program: Path, weights: Path) -> EngineBuild:
    """What the program says of itself, the features that it uses included. Raises LoadError."""
    build = await asyncio.to_thread(describe, program)
    async with _running(LaunchParams(model=str(weights), num_threads=1), program) as process:
        return dataclasses.replace(build, features=process.features)


async def _checks(program: Path | None, weights: Path, expected: _Observed) -> AsyncIterator[Outcome]:
    if program is not None:
        outcome = await _timed("knows every flag", lambda: _flags(program))
        yield outcome
        if outcome.fault:
            return
    chat = LaunchParams(model=str(weights), num_ctx=_CONTEXT, num_slots=2, num_threads=2)
    async for outcome in _on(chat, program, _CHAT_CHECKS, expected):
        yield outcome
    embedder = LaunchParams(model=str(weights), num_ctx=_CONTEXT, embedding=True, num_threads=2)
    async for outcome in _on(embedder, program, _EMBEDDING_CHECKS, expected):
        yield outcome


async def _on(
    params: LaunchParams, program: Path | None, checks: dict[str, _Check], expected: _Observed
) -> AsyncIterator[Outcome]:
    loads = "loads a model" + (" for embeddings" if params.embedding else "")
    began = time.monotonic()
    try:
        process = await start(params, timeout_s=_LOAD_S, llama_server=program)
    except CorralError as error:
        yield Outcome(loads, error.message, time.monotonic() - began)
        return
    try:
        yield Outcome(loads, "", time.monotonic() - began)
        for name, action in checks.items():
            yield await _timed(name, lambda action=action: action(process, expected))  # type: ignore[misc]
    finally:
        await process.kill()


async def _timed(name: str, action: Callable[[], Awaitable[None]]) -> Outcome:
    began = time.monotonic()
    fault = ""
    try:
        async with asyncio.timeout(_STEP_S):
            await action()
    except TimeoutError:
        fault = f"no result within {_STEP_S:g} s"
    except _Failed as error:
        fault = str(error)
    except CorralError as error:
        fault = error.message
    return Outcome(name, fault, time.monotonic() - began)


async def _observe(weights: Path) -> _Observed:
    params = LaunchParams(model=str(weights), num_ctx=_CONTEXT, num_slots=2, num_threads=2)
    async with _running(params) as process:
        answers = tuple([await _answer(process, question) for question in _QUESTIONS])
        chat = await _chat(process)
        tokens = tuple(await process.client.tokenize(_SENTENCES[0]))
    params = LaunchParams(model=str(weights), num_ctx=_CONTEXT, embedding=True, num_threads=2)
    async with _running(params) as process:
        return _Observed(answers, chat, tokens, await _vectors(process))


@contextlib.asynccontextmanager
async def _running(params: LaunchParams, program: Path | None = None) -> AsyncIterator[Process]:
    process = await start(params, timeout_s=_LOAD_S, llama_server=program)
    try:
        yield process
    finally:
        await process.kill()


async def _flags(program: Path) -> None:
    """Every flag that a launch may send must be in the program's own help."""
    full = LaunchParams(
        model="m",
        gpu_layers=0,
        main_gpu=0,
        use_mmap=False,
        repack=False,
        adapters=(Adapter("a"),),
        projector="p",
        draft="d",
        lookup=Lookup(match=2, least=1, most=2),
        embedding=True,
        prefill=False,
        kv_cache_type="q8_0",
        flash_attention=True,
    )
    told = await asyncio.to_thread(run_engine, program, "--help")
    known = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", told))
    # With and without GPUs, and as a model that gives scores: none of them alone has all flags.
    variants = (
        full,
        msgspec.structs.replace(full, gpu_layers=1, context_shift=False),
        msgspec.structs.replace(full, reranking=True),
    )
    sent = {
        word for params in variants for word in native_arguments(params, Path("s")) if word.startswith("--")
    }
    unknown = sorted(sent - known)
    if unknown:
        raise _Failed(f"unknown to it: {', '.join(unknown)}")


async def _same_answers(process: Process, expected: _Observed) -> None:
    for question, right in zip(_QUESTIONS, expected.answers, strict=True):
        _equal(await _answer(process, question), right)


async def _same_chat(process: Process, expected: _Observed) -> None:
    _equal(await _chat(process), expected.chat)


async def _same_tokens(process: Process, expected: _Observed) -> None:
    _equal(tuple(await process.client.tokenize(_SENTENCES[0])), expected.tokens)
    _equal(await process.client.detokenize(expected.tokens), _SENTENCES[0])


async def _grammar(process: Process, expected: _Observed) -> None:
    """Text under the grammar of JSON begins as such; a broken grammar is refused, and nothing worse."""
    text = _text(await _complete(process, _QUESTIONS[0], temperature=1.0, grammar=json_grammar()))
    if not text.startswith("{"):
        raise _Failed(f"text under a grammar for JSON begins with {text[:20]!r}")
    try:
        await _complete(process, _QUESTIONS[0], grammar="root ::= (")
    except EngineError as error:
        _equal(error.status, 400)
    else:
        raise _Failed("a broken grammar is not refused")


async def _probabilities(process: Process, expected: _Observed) -> None:
    found = await _complete(process, _QUESTIONS[0], num_probs=3)
    entries = [entry for chunk in found if isinstance(chunk, TextPiece) for entry in chunk.logprobs]
    if not entries or any(len(entry.top) != 3 or entry.logprob > 0 for entry in entries):
        raise _Failed("log-probabilities are missing or wrong")


async def _slots(process: Process, expected: _Observed) -> None:
    """What a slot holds is saved to a file, and after the slot has forgotten it read from there."""
    await _complete(process, _QUESTIONS[0], slot=0)
    await process.client.save_slot(0, _STATE)
    await process.client.erase_slot(0)
    await process.client.restore_slot(0, _STATE)
    chunks = await _complete(process, _QUESTIONS[0], slot=0)
    _remembered(chunks[-1])
    _equal(_text(chunks), expected.answers[0])


async def _two_at_once(process: Process, expected: _Observed) -> None:
    answers = await asyncio.gather(*(_answer(process, question) for question in _QUESTIONS[:2]))
    for answer, right in zip(answers, expected.answers, strict=False):
        # Rows that are computed together are rounded otherwise, which may show late in a text.
        _equal(answer[: len(right) // 2], right[: len(right) // 2])


async def _counts(process: Process, expected: _Observed) -> None:
    """The last event tells counts and times, and that a prompt seen before is not read again."""
    await _complete(process, _QUESTIONS[0], slot=0)
    _remembered((await _complete(process, _QUESTIONS[0], slot=0))[-1])


def _remembered(finish: Chunk) -> None:
    if not isinstance(finish, Finish) or not (
        finish.prompt_tokens and finish.completion_tokens and finish.decode_s
    ):
        raise _Failed("the last event has no counts")
    if finish.cached_tokens < finish.prompt_tokens // 2:
        raise _Failed(f"of {finish.prompt_tokens} tokens read before, {finish.cached_tokens} were remembered")


async def _leaving(process: Process, expected: _Observed) -> None:
    """Both slots answer without an end; once their clients have left, a request is served at once."""
    await asyncio.gather(*(_leave_early(process) for _ in range(2)))
    await _answer(process, _QUESTIONS[0])


async def _leave_early(process: Process) -> None:
    request = Completion(prompt="x", grammar='root ::= "a" root', sampling=_sampling(num_predict=-1))
    async with aclosing(process.client.complete(request)) as stream:
        async for batch in stream:
            if any(isinstance(chunk, TextPiece) for chunk in batch):
                return


async def _same_vectors(process: Process, expected: _Observed) -> None:
    for found, right in zip(await _vectors(process), expected.vectors, strict=True):
        _equal(len(found), len(right))
        cosine = sum(x * y for x, y in zip(found, right, strict=True)) / (
            math.hypot(*found) * math.hypot(*right)
        )
        if not cosine >= _LEAST_COSINE:  # not a number is no cosine either
            raise _Failed(f"an embedding differs from the right one: cosine {cosine:.4f}")


_Check = Callable[[Process, _Observed], Awaitable[None]]
_CHAT_CHECKS: dict[str, _Check] = {
    "gives the same tokens": _same_tokens,
    "writes the same answers": _same_answers,
    "writes the same answer in a chat": _same_chat,
    "keeps to a grammar": _grammar,
    "tells probabilities": _probabilities,
    "counts, and remembers a prompt": _counts,
    "saves and restores what a slot holds": _slots,
    "answers two at once": _two_at_once,
    "frees the slot of a client that left": _leaving,
}
_EMBEDDING_CHECKS: dict[str, _Check] = {"makes the same embeddings": _same_vectors}


def _sampling(
    *,
    temperature: float = 0.0,
    num_predict: int = _ANSWER_TOKENS,
    num_probs: int = 0,
    slot: int | None = None,
) -> Sampling:
    options = Options(temperature=temperature, num_predict=num_predict, seed=1)
    return Sampling.of(options, _CONTEXT, logprobs=num_probs > 0, top_logprobs=num_probs, slot=slot)


async def _complete(process: Process, question: str, *, grammar: str = "", **sampling: Any) -> list[Chunk]:
    prompt = await process.client.apply_template([{"role": "user", "content": question}])
    request = Completion(prompt=prompt, grammar=grammar, sampling=_sampling(**sampling))
    return [chunk async for batch in process.client.complete(request) for chunk in batch]


async def _answer(process: Process, question: str) -> str:
    return _text(await _complete(process, question))


async def _chat(process: Process) -> str:
    request = ChatCompletion(messages=[{"role": "user", "content": _QUESTIONS[0]}], sampling=_sampling())
    return _text([chunk async for batch in process.client.chat(request) for chunk in batch])


async def _vectors(process: Process) -> tuple[tuple[float, ...], ...]:
    inputs = [await process.client.tokenize(sentence, add_special=True) for sentence in _SENTENCES]
    return tuple(tuple(vector) for vector in await process.client.embed(inputs, normalize=True))


def _text(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextPiece))


def _equal(found: object, right: object) -> None:
    if found != right:
        raise _Failed(f"{_short(found)} instead of {_short(right)}")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "…"
