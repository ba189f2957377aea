"""Which adapters of a model apply, and how strongly: texts such as `style` or `style=0.5`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from corral.errors import InvalidInput


def adapter_scales(wanted: Sequence[str] | None, names: Sequence[str]) -> tuple[float, ...]:
    """The scale of each adapter in the order of `names`; 1.0 for all where nothing is `wanted`.

    Adapters that are not named get 0.0. Raises InvalidInput for a name that no adapter has, or no number.
    """
    if wanted is None:
        return (1.0,) * len(names)
    scales = [0.0] * len(names)
    for text in wanted:
        place, scale = read_adapter(text, names)
        scales[place] = scale
    return tuple(scales)


def read_adapter(text: str, names: Sequence[str]) -> tuple[int, float]:
    """Place, from 0, and scale of one text. An adapter is named by its name or by its place from 1.

    Raises InvalidInput.
    """
    name, _, scale = text.rpartition("=") if "=" in text else (text, "", "1")
    places = {**{str(place): place - 1 for place in range(1, len(names) + 1)}}
    places |= {known: place for place, known in reversed(list(enumerate(names))) if known}
    if name not in places:
        has = f"it has {', '.join(known or str(place) for place, known in enumerate(names, 1))}"
        raise InvalidInput(f'the model has no adapter "{name}": {has if names else "it has none"}')
    try:
        number = float(scale)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f'the scale of adapter "{name}" must be a number: "{scale}"')
    return places[name], number
