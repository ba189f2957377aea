"""The precision of products: in halves the adapter keeps 32 bits, and what goes into a product has 16."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def precision(model: Any, *, is_half: bool) -> AbstractContextManager[Any]:
    return torch.autocast(model.device.type, torch.bfloat16) if is_half else nullcontext()
