"""`bench MODEL`: how fast a model reads and writes on this machine, beside the last time.

Speeds are those that the server measures, without the way to it. Each prompt is new, so none is cached.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from corral.cli.client import Client
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.progress import Display
from corral.cli.state import State
from corral.cli.table import print_table

_PROMPT_WORDS = 400
_ANSWER_TOKENS = 128
_LEAST_TOKENS = 24  # of answers that are worth a measurement
_MOST_REQUESTS = 8  # of one round, with a model that says little
_FIELDS = ("prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration")
_HEADER = ("TASK", "TOKENS", "SPEED", "LAST TIME", "CHANGE")
_WORDS = [
    "river",
    "stone",
    "window",
    "garden",
    "letter",
    "morning",
    "paper",
    "silver",
    "yellow",
    "market",
    "bridge",
    "winter",
    "song",
]


@dataclass(frozen=True, slots=True)
class Speeds:
    """Tokens a second of the middle round, tokens of one round, and when it was measured (since 1970).

    `load_s` is None where the model was loaded already.
    """

    prompt: float
    prompt_tokens: int
    answer: float
    answer_tokens: int
    load_s: float | None
    measured_at: float


def run(call: Invocation) -> None:
    rounds = call.number("rounds") if "rounds" in call.flags else 3
    if rounds < 1:
        raise CommandError("--rounds must be at least 1")
    client, name = call.client(), call.args[0]
    digest = _digest(client, name)
    found = _measure(client, name, digest, rounds)
    state, key = State(call.settings.home / "bench.json"), f"{call.settings.address.netloc} {digest}"
    last = _last(state.get(key))
    state.keep(key, asdict(found))
    if call.is_set("json"):
        print_json({"model": name, "digest": digest, **asdict(found), "last": last and asdict(last)})
    else:
        print_table(_HEADER, _rows(found, last))


def _last(kept: object) -> Speeds | None:
    try:
        return Speeds(**kept) if isinstance(kept, dict) else None
    except TypeError:  # written by another version
        return None


def _digest(client: Client, name: str) -> str:
    """What the model is known by, whatever it is called; the name itself where the server does not tell."""
    client.call("POST", "/api/show", {"model": name})  # raises where there is none
    models = client.call("GET", "/api/tags").get("models") or ()
    wanted = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    return next((str(m["digest"]) for m in models if m["name"].lower() == wanted.lower()), name)


def _measure(client: Client, name: str, digest: str, rounds: int) -> Speeds:
    """Load, then `rounds` requests after one that is not counted. Raises CorralError."""
    with Display() as display:
        display.spinner(f"loading {name}")
        load_s = _load(client, name, digest)
        records = []
        for number in range(rounds + 1):
            display.spinner(f"round {number} of {rounds}" if number else "warming up")
            records.append(_ask(client, name))
        display.clear()
    counted = records[1:]
    return Speeds(
        prompt=statistics.median(_speed(record, "prompt_eval") for record in counted),
        prompt_tokens=counted[-1]["prompt_eval_count"],
        answer=statistics.median(_speed(record, "eval") for record in counted),
        answer_tokens=counted[-1]["eval_count"],
        load_s=load_s,
        measured_at=time.time(),
    )


def _load(client: Client, name: str, digest: str) -> float | None:
    loaded = client.call("GET", "/api/ps").get("models") or ()
    began = time.monotonic()
    client.call("POST", "/api/generate", {"model": name, "stream": False})
    return None if any(model["digest"] == digest for model in loaded) else time.monotonic() - began


def _ask(client: Client, name: str) -> Mapping[str, int]:
    """Counts and durations of one round, summed up over its requests; small models may say little to one."""
    sums: Counter[str] = Counter()
    for _ in range(_MOST_REQUESTS):
        prompt = f"Write a long story with these words: {' '.join(random.choices(_WORDS, k=_PROMPT_WORDS))}"
        options = {"num_predict": _ANSWER_TOKENS, "temperature": 1.0}
        body = {"model": name, "prompt": prompt, "stream": False, "options": options}
        record = client.call("POST", "/api/generate", body)
        sums.update({field: record.get(field) or 0 for field in _FIELDS})
        if sums["eval_count"] >= _LEAST_TOKENS:
            return sums
    raise CommandError(f"{name} writes too little to be measured")


def _speed(sums: Mapping[str, int], task: str) -> float:
    return sums[f"{task}_count"] / max(sums[f"{task}_duration"], 1) * 1e9


def _rows(found: Speeds, last: Speeds | None) -> Iterator[tuple[str, ...]]:
    yield ("prompt", str(found.prompt_tokens), *_compared(found.prompt, last.prompt if last else 0.0))
    yield ("answer", str(found.answer_tokens), *_compared(found.answer, last.answer if last else 0.0))
    yield ("load", "-", _load_text(found), _load_text(last), "-")


def _compared(speed: float, before: float) -> tuple[str, str, str]:
    if not before:
        return f"{speed:.1f} tokens/s", "-", "-"
    return f"{speed:.1f} tokens/s", f"{before:.1f} tokens/s", f"{(speed / before - 1) * 100:+.0f} %"


def _load_text(speeds: Speeds | None) -> str:
    return f"{speeds.load_s:.2f} s" if speeds is not None and speeds.load_s else "-"
