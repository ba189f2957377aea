"""A fresh adapter on every linear layer of a frozen network, and its ways out: PEFT's files, numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from corral.tune.plan import Run, Settings

Numbers = dict[str, torch.Tensor]


def with_adapter(model: Any, settings: Settings, run: Run) -> Any:
    """The network with an adapter that does nothing yet; the settings' seed decides how it begins."""
    import peft

    torch.manual_seed(settings.seed)
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",  # without the output layer
        task_type="CAUSAL_LM",
    )
    if run.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return peft.get_peft_model(model, config, autocast_adapter_dtype=True)


def adapter_of(model: Any) -> Numbers:
    """What is trained, by name, as copies that stay as they are."""
    return {name: weight.detach().cpu().clone() for name, weight in _trained(model)}


def put_adapter(model: Any, numbers: Numbers) -> None:
    with torch.no_grad():
        for name, weight in _trained(model):
            weight.copy_(numbers[name])


def save_adapter(model: Any, folder: Path) -> dict[str, Path]:
    """The adapter as PEFT saves one: the files that a conversion needs, by name."""
    model.save_pretrained(folder, save_embedding_layers=False)
    return {path.name: path for path in folder.iterdir() if path.suffix in (".json", ".safetensors")}


def _trained(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
