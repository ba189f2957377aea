"""Trains the pocket model from nothing within a time budget: some minutes on a GPU, an hour on two CPU cores.

    python train.py --out /tmp/pocket --minutes 6 --device cuda --dialogues 512 --workers 14
    OMP_WAIT_POLICY=PASSIVE python train.py --out /tmp/pocket --minutes 60

The schedule follows the clock, not the step count, so a busy machine cannot cut off its cool-down. Run the
same command again after a break: it goes on from the last checkpoint and counts only the time it worked.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import torch
from dialogues import dialogue
from model import Decoder, Groups, Shape
from optimiser import Optimiser, rate_at
from textform import CONTROL, Sample, encode, train_tokenizer
from tokenizers import Tokenizer
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

PAD = 0
LOG_EVERY, SAVE_EVERY_S = 25, 120.0
# How much longer a group's longest dialogue may be than its shortest: a GPU pads rather than start kernels.
SLACK = {"cpu": 1.1, "cuda": 1.3}


@dataclass(slots=True)
class Batch:
    tokens: torch.Tensor  # (num_tokens,) all groups behind each other, padded within a group
    positions: torch.Tensor  # (num_tokens,)
    groups: Groups
    wanted: torch.Tensor  # (num_targets,) indices into `tokens`
    targets: torch.Tensor  # (num_targets,)
    weights: torch.Tensor  # (num_targets,) sums to one

    def to(self, device: str) -> Batch:
        names = ("tokens", "positions", "wanted", "targets", "weights")
        moved = {name: getattr(self, name).to(device, non_blocking=True) for name in names}
        return replace(self, **moved)


def _alike(samples: list[Sample], slack: float) -> list[list[Sample]]:
    """Cuts a list sorted by length; no group pads its shortest sample beyond `slack` times its length."""
    groups: list[list[Sample]] = []
    for sample in samples:
        if not groups or len(sample.tokens) > slack * len(groups[-1][0].tokens) + 2:
            groups.append([])
        groups[-1].append(sample)
    return groups


def collate(samples: list[Sample], slack: float) -> Batch:
    samples = sorted(samples, key=lambda sample: len(sample.tokens))
    tokens: list[int] = []
    positions: list[int] = []
    wanted: list[int] = []
    groups: Groups = []
    for group in _alike(samples, slack):
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


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is done; the corpus and its order depend on `seed` and `dialogues` alone."""

    out: Path
    limit_s: float
    device: str
    dialogues: int  # in a step
    workers: int  # processes that write dialogues; 0: none but this one
    seed: int


class Corpus(IterableDataset):  # type: ignore[type-arg]
    """The batches of all steps from `first` on; with several workers each makes its share, in order."""

    def __init__(self, tokenizer: Tokenizer, plan: Plan, first: int) -> None:
        self.tokenizer, self.plan, self.first = tokenizer, plan, first

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        number, count = (worker.id, worker.num_workers) if worker else (0, 1)
        return map(self.batch, itertools.count(self.first + number, count))

    def batch(self, step: int) -> Batch:
        rng = Random(f"{self.plan.seed} {step}")
        samples = [encode(self.tokenizer, dialogue(rng)) for _ in range(self.plan.dialogues)]
        return collate(samples, SLACK[self.plan.device])


class Run:
    """One training run with everything that a checkpoint holds."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        plan.out.mkdir(parents=True, exist_ok=True)
        self.tokenizer = self._tokenizer()
        torch.manual_seed(plan.seed)
        network = Decoder(Shape(vocab_size=self.tokenizer.get_vocab_size()))
        self.network = network.to(plan.device, torch.bfloat16)
        self.optimiser = Optimiser(self.network)
        self.num_steps, self.num_tokens, self.worked_s = 0, 0, 0.0
        self.loss = torch.zeros((), device=plan.device)  # a running mean
        if self.checkpoint.exists():
            self._restore()

    @property
    def checkpoint(self) -> Path:
        return self.plan.out / "checkpoint.pt"

    def _tokenizer(self) -> Tokenizer:
        path = self.plan.out / "tokenizer.json"
        if not path.exists():
            train_tokenizer(Random(self.plan.seed)).save(str(path))
        return Tokenizer.from_file(str(path))

    def _restore(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.plan.device)
        self.optimiser.restore(state["optimiser"])
        self.num_steps, self.num_tokens, self.worked_s = state["steps"], state["tokens"], state["worked_s"]

    def save(self) -> None:
        state = {"optimiser": self.optimiser.state(), "steps": self.num_steps, "tokens": self.num_tokens,
                 "worked_s": self.worked_s, "shape": self.network.shape.as_dict()}  # fmt: skip
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def batches(self) -> Iterator[Batch]:
        corpus = Corpus(self.tokenizer, self.plan, self.num_steps)
        ahead = 4 if self.plan.workers else None
        return iter(DataLoader(corpus, batch_size=None, num_workers=self.plan.workers, prefetch_factor=ahead))

    def step(self, batch: Batch) -> None:
        batch = batch.to(self.plan.device)
        logits = self.network(batch.tokens, batch.positions, batch.groups, batch.wanted).float()
        loss = (F.cross_entropy(logits, batch.targets, reduction="none") * batch.weights).sum()
        loss.backward()
        self.optimiser.step(rate_at(self.worked_s / self.plan.limit_s))
        self.num_steps += 1
        self.num_tokens += len(batch.tokens)
        self.loss += (loss.detach() - self.loss) / min(self.num_steps, LOG_EVERY)

    def train(self) -> None:
        batches = self.batches()
        started, saved = time.monotonic() - self.worked_s, time.monotonic()
        while self.worked_s < self.plan.limit_s:
            self.step(next(batches))
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
            f"  {speed:6.0f}/s  loss {self.loss.item():.4f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for tokenizer and checkpoint")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--device", choices=SLACK, default="cpu")
    parser.add_argument("--dialogues", type=int, default=64, help="in a step")
    parser.add_argument("--workers", type=int, default=0, help="processes that write dialogues")
    parser.add_argument("--threads", type=int, default=2, help="of the network on a CPU")
    parser.add_argument("--seed", type=int, default=11434)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    # It plans anew for every shape, and every step has new shapes.
    torch.backends.cuda.enable_cudnn_sdp(False)
    plan = Plan(asked.out, asked.minutes * 60, asked.device, asked.dialogues, asked.workers, asked.seed)
    run = Run(plan)
    assert run.tokenizer.token_to_id(CONTROL[0]) == PAD
    run.train()


if __name__ == "__main__":
    main()
