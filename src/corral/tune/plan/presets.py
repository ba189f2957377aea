"""How long and how strongly to train where the user does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from corral.errors import InvalidOption
from corral.tune.spec import Options, Preset

# Small networks take larger steps. Over many models the best rate of an adapter falls with the 0.78th
# power of the width ("LoRA Without Regret", Thinking Machines, 2025); less than that forgets less, and
# learns as well.
_WIDTH, _POWER = 4096, 0.6

# Draws an adapter back to the base a little in each step. With less a small model forgets more of what nobody
# asks for while it learns: docs/tuning.md has the numbers.
_DECAY = 6.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Values:
    """`learning_rate` is for a network 4096 wide; `min_steps` makes up for few examples by more epochs."""

    epochs: float
    min_steps: int
    learning_rate: float
    rank: int
    max_length: int
    early_stop: int


_PRESETS: Mapping[Preset, _Values] = {
    "quick": _Values(1, 40, 2e-4, 16, 1024, 2),
    "balanced": _Values(3, 100, 2e-4, 16, 2048, 3),
    "thorough": _Values(5, 150, 1e-4, 32, 4096, 5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every option as it holds, but for what depends on the rows and the machine: None there means free.

    `min_steps` is 0 where the user says how many epochs.
    """

    epochs: float
    min_steps: int
    max_steps: int | None
    learning_rate: float
    rank: int
    alpha: int
    dropout: float
    batch_size: int
    micro_batch_size: int | None
    max_length: int
    warmup_ratio: float
    weight_decay: float
    eval_fraction: float
    early_stop: int
    gradient_checkpointing: bool | None
    quantized_base: bool | None
    seed: int


def settle(options: Options, preset: Preset, *, width: int, context_length: int) -> Settings:
    """Raises InvalidOption for a number that nothing can be trained with."""
    values = _PRESETS[preset]
    _check(options)
    rank = options.rank or values.rank
    scaled = values.learning_rate * (_WIDTH / max(width, 1)) ** _POWER
    longest = min(values.max_length, context_length or values.max_length)
    return Settings(
        epochs=_or(options.epochs, values.epochs),
        min_steps=values.min_steps if options.epochs is None else 0,
        max_steps=options.max_steps,
        learning_rate=_or(options.learning_rate, float(f"{scaled:.2g}")),
        rank=rank,
        alpha=_or(options.alpha, 2 * rank),
        dropout=_or(options.dropout, 0.0),
        batch_size=_or(options.batch_size, 16),
        micro_batch_size=options.micro_batch_size,
        max_length=_or(options.max_length, longest),
        warmup_ratio=_or(options.warmup_ratio, 0.05),
        weight_decay=_or(options.weight_decay, _DECAY),
        eval_fraction=_or(options.eval_fraction, 0.05),
        early_stop=_or(options.early_stop, values.early_stop),
        gradient_checkpointing=options.gradient_checkpointing,
        quantized_base=options.quantized_base,
        seed=_or(options.seed, 0),
    )


def for_modes(settings: Settings, num_rows: int, num_reasoned: int) -> Settings:
    """Where `num_reasoned` of the rows are learnt twice, with reasoning and without, each as often as one."""
    return replace(settings, min_steps=round(settings.min_steps * (1 + num_reasoned / max(num_rows, 1))))


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


# Name, smallest, largest.
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("epochs", 0.01, 1000),
    ("max_steps", 1, 10_000_000),
    ("learning_rate", 1e-8, 1.0),
    ("rank", 1, 1024),
    ("alpha", 1, 100_000),
    ("dropout", 0.0, 0.9),
    ("batch_size", 1, 100_000),
    ("micro_batch_size", 1, 100_000),
    ("max_length", 16, 1 << 20),
    ("warmup_ratio", 0.0, 1.0),
    ("weight_decay", 0.0, 10.0),
    ("eval_fraction", 0.0, 0.5),
    ("early_stop", 0, 1000),
    ("seed", 0, (1 << 63) - 1),
)


def _check(options: Options) -> None:
    for name, least, most in _RANGES:
        value = getattr(options, name)
        if value is not None and not least <= value <= most:
            raise InvalidOption(f"{name} must be between {least:g} and {most:g}, not {value:g}")
