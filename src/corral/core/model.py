"""A model as the rest of the program sees it: everything that its manifest says, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from corral.core.manifest import Manifest, ModelConfig
from corral.core.messages import Message
from corral.core.names import ModelName


class PromptMode(Enum):
    """Who builds the prompt and reads the answer. Source: http-api.md 11.1."""

    NATIVE = "native"  # the engine, with the chat template inside the GGUF (or its ChatML)
    TEMPLATE = "template"  # we, with the model's TEMPLATE
    FAMILY = "family"  # we, with a built-in renderer and/or parser
    HARMONY = "harmony"  # we, with the TEMPLATE, and the built-in harmony parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Facts read from the header of the weights file; 0 or empty where the file does not say.

    `num_kv_heads` is the smallest and `num_heads` the largest over all blocks (memory prediction).
    """

    architecture: str = "unknown"
    parameter_count: int = 0
    file_type: int | None = None
    num_blocks: int = 0
    context_length: int = 0
    embedding_length: int = 0
    num_heads: int = 0
    num_kv_heads: int = 0
    key_length: int = 0
    value_length: int = 0
    chat_template: str = ""
    is_embedding: bool = False  # has <arch>.pooling_type
    is_reranker: bool = False  # its <arch>.pooling_type is that of a classifier
    has_vision: bool = False  # has <arch>.vision.block_count
    has_audio: bool = False  # has <arch>.audio.block_count
    add_bos: bool | None = None
    add_eos: bool | None = None
    normalize_embeddings: bool | None = None
    tokenizer: str = ""
    file_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model in the store. Paths are absolute; `digest` is the SHA-256 of its manifest in hex."""

    name: ModelName
    digest: str
    manifest: Manifest
    config: ModelConfig
    size: int
    modified_at: float
    weights: Path | None = None
    adapters: tuple[Path, ...] = ()
    adapter_names: tuple[str, ...] = ()  # in the same order; empty texts where they have none
    projectors: tuple[Path, ...] = ()
    draft: Path | None = None
    template: str | None = None
    system: str = ""
    licenses: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    network: Network = Network()
    capabilities: tuple[str, ...] = ()
    mode: PromptMode = PromptMode.NATIVE
    # The template that `mode` selected, as show prints it; None when the model has none of either kind.
    selected_template: str | None = None

    @property
    def is_remote(self) -> bool:
        """A stub for a model that another server runs."""
        return bool(self.config.remote_host or self.config.remote_model)

    @property
    def family(self) -> str:
        return self.config.model_family or self.network.architecture

    @property
    def parser(self) -> str:
        """The built-in output parser, or empty."""
        return "harmony" if self.mode is PromptMode.HARMONY else self.config.parser

    def can(self, capability: str) -> bool:
        return capability in self.capabilities
