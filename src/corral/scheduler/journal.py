"""How often models were loaded and unloaded, and why: counts since the start, for whoever watches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

LoadKind = Literal["requested", "reload"]
# `keep_alive`: a request asked to unload it after its answer; `requested`: one asked for that alone.
EndKind = Literal["idle", "keep_alive", "requested", "reload", "evicted", "crashed", "shutdown"]


@dataclass(frozen=True, slots=True)
class End:
    """Why a runner is unloaded: the kind, and the whole story in words."""

    kind: EndKind
    text: str


@dataclass(slots=True)
class Journal:
    """Counts by model name and kind; failed loads by the class of their error. `load_s` sums up seconds."""

    loads: Counter[tuple[str, str]] = field(default_factory=Counter)
    load_s: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)

    def loaded(self, model: str, kind: LoadKind, seconds: float) -> None:
        self.loads[model, kind] += 1
        # Counter is made for whole numbers, and adds the others as well.
        self.load_s[model] += seconds  # type: ignore[assignment]

    def failed(self, model: str, error: BaseException) -> None:
        self.failures[model, type(error).__name__] += 1

    def ended(self, model: str, end: End) -> None:
        self.ends[model, end.kind] += 1
