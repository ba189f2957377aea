"""Which rows a step takes, and how they are put side by side. The same seed gives the same steps again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random

import torch

from corral.tune.data import TokenSequence


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows padded on the right, where nothing that counts can see: attention never looks ahead.

    `wanted` marks the positions whose next token is learned; `targets` are those tokens, in the same order.
    """

    tokens: torch.Tensor  # (rows, length) int64
    wanted: torch.Tensor  # (rows, length) bool
    targets: torch.Tensor  # (number of wanted,) int64

    def to(self, device: torch.device) -> Batch:
        return Batch(self.tokens.to(device), self.wanted.to(device), self.targets.to(device))


def steps_per_epoch(num_rows: int, batch_size: int) -> int:
    return ceil(num_rows / batch_size)


def rows_of_step(step: int, num_rows: int, batch_size: int, seed: int) -> list[int]:
    """The numbers of the rows of one step, from 0. Each epoch takes all rows once, in its own order."""
    epoch, place = divmod(step, steps_per_epoch(num_rows, batch_size))
    order = list(range(num_rows))
    Random(f"{seed} {epoch}").shuffle(order)
    return order[place * batch_size : (place + 1) * batch_size]


def micro_batches(rows: Sequence[TokenSequence], size: int) -> Iterator[Batch]:
    """Rows of like length together, at most `size` at once."""
    ordered = sorted(rows, key=lambda row: len(row.tokens))
    for first in range(0, len(ordered), size):
        yield batch_of(ordered[first : first + size])


def batch_of(rows: Sequence[TokenSequence]) -> Batch:
    # The last token predicts nothing. A row may be no more than that.
    length = max(1, *(len(row.tokens) - 1 for row in rows))
    tokens = torch.zeros(len(rows), length, dtype=torch.int64)
    wanted = torch.zeros(len(rows), length, dtype=torch.bool)
    targets: list[int] = []
    for index, row in enumerate(rows):
        count = len(row.tokens) - 1
        tokens[index, :count] = torch.tensor(row.tokens[:-1])
        wanted[index, :count] = torch.tensor(list(row.trained[1:]), dtype=torch.bool)
        targets += [token for token, trained in zip(row.tokens[1:], row.trained[1:], strict=True) if trained]
    return Batch(tokens, wanted, torch.tensor(targets, dtype=torch.int64))
