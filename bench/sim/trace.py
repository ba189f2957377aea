"""Who asks what and when: a seeded day of users, their conversations and the models these are with."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corral.cache import Prefix
from corral.cache.prefix import BLOCK_TOKENS
from corral.core.manifest import Manifest, ModelConfig
from corral.core.model import Model, Network
from corral.core.names import ModelName

HOUR = 3600.0
# Billions of weights, and bytes of one: 20 models as people have them, in Q4_K_M but for the smallest.
_SIZES = (0.5, 1, 1.5, 3, 3, 4, 7, 8, 8, 8, 8, 9, 12, 14, 14, 20, 24, 27, 32, 32)
_BYTES_A_WEIGHT = 0.6
_POPULARITY = 1.1  # exponent of Zipf's law
_TURNS, _THINK_S, _THINK_SPREAD = 6.0, 45.0, 0.9
_SYSTEM_TOKENS, _QUESTION_TOKENS, _ANSWER_TOKENS, _TOKEN_SPREAD = 400.0, 60.0, 180.0, 0.8
_FAVOURITES = 3
_CONTEXT = 8192


@dataclass(frozen=True, slots=True)
class Turn:
    """One request: `prefix` tokens were there in the turn before, then come `new` ones and the `answer`."""

    at: float
    user: int
    session: int
    model: int
    prefix: int
    new: int
    answer: int

    def prompt(self) -> Prefix:
        return Prefix(blocks=_blocks(self.session, self.prefix + self.new))

    def whole(self) -> Prefix:
        """The prompt and the answer, which the next turn begins with."""
        return Prefix(blocks=_blocks(self.session, self.prefix + self.new + self.answer))


def _blocks(session: int, tokens: int) -> tuple[bytes, ...]:
    """Each block is known by its conversation and its place there: no two conversations begin alike."""
    return tuple(b"%d/%d" % (session, place) for place in range(tokens // BLOCK_TOKENS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """`sessions` a user starts in an hour of the busiest time; `hours` begin in the morning."""

    users: int = 1000
    hours: float = 4.0
    sessions: float = 0.3
    models: int = 20
    seed: int = 1
    drift: bool = False


def make_models(traffic: Traffic) -> list[Model]:
    """The models, the most popular first; how popular one is has nothing to do with its size."""
    sizes = list(_SIZES[: traffic.models])
    random.Random(traffic.seed).shuffle(sizes)
    return [_model(f"m{rank}-{size:g}b", size) for rank, size in enumerate(sizes)]


def turns(traffic: Traffic) -> list[Turn]:
    """All requests in the order in which they come."""
    chance = random.Random(traffic.seed * 7919 + 1)
    weights = [1 / (rank + 1) ** _POPULARITY for rank in range(traffic.models)]
    found: list[Turn] = []
    session = 0
    for user in range(traffic.users):
        favourites = chance.choices(range(traffic.models), weights, k=_FAVOURITES)
        for start in _starts(traffic, chance):
            session += 1
            model = chance.choice(favourites)
            if traffic.drift:
                model = (model + 7 * int(start / HOUR)) % traffic.models
            found += _conversation(chance, start, user, session, model)
    end = traffic.hours * HOUR
    return sorted((turn for turn in found if turn.at < end), key=lambda turn: turn.at)


def _starts(traffic: Traffic, chance: random.Random) -> Iterator[float]:
    """Poisson arrivals, thinned by the time of the day: from a third of the most to the most and back."""
    at = 0.0
    while (at := at + chance.expovariate(traffic.sessions) * HOUR) < traffic.hours * HOUR:
        share = 1 / 3 + 2 / 3 * math.sin(math.pi * at / (traffic.hours * HOUR))
        if chance.random() < share:
            yield at


def _conversation(chance: random.Random, at: float, user: int, session: int, model: int) -> Iterator[Turn]:
    """Turns until the user has enough or the context window is full; each brings back all there was."""
    length = 0
    while True:
        new = _tokens(chance, _QUESTION_TOKENS) + (0 if length else _tokens(chance, _SYSTEM_TOKENS))
        answer = _tokens(chance, _ANSWER_TOKENS)
        if length + new + answer > _CONTEXT:
            return
        yield Turn(at, user, session, model, length, new, answer)
        length += new + answer
        if chance.random() < 1 / _TURNS:
            return
        at += chance.lognormvariate(math.log(_THINK_S), _THINK_SPREAD)


def _tokens(chance: random.Random, median: float) -> int:
    return max(1, int(chance.lognormvariate(math.log(median), _TOKEN_SPREAD)))


def _model(name: str, billions: float) -> Model:
    size = int(billions * 1e9 * _BYTES_A_WEIGHT)
    width = 1024 * max(1, round(billions**0.5))
    network = Network(
        architecture="llama",
        parameter_count=int(billions * 1e9),
        file_type=1,
        num_blocks=24 + round(8 * billions**0.5),
        context_length=_CONTEXT,
        embedding_length=width,
        num_heads=width // 128,
        num_kv_heads=8,
        key_length=128,
        value_length=128,
        file_size=size,
    )
    return Model(
        name=ModelName.parse(name),
        digest=name,
        manifest=Manifest(),
        config=ModelConfig(model_family="llama"),
        size=size,
        modified_at=0.0,
        weights=Path("/models") / name,
        network=network,
        capabilities=("completion",),
    )


def total_size(models: Sequence[Model]) -> int:
    return sum(model.size for model in models)
