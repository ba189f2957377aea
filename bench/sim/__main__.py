"""`python -m bench.sim`: the tables of docs/scheduling.md."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from rich.console import Console

from bench.sim.figures import Figures, mean, table
from bench.sim.hardware import GB
from bench.sim.routes import ROUTES
from bench.sim.rules import RULES
from bench.sim.run import Outcome, Setup, simulate
from bench.sim.trace import Traffic, make_models, total_size, turns

_KEEP_ALIVES = {"1 minute": 60.0, "5 minutes": 300.0, "30 minutes": 1800.0, "for ever": math.inf}


def main() -> None:
    options = read_arguments()
    console = Console(width=120)
    began = time.process_time()
    traffics = [
        Traffic(users=options.users, hours=options.hours, seed=seed, drift=options.drift)
        for seed in range(1, options.seeds + 1)
    ]
    models = make_models(traffics[0])
    console.print(
        f"{options.users} users, {len(models)} models of {total_size(models) / GB:.0f} GB, "
        f"{len(turns(traffics[0]))} requests in {options.hours:g} hours, {options.seeds} seeds"
    )
    for gigabytes in options.memory:
        setup = Setup(device_memory=gigabytes * GB)
        show_rules(console, traffics, setup)
        show_keep_alives(console, traffics, setup)
        show_routes(console, traffics, replace(setup, nodes=4, devices=1))
    console.print(f"{time.process_time() - began:.0f} s of CPU time")


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.sim", description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, default=2, help="traces that each figure is the mean of")
    parser.add_argument("--drift", action="store_true", help="other models are popular every hour")
    parser.add_argument(
        "--memory", type=int, nargs="+", default=[24, 36], help="of each of the four cards, in GB"
    )
    return parser.parse_args(words)


def show_rules(console: Console, traffics: Sequence[Traffic], setup: Setup) -> None:
    rows = {name: _mean(traffics, partial(simulate, setup=setup, rule=rule)) for name, rule in RULES.items()}
    _print(console, f"whom to unload: one server, four cards of {setup.device_memory // GB} GB", rows)


def show_keep_alives(console: Console, traffics: Sequence[Traffic], setup: Setup) -> None:
    """With few users: with many, no model is idle for long."""
    quiet = [replace(traffic, users=traffic.users // 10) for traffic in traffics]
    rows = {
        name: _mean(quiet, partial(simulate, setup=replace(setup, keep_alive_s=seconds)))
        for name, seconds in _KEEP_ALIVES.items()
    }
    size = setup.device_memory // GB
    _print(console, f"keep-alive: a tenth of the users, one server, four cards of {size} GB", rows)


def show_routes(console: Console, traffics: Sequence[Traffic], setup: Setup) -> None:
    rows = {
        # A route may remember conversations, so each trace gets a new one.
        name: mean([Figures.of(simulate(traffic, setup, route=make())) for traffic in traffics])
        for name, make in ROUTES.items()
    }
    size = setup.device_memory // GB
    _print(console, f"where to send a request: four servers with a card of {size} GB each", rows)


def _mean(traffics: Iterable[Traffic], play: Callable[[Traffic], Outcome]) -> Figures:
    return mean([Figures.of(play(traffic)) for traffic in traffics])


def _print(console: Console, title: str, rows: Mapping[str, Figures]) -> None:
    console.print()
    console.print(table(title, rows))


if __name__ == "__main__":
    main()
