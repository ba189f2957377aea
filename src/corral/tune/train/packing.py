"""QLoRA: the frozen linear layers of a network in 4 bits, by bitsandbytes."""

from __future__ import annotations

from typing import Any

import torch

from corral.errors import Unsupported


def pack(model: Any, device: torch.device) -> Any:
    """Put `model` on `device`, its linear layers but the output in NF4; products are in bfloat16.

    Raises Unsupported when bitsandbytes is missing.
    """
    try:
        import bitsandbytes
    except ImportError as error:
        raise Unsupported(
            "a base in 4 bits needs bitsandbytes",
            hint="pip install bitsandbytes, or set quantized_base to false",
        ) from error
    output = model.get_output_embeddings()
    for path, module in list(model.named_modules()):
        if isinstance(module, torch.nn.Linear) and module is not output:
            packed = bitsandbytes.nn.Linear4bit(
                module.in_features,
                module.out_features,
                bias=module.bias is not None,
                compute_dtype=torch.bfloat16,
                quant_type="nf4",
            )
            packed.weight = bitsandbytes.nn.Params4bit(
                module.weight.data, requires_grad=False, quant_type="nf4"
            )
            packed.bias = module.bias
            parent, _, leaf = path.rpartition(".")
            # Packed when it moves; the plain weights of this layer are free then, before the next layer's
            # turn.
            setattr(model.get_submodule(parent), leaf, packed.to(device))
    model.is_loaded_in_4bit = True  # PEFT asks
    return model.to(device)
