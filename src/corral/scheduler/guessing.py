"""Guessing tokens ahead from what is already written: which runners do it, and whether it pays.

The engine checks all guesses of a slot in one batch, which costs less than as many single steps where many
are right, as in an answer that repeats a part of its prompt, and more where few are. Figures:
docs/performance.md.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from corral.core.model import Model
from corral.engine import Lookup
from corral.scheduler.demand import AUTOMATIC_GUESSES, Demand
from corral.settings import Settings

_MATCH, _LEAST, _MOST = 16, 4, 12
# The share of right guesses from which on the batches cost less than they save, on two cores of a CPU; a GPU,
# where a batch costs little more than a step, needs fewer.
_BREAK_EVEN = 0.35
# So many tokens are guessed before anything is judged, and after so many the past counts for half.
_ENOUGH, _MEMORY = 256, 4096
# Their state cannot be wound back after a wrong guess: the engine would copy it before each.
RECURRENT_FAMILIES = frozenset(
    {"qwen35", "qwen35moe", "qwen3next", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "nemotron_h_omni"}
)


def lookup_for(demand: Demand, settings: Settings) -> Lookup | None:
    """How the runner of this demand guesses; None where it must not, or gains nothing."""
    wanted = demand.draft_num_predict
    if not (settings.speculation and wanted and can_look_up(demand.model)) or demand.exact or demand.apart:
        return None
    most = _MOST if wanted == AUTOMATIC_GUESSES or demand.model.draft else wanted
    return Lookup(match=_MATCH, least=min(_LEAST, most), most=most) if demand.guessing_pays else None


def can_look_up(model: Model) -> bool:
    """With a projector, parts of prompts are no tokens, which the engine's guesses do not expect."""
    return model.can("completion") and not model.projectors and model.family not in RECURRENT_FAMILIES


class Guesswork:
    """What became of the guesses, by the weights they were made for."""

    def __init__(self) -> None:
        self._guessed: Counter[Path] = Counter()
        self._right: Counter[Path] = Counter()

    def note(self, weights: Path, guessed: int, right: int) -> None:
        """An answer has ended."""
        self._guessed[weights] += guessed
        self._right[weights] += right
        if self._guessed[weights] > _MEMORY:
            self._guessed[weights] //= 2
            self._right[weights] //= 2

    def pays(self, weights: Path) -> bool:
        """Whether a runner loaded now should guess: not where too many guesses were wrong."""
        guessed = self._guessed[weights]
        return guessed < _ENOUGH or self._right[weights] >= _BREAK_EVEN * guessed
