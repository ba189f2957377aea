"""Whether several API keys use a model: then nothing may be guessed from what was written by whom."""

from __future__ import annotations

from pathlib import Path


class Authors:
    """Who has written to which weights since the start. An author is the id of a key, None without one."""

    def __init__(self) -> None:
        self._first: dict[Path, int | None] = {}
        self._several: set[Path] = set()

    def several(self, weights: Path | None, author: int | None) -> bool:
        """Whether `author`, who writes now, is not the only one."""
        if weights is None:
            return False
        if self._first.setdefault(weights, author) != author:
            self._several.add(weights)
        return weights in self._several
