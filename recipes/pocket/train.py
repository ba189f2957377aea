"""Trains the pocket model from nothing on two CPU cores, within a time budget.

    OMP_WAIT_POLICY=PASSIVE python train.py --out /tmp/pocket --minutes 60

The schedule follows the clock, not the step count, so a busy machine cannot cut off its cool-down. Run the
same command again after a break: it goes on from the last checkpoint and counts only the time it worked.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from dialogues import dialogue
from model import Decoder, Groups, Shape
from optimiser import Optimiser, rate_at
from textform import CONTROL, Sample, encode, train_tokenizer
from tokenizers import Tokenizer
from torch.nn import functional as F

PAD = 0
DIALOGUES_PER_STEP = 64
LOG_EVERY, SAVE_EVERY_S = 25, 120.0


@dataclass(slots=True)
class Batch:
    tokens: torch.Tensor  # (num_tokens,) all groups behind each other, padded within a group
    positions: torch.Tensor  # (num_tokens,)
    groups: Groups
    wanted: torch.Tensor  # (num_targets,) indices into `tokens`
    targets: torch.Tensor  # (num_targets,)
    weights: torch.Tensor  # (num_targets,) sums to one


def _alike(samples: list[Sample]) -> list[list[Sample]]:
    """Cuts a list sorted by length so that no group pads its shortest sample by more than a tenth."""
    groups: list[list[Sample]] = []
    for sample in samples:
        if not groups or len(sample.tokens) > 1.1 * len(groups[-1][0].tokens) + 2:
            groups.append([])
        groups[-1].append(sample)
    return groups


def collate(samples: list[Sample]) -> Batch:
    samples = sorted(samples, key=lambda sample: len(sample.tokens))
    tokens: list[int] = []
    positions: list[int] = []
    wanted: list[int] = []
    groups: Groups = []
    for group in _alike(samples):
        length = len(group[-1].tokens)
        groups.append((len(group), length))
        for sample in group:
            end = len(tokens) + len(sample.tokens)
            wanted += range(end - len(sample.targets), end)
            tokens += sample.tokens + [PAD] * (length - len(sample.tokens))
            positions += range(length)
    targets = [token for sample in samples for token in sample.targets]
    # One over the root of the length: per token, long answers would win over capitals.
    weights = torch.tensor([len(s.targets) ** -0.5 for s in samples for _ in s.targets])
    columns = (torch.tensor(column) for column in (tokens, positions, wanted, targets))
    tokens_, positions_, wanted_, targets_ = columns
    return Batch(tokens_, positions_, groups, wanted_, targets_, weights / weights.sum())


class Run:
    """One training run with everything that a checkpoint holds."""

    def __init__(self, out: Path, minutes: float, seed: int) -> None:
        self.out, self.limit_s, self.seed = out, minutes * 60, seed
        out.mkdir(parents=True, exist_ok=True)
        self.tokenizer = self._tokenizer()
        torch.manual_seed(seed)
        self.network = Decoder(Shape(vocab_size=self.tokenizer.get_vocab_size())).bfloat16()
        self.optimiser = Optimiser(self.network)
        self.num_steps, self.num_tokens, self.worked_s, self.loss = 0, 0, 0.0, 0.0
        if self.checkpoint.exists():
            self._restore()

    @property
    def checkpoint(self) -> Path:
        return self.out / "checkpoint.pt"

    def _tokenizer(self) -> Tokenizer:
        path = self.out / "tokenizer.json"
        if not path.exists():
            train_tokenizer(Random(self.seed)).save(str(path))
        return Tokenizer.from_file(str(path))

    def _restore(self) -> None:
        state = torch.load(self.checkpoint)
        self.optimiser.restore(state["optimiser"])
        self.num_steps, self.num_tokens, self.worked_s = state["steps"], state["tokens"], state["worked_s"]

    def save(self) -> None:
        state = {"optimiser": self.optimiser.state(), "steps": self.num_steps, "tokens": self.num_tokens,
                 "worked_s": self.worked_s, "shape": self.network.shape.as_dict()}  # fmt: skip
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def step(self) -> None:
        rng = Random(f"{self.seed} {self.num_steps}")
        batch = collate([encode(self.tokenizer, dialogue(rng)) for _ in range(DIALOGUES_PER_STEP)])
        logits = self.network(batch.tokens, batch.positions, batch.groups, batch.wanted).float()
        loss = (F.cross_entropy(logits, batch.targets, reduction="none") * batch.weights).sum()
        loss.backward()
        self.optimiser.step(rate_at(self.worked_s / self.limit_s))
        self.num_steps += 1
        self.num_tokens += len(batch.tokens)
        self.loss += (loss.item() - self.loss) / min(self.num_steps, LOG_EVERY)

    def train(self) -> None:
        started, saved = time.monotonic() - self.worked_s, time.monotonic()
        while self.worked_s < self.limit_s:
            self.step()
            self.worked_s = time.monotonic() - started
            if self.num_steps % LOG_EVERY == 0:
                self.report()
            if time.monotonic() - saved > SAVE_EVERY_S:
                self.save()
                saved = time.monotonic()
        self.save()
        self.report()

    def report(self) -> None:
        speed = self.num_tokens / self.worked_s
        print(
            f"{self.worked_s / 60:6.1f} min  step {self.num_steps:5d}  {self.num_tokens / 1e6:6.2f} M tokens"
            f"  {speed:6.0f}/s  loss {self.loss:.4f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for tokenizer and checkpoint")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11434)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    run = Run(options.out, options.minutes, options.seed)
    assert run.tokenizer.token_to_id(CONTROL[0]) == PAD
    run.train()


if __name__ == "__main__":
    main()
