from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from corral.core.model import Model
from corral.engine import LaunchParams, start
from corral.gguf import read_gguf, tensor_data, write_gguf
from corral.tune.data.ends import end_tokens

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

_END = re.compile(r"EOG token\s+= (\d+)")


_CONTROL = 3  # the type of such a token in a GGUF


def with_tokens(source: Path, target: Path, tokens: tuple[str, ...]) -> Path:
    """A copy whose last tokens have these texts and are control tokens."""
    gguf = read_gguf(source)
    names, kinds = (
        list(gguf.metadata["tokenizer.ggml.tokens"]),
        list(gguf.metadata["tokenizer.ggml.token_type"]),
    )
    for place, token in enumerate(tokens, len(names) - len(tokens)):
        names[place], kinds[place] = token, _CONTROL
    changed = {**gguf.metadata, "tokenizer.ggml.tokens": names, "tokenizer.ggml.token_type": kinds}
    # Pairs that would make a token that is no longer there.
    known = set(names)
    merges = [pair for pair in gguf.metadata["tokenizer.ggml.merges"] if pair.replace(" ", "") in known]
    changed["tokenizer.ggml.merges"] = merges
    with target.open("wb") as file:
        write_gguf(file, changed, gguf.tensors, tensor_data(source, gguf), types=gguf.types, as_given=True)
    return target


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("<|end|>", "<end_of_turn>", "</s>"),
        ("<|return|>", "<|call|>", "<|end|>"),
        ("<turn|>", "<|tool_response>", "[EOT]"),
    ],
    ids=" ".join,
)
async def test_an_answer_ends_for_us_where_it_ends_for_the_engine(
    more: tuple[str, ...], pocket: Model, tmp_path: Path
):
    assert pocket.weights is not None
    weights = with_tokens(pocket.weights, tmp_path / "a.gguf", more)
    process = await start(LaunchParams(model=str(weights), num_ctx=256), timeout_s=60)
    try:
        async with asyncio.timeout(30):
            while b"listening on" not in process.log._tail:  # noqa: ASYNC110 - written by another process
                await asyncio.sleep(0.01)
        log = process.log._tail.decode()  # all of it: the lines that are shown may be later ones
        said = {int(number) for number in _END.findall(log)}
        assert set(await end_tokens(weights, process.client)) == said
    finally:
        await process.kill()
