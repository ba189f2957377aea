"""What every request of one `run` carries."""

from __future__ import annotations

from dataclasses import dataclass, field

from corral.cli.answer import Style
from corral.cli.model import RunModel
from corral.cli.run_options import Think


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The model, what was asked for with flags or `/set`, and how answers are shown."""

    model: RunModel
    think: Think = None
    keep_alive: str | int | None = None
    format: object = None
    style: Style = field(default_factory=Style)

    def fields(self) -> dict[str, object]:
        """The fields that were asked for, in the names of the API."""
        given = {"format": self.format, "keep_alive": self.keep_alive, "think": self.think}
        return {"model": self.model.name} | {k: v for k, v in given.items() if v is not None}
