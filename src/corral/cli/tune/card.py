"""The training card of a model in a few rows. It may come from anywhere: what is not ours is left out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from corral.core.units import human_time

_DIGEST = 19  # signs of a digest that are shown


def card_rows(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    base, data, gate = (_part(card, name) for name in ("base", "data", "gate"))
    if base.get("name"):
        yield "base", str(base["name"])
    if base.get("digest"):
        yield "base digest", str(base["digest"])[:_DIGEST]
    if data.get("digest"):
        yield "data digest", str(data["digest"])[:_DIGEST]
    if "used" in data:
        yield "rows", f"{data['used']} of {data.get('rows', data['used'])}"
    losses = [gate.get(name) for name in ("loss_before", "loss_after")]
    if all(isinstance(loss, int | float) for loss in losses):
        yield str(gate.get("measured", "held-out loss")), " → ".join(f"{loss:.3f}" for loss in losses)
    if gate.get("prompts"):
        passed = f"{gate.get('passed_before')} → {gate.get('passed_after')}"
        yield "prompts passed", f"{passed} of {gate['prompts']}"
    if isinstance(created_at := card.get("created_at"), int | float):
        yield "tuned", human_time(created_at, time.time())


def _part(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = card.get(name)
    return part if isinstance(part, dict) else {}
