"""What the trainer gets: tokens, and which of them it shall learn to write."""

from __future__ import annotations

from array import array
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """`tokens` as serving would send and the model should write them, from the first (BOS where it is sent).

    `trained` holds a byte for each token: 1 where the model must learn to write this token, else 0. `row` is
    the number of the example that the sequence comes from, from 0: an example may give several.
    """

    tokens: array[int]  # int32
    trained: bytes
    row: int

    @property
    def num_trained(self) -> int:
        return self.trained.count(1)
