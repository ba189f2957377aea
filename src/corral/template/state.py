"""What one execution of a template changes, and the bounds it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from corral.errors import TemplateError
from corral.template.encode import MAX_CHARACTERS, Sink


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one execution; beyond any of them it ends with a TemplateError.

    `num_characters` bounds the output and every intermediate text. A step is about one node executed; large
    texts that pass through functions count as more. `depth` is how many `{{ template }}` calls may be open.
    """

    num_characters: int = MAX_CHARACTERS
    num_steps: int = 10_000_000
    depth: int = 50


DEFAULT_LIMITS: Final = Limits()


class State(Sink):
    """The output, the variables, and how much may still be done."""

    __slots__ = ("depth", "limits", "steps", "trail", "variables")

    def __init__(self, limits: Limits, root: object) -> None:
        super().__init__(limits.num_characters)
        self.limits = limits
        self.steps = limits.num_steps
        self.depth = 0
        # Every name has a stack of values; the trail holds the names in order of declaration, so that
        # leaving a block takes back what was declared in it.
        self.variables: dict[str, list[object]] = {"$": [root]}
        self.trail: list[str] = []

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise TemplateError(f"template: took more than {self.limits.num_steps} steps")

    def declare(self, name: str, value: object) -> None:
        self.variables.setdefault(name, []).append(value)
        self.trail.append(name)

    def leave(self, mark: int) -> None:
        """Take back all declarations after the first `mark` ones."""
        trail, variables = self.trail, self.variables
        while len(trail) > mark:
            variables[trail.pop()].pop()
