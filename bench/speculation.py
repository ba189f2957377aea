"""`python -m bench.speculation`: what guessing from the text brings, by settings and by kind of answer.

One child for each setting, all with the model that copies (`models.copying`), asked in turn. How often an
answer leaves its text is set by its temperature, so the kinds of answers differ in nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec
from rich.console import Console
from rich.table import Table

from bench import measure, models
from bench.servers import engine_target, started
from bench.streams import answered
from corral import hardware
from corral.engine import LaunchParams, Lookup, Process

SETTINGS: Mapping[str, Lookup | None] = {
    "off": None,
    "8/2/8": Lookup(8, 2, 8),
    "12/4/12": Lookup(12, 4, 12),
    "16/4/12": Lookup(16, 4, 12),
    "16/4/24": Lookup(16, 4, 24),
    "24/16/48": Lookup(24, 16, 48),
}
# How often a token is a stray one, measured: never, in 2 %, 8 % and 25 % of all, always.
KINDS: Mapping[str, float] = {
    "a copy": 0.0,
    "a copy with edits": 1.35,
    "much that repeats": 1.5,
    "little that repeats": 1.7,
    "nothing repeats": 4.0,
}
_NUM_CTX, _MAX_BATCH = 2048, 512


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second by the engine's own clock, what was guessed and found right, and the text."""

    tokens_per_s: float
    guessed: int
    right: int
    text: str


async def main() -> int:
    options = read_arguments()
    found: dict[tuple[str, str], list[Speed]] = {}
    async with AsyncExitStack() as stack:
        children = {
            name: await stack.enter_async_context(started(params(lookup, options.threads)))
            for name, lookup in SETTINGS.items()
        }
        for kind, temperature in KINDS.items():
            for number, name in enumerate(measure.in_turn(list(children), options.rounds)):
                seed = number // len(children)
                speed = await ask(children[name], temperature, options.tokens, seed=seed)
                found.setdefault((kind, name), []).append(speed)
    Console(width=140).print(table(found))
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speculation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=hardware.cores())
    return parser.parse_args()


def params(lookup: Lookup | None, threads: int) -> LaunchParams:
    return LaunchParams(
        model=str(models.copying().path),
        num_ctx=_NUM_CTX,
        num_batch=_MAX_BATCH,
        num_threads=threads,
        lookup=lookup,
    )


async def ask(child: Process, temperature: float, tokens: int, *, seed: int) -> Speed:
    """An answer after the whole text and the beginning of a second copy of it; the prompt stays read."""
    text = [int(token) for token in models.text_tokens(models.Shape().vocabulary)]
    body = {
        "prompt": text + text[:24],
        "n_predict": tokens,
        "temperature": temperature,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "seed": seed,
        "response_fields": ["content", "timings"],
    }
    found = await answered(engine_target(child).address, "/completion", msgspec.json.encode(body))
    answer = msgspec.json.decode(found)
    times = answer["timings"]
    guesses = times.get("draft_n", 0), times.get("draft_n_accepted", 0)
    return Speed(times["predicted_per_second"], *guesses, answer["content"])


def table(found: Mapping[tuple[str, str], list[Speed]]) -> Table:
    """Speeds without guessing, and how many times that with it; in brackets the share that was right."""
    out = Table(box=None, pad_edge=False)
    for head in ("answer", "tokens/s", *list(SETTINGS)[1:], "other text"):
        out.add_column(head, justify="left" if head == "answer" else "right", no_wrap=True)
    for kind in KINDS:
        plain = found[kind, "off"]
        base = statistics.median(speed.tokens_per_s for speed in plain)
        cells, differing = [], 0
        for name in list(SETTINGS)[1:]:
            speeds = found[kind, name]
            guessed, right = sum(s.guessed for s in speeds), sum(s.right for s in speeds)
            times = statistics.median(speed.tokens_per_s for speed in speeds) / base
            cells.append(f"{times:.2f}x ({right / guessed:.0%})" if guessed else f"{times:.2f}x (-)")
            differing += sum(a.text != b.text for a, b in zip(speeds, plain, strict=True))
        out.add_row(kind, f"{base:.1f}", *cells, f"{differing} of {len(plain) * len(cells)}")
    return out


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
