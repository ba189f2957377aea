"""Muon for the matrices, AdamW for the rest, on fp32 master weights of a bf16 network."""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import Tensor, nn

MUON_RATE, MUON_MOMENTUM = 0.012, 0.95
ADAM_RATE, ADAM_BETAS = 0.002, (0.9, 0.98)


def rate_at(progress: float) -> float:
    """Factor on the learning rates: 1 % warm-up, full to 15 %, then a cosine down to 1 %.

    `progress` is the share of the time budget used, 0 to 1.
    """
    if progress < 0.01:
        return max(progress / 0.01, 0.02)
    fall = min(max(progress - 0.15, 0.0) / 0.85, 1.0)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall))


def orthogonalise(stack: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrices with equal singular values, by Newton-Schulz, for a (n, rows, columns) stack.

    Source: Keller Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
    """
    x = stack.bfloat16()
    tall = x.size(1) > x.size(2)
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.mT if tall else x).float()


class Muon:
    """Momentum, orthogonalised; equal shapes are handled as one stack."""

    def __init__(self, weights: list[Tensor]) -> None:
        by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for weight in weights:
            by_shape[weight.shape].append(weight)
        self.groups = list(by_shape.values())
        self.momenta = [
            torch.zeros(len(group), *group[0].shape, device=group[0].device) for group in self.groups
        ]

    def step(self, factor: float) -> None:
        for group, momentum in zip(self.groups, self.momenta, strict=True):
            gradient = torch.stack([weight.grad for weight in group])
            momentum.lerp_(gradient, 1 - MUON_MOMENTUM)
            update = orthogonalise(gradient.lerp(momentum, MUON_MOMENTUM))
            scale = max(1.0, update.size(1) / update.size(2)) ** 0.5
            for weight, change in zip(group, update, strict=True):
                weight.add_(change, alpha=-MUON_RATE * factor * scale)


class Optimiser:
    """Owns the fp32 master weights; `step` takes the network's gradients and refreshes its bf16 copy."""

    def __init__(self, network: nn.Module) -> None:
        self.live = dict(network.named_parameters())
        self.masters = {name: weight.detach().float().clone() for name, weight in self.live.items()}
        matrices = [n for n, w in self.masters.items() if w.ndim == 2 and not n.startswith("embedding")]
        self.muon = Muon([self.masters[name] for name in matrices])
        rest = [weight for name, weight in self.masters.items() if name not in matrices]
        self.adam = torch.optim.AdamW(rest, lr=ADAM_RATE, betas=ADAM_BETAS, weight_decay=0.0)

    @torch.no_grad()
    def step(self, factor: float) -> None:
        for name, weight in self.live.items():
            assert weight.grad is not None
            self.masters[name].grad = weight.grad.float()
            weight.grad = None
        self.muon.step(factor)
        self.adam.param_groups[0]["lr"] = ADAM_RATE * factor
        self.adam.step()
        self.publish()

    @torch.no_grad()
    def publish(self) -> None:
        for name, weight in self.live.items():
            weight.copy_(self.masters[name])

    def state(self) -> dict[str, object]:
        return {"masters": self.masters, "momenta": self.muon.momenta, "adam": self.adam.state_dict()}

    def restore(self, state: dict[str, object]) -> None:
        for name, weight in self.masters.items():
            weight.copy_(state["masters"][name])
        for mine, saved in zip(self.muon.momenta, state["momenta"], strict=True):
            mine.copy_(saved)
        self.adam.load_state_dict(state["adam"])
        self.publish()
