"""`python -m bench.engines PROGRAM`: a native `llama-server` beside the packaged engine, on the same weights.

Each figure is taken on both in turn. Speeds are the engine's own: its last event tells them. CPU seconds are
those of the child: they tell which build needs less, also while the machine has other work to do.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Sample, cpu_seconds, in_turn
from bench.models import BenchModel, half_billion, half_billion_k
from corral import hardware
from corral.core.options import Options
from corral.engine import Completion, Finish, LaunchParams, Process, Sampling, start
from corral.errors import RunnerError

_NUM_CTX = 4096
_PROMPT_TOKENS = 1024
_ANSWER_TOKENS = 64
_SIDES = ("packaged", "native")
_START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second, and CPU seconds a token."""

    tokens_per_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One task on one model: all speeds of each side."""

    model: str
    task: str
    speeds: dict[str, list[Speed]]

    def rate(self, side: str) -> Sample:
        return Sample(tuple(speed.tokens_per_s for speed in self.speeds[side]))

    def cpu(self, side: str) -> Sample:
        return Sample(tuple(speed.cpu_s for speed in self.speeds[side]))


def main() -> None:
    options = read_arguments()
    models = (half_billion(), half_billion_k())  # made here, the first time
    figures = asyncio.run(compare(models, options.program, options.rounds, options.batch))
    show(figures)


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.add_argument(
        "program", type=Path, help="path of a llama-server, such as one under ~/.corral/engines"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="values of each figure on each side (default 5)"
    )
    parser.add_argument("--batch", type=int, default=512, help="most prompt tokens at a time (default 512)")
    return parser.parse_args(words)


async def compare(models: Sequence[BenchModel], program: Path, rounds: int, batch: int) -> list[Figure]:
    figures = []
    for model in models:
        figures += await _on_model(model, program, rounds, batch)
    return figures


async def _on_model(model: BenchModel, program: Path, rounds: int, batch: int) -> list[Figure]:
    params = LaunchParams(
        model=str(model.path), num_ctx=_NUM_CTX, num_threads=hardware.cores(), num_batch=batch
    )
    processes = {
        side: await start(
            params, timeout_s=_START_TIMEOUT_S, llama_server=program if side == "native" else None
        )
        for side in _SIDES
    }
    tasks = {
        f"prompt of {_PROMPT_TOKENS}": prompt_speed,
        f"answer of {_ANSWER_TOKENS}": answer_speed,
    }
    try:
        figures = []
        for task, take in tasks.items():
            found: dict[str, list[Speed]] = {side: [] for side in _SIDES}
            for number, side in enumerate(in_turn(_SIDES, rounds + 1)):
                speed = await take(processes[side], number // 2)
                if number >= len(_SIDES):  # the first round pays for pages that are not in memory yet
                    found[side].append(speed)
            figures.append(Figure(model.path.stem, task, found))
        return figures
    finally:
        for process in processes.values():
            await process.kill()


async def prompt_speed(process: Process, number: int) -> Speed:
    """Reading a prompt that is new, and the first token of its answer."""
    tokens = random.Random(number).choices(range(1000, 20_000), k=_PROMPT_TOKENS)
    finish, cpu_s = await _run(process, await process.client.detokenize(tokens), 1)
    read = finish.prompt_tokens - finish.cached_tokens
    return Speed(read / finish.prompt_s, cpu_s / read)


async def answer_speed(process: Process, number: int) -> Speed:
    finish, cpu_s = await _run(process, f"once upon a time {number}", _ANSWER_TOKENS)
    return Speed(finish.completion_tokens / finish.decode_s, cpu_s / finish.completion_tokens)


async def _run(process: Process, prompt: str, num_predict: int) -> tuple[Finish, float]:
    """The last event of an answer, and what it took of the processor. Raises RunnerError."""
    sampling = Sampling(options=Options(temperature=0.0), num_ctx=_NUM_CTX, num_predict=num_predict)
    before = cpu_seconds(process.pid)[0]
    last: object = None
    async for batch in process.client.complete(Completion(prompt=prompt, sampling=sampling)):
        last = batch[-1]
    if not isinstance(last, Finish):
        raise RunnerError("the answer has no end")
    return last, cpu_seconds(process.pid)[0] - before


def show(figures: Sequence[Figure]) -> None:
    table = Table(
        caption="medians ± half of the distance between the quartiles; ratios are native over packaged"
    )
    for column in ("model", "task", "packaged", "native", "ratio", "CPU packaged", "CPU native", "CPU ratio"):
        table.add_column(column, justify="left" if column in ("model", "task") else "right")
    for figure in figures:
        rates = [figure.rate(side) for side in _SIDES]
        cpus = [figure.cpu(side) for side in _SIDES]
        table.add_row(
            figure.model,
            figure.task,
            *(f"{rate.median:.1f} ± {rate.spread:.1f} tok/s" for rate in rates),
            f"{rates[1].median / rates[0].median:.2f}",
            *(f"{1000 * cpu.median:.2f} ± {1000 * cpu.spread:.2f} ms/tok" for cpu in cpus),
            f"{cpus[1].median / cpus[0].median:.2f}",
        )
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
