"""Guessing ahead with the real engine: it changes the speed of an answer and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from corral import pocket
from corral.core.options import Options
from corral.engine import (
    Adapter,
    Completion,
    Finish,
    LaunchParams,
    Lookup,
    Process,
    Sampling,
    TextPiece,
    start,
)
from tests.helpers.lora import build_lora

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LOOKUP = Lookup(match=16, least=4, most=12)
# The packaged model repeats itself when it only writes what is likeliest.
PROMPT = "def half(width):\n    return width / 2\n\nThe same again:\ndef half(width):\n"
LAUGHTER = 'root ::= ("ha! " "ho, ")+'


@pytest.fixture
def model() -> Path:
    weights = pocket.weights()
    assert weights is not None
    return weights


@asynccontextmanager
async def running(model: Path, lookup: Lookup | None, **more: object) -> AsyncIterator[Process]:
    params = LaunchParams(model=str(model), num_ctx=512, num_batch=64, lookup=lookup, **more)  # type: ignore[arg-type]
    process = await start(params, timeout_s=30)
    try:
        yield process
    finally:
        await process.kill()


async def answer(
    process: Process, prompt: str = PROMPT, *, grammar: str = "", scales: tuple[float, ...] = ()
) -> tuple[str, Finish]:
    options = Options(temperature=0, num_predict=100, repeat_penalty=1.0)
    sampling = Sampling.of(options, 512, logprobs=False, top_logprobs=0, adapter_scales=scales)
    request = Completion(prompt=prompt, sampling=sampling, grammar=grammar)
    async with aclosing(process.client.complete(request)) as stream:
        *pieces, finish = [chunk async for batch in stream for chunk in batch]
    assert isinstance(finish, Finish)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)), finish


async def answers(process: Process, count: int, **more: str) -> list[str]:
    found = await asyncio.gather(*(answer(process, **more) for _ in range(count)))
    return [text for text, _ in found]


@pytest.mark.parametrize("grammar", ["", LAUGHTER])
async def test_what_repeats_is_guessed_and_reads_as_without_guesses(model: Path, grammar: str):
    async with running(model, LOOKUP) as guessing, running(model, None) as plain:
        text, finish = await answer(guessing, grammar=grammar)
        assert (text, 0) == ((found := await answer(plain, grammar=grammar))[0], found[1].guessed_tokens)
    assert finish.guessed_tokens >= finish.right_tokens > finish.completion_tokens // 4


@pytest.mark.parametrize("num_slots", [4, 64])
async def test_slots_that_guess_at_once_all_get_their_answers(model: Path, num_slots: int):
    async with running(model, Lookup(16, 4, 48), num_slots=num_slots) as process:
        found = await answers(process, 8, grammar=LAUGHTER)
    assert [text[:16] for text in found] == ["ha! ho, ha! ho, "] * 8


async def test_answers_with_and_without_an_adapter_guess_side_by_side(model: Path, tmp_path: Path):
    adapter = Adapter(str(build_lora(tmp_path / "a.gguf", seed=1)))
    async with running(model, LOOKUP, num_slots=2, adapters=(adapter,)) as process:
        both = [answer(process, scales=(scale,)) for scale in (0.0, 1.0)]
        (plain, _), (adapted, _) = await asyncio.gather(*both)
        alone, _ = await answer(process, scales=(0.0,))
    assert plain == alone != adapted


async def test_a_draft_model_and_the_text_guess_together(model: Path):
    async with running(model, LOOKUP, draft=str(model), draft_num_predict=4) as process:
        text, finish = await answer(process)
    assert text
    assert finish.right_tokens > finish.completion_tokens // 2


async def test_a_draft_model_guesses_for_all_slots_within_one_batch(model: Path):
    more = {"draft": str(model), "draft_num_predict": 64, "num_slots": 4}
    async with running(model, None, **more) as process:
        assert len(set(await answers(process, 4))) == 1
