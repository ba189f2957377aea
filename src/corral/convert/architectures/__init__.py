"""The kinds of networks that can be converted, by the class that config.json names."""

from __future__ import annotations

from collections.abc import Mapping

from corral.convert.architectures.base import Architecture
from corral.convert.architectures.bert import BERT, NOMIC_BERT
from corral.convert.architectures.cohere import COMMAND_R
from corral.convert.architectures.gemma import GEMMA, GEMMA2, GEMMA3
from corral.convert.architectures.llama import GRANITE, LLAMA, MISTRAL, MIXTRAL, SMOLLM3
from corral.convert.architectures.olmo import OLMO2
from corral.convert.architectures.phi3 import PHI3
from corral.convert.architectures.qwen import QWEN2, QWEN3, QWEN3_MOE
from corral.convert.config import Config
from corral.errors import Unsupported

__all__ = ["ADAPTABLE", "CLASSES", "Architecture", "architecture_of"]

CLASSES: Mapping[str, Architecture] = {
    "LlamaForCausalLM": LLAMA,
    "MistralForCausalLM": MISTRAL,
    "MixtralForCausalLM": MIXTRAL,
    "GraniteForCausalLM": GRANITE,
    "SmolLM3ForCausalLM": SMOLLM3,
    "Qwen2ForCausalLM": QWEN2,
    "Qwen3ForCausalLM": QWEN3,
    "Qwen3MoeForCausalLM": QWEN3_MOE,
    "GemmaForCausalLM": GEMMA,
    "Gemma2ForCausalLM": GEMMA2,
    "Gemma3ForCausalLM": GEMMA3,
    "Gemma3ForConditionalGeneration": GEMMA3,
    "Phi3ForCausalLM": PHI3,
    "Olmo2ForCausalLM": OLMO2,
    "Olmo3ForCausalLM": OLMO2,
    "CohereForCausalLM": COMMAND_R,
    "BertModel": BERT,
    "BertForMaskedLM": BERT,
    "NomicBertModel": NOMIC_BERT,
}

# By the GGUF's name: the networks that adapters can be made for.
ADAPTABLE: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        LLAMA,
        GRANITE,
        SMOLLM3,
        QWEN2,
        QWEN3,
        QWEN3_MOE,
        GEMMA,
        GEMMA2,
        GEMMA3,
        PHI3,
        OLMO2,
        COMMAND_R,
    )
}


def architecture_of(config: Config) -> Architecture:
    """Raises Unsupported for a class that is not in the table."""
    names = config.items("architectures")
    if not names or not isinstance(names[0], str):
        raise Unsupported("unknown architecture")
    if names[0] not in CLASSES:
        raise Unsupported(f'unsupported architecture "{names[0][:200]}"')
    return CLASSES[names[0]]
