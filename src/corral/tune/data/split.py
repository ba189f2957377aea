"""Which rows are held out: a share of them, drawn by content, so that no row stands on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from corral.errors import InvalidInput


def held_out_rows(keys: Sequence[bytes], fraction: float, seed: int) -> frozenset[int]:
    """The numbers of the rows to hold out, at least one; rows of one key go together.

    The draw depends on `seed` and the rows themselves, not on their order: a row added later moves no other.
    None for a `fraction` of 0. Raises InvalidInput where all rows are the same.
    """
    if not fraction:
        return frozenset()
    places: dict[bytes, list[int]] = {}
    for number, key in enumerate(keys):
        places.setdefault(key, []).append(number)
    if len(places) < 2:
        raise InvalidInput(
            "one different row is too little: one is held out to see what the training does",
            hint="add rows, name a file of others to hold out, or hold none out (eval_fraction 0)",
        )
    drawn = sorted(
        places, key=lambda key: hashlib.sha256(seed.to_bytes(8, "big", signed=True) + key).digest()
    )
    wanted = max(1, round(len(keys) * fraction))
    held: set[int] = set()
    for key in drawn:
        if len(held) + len(places[key]) <= wanted:
            held.update(places[key])
    if held:
        return frozenset(held)
    # Every row stands there often: the one that does so least.
    rarest = min(drawn, key=lambda key: len(places[key]))
    return frozenset(places[rarest])
