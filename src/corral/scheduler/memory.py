"""How much memory a load will take, told before the child starts.

The engine touches its whole context cache while it loads, and where memory ends the kernel kills: no
exception comes. So the sizes are added up here first. Source: store.md 14.2, and measured sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

from corral.core.model import Network

MIB = 1 << 20
GIB = 1 << 30

# Bytes of one element of the context cache; quantized types are blocks of 32 with their scales.
KV_ELEMENT_BYTES = {
    "": 2.0,
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}
# GGUF file types whose weights the engine lays out a second time for the vector units of a CPU
# (Q4_0, Q4_K_S, Q4_K_M, IQ4_NL), and the share of the file that this takes again.
_REPACKED_FILE_TYPES = frozenset({2, 14, 15, 25})
_REPACKED_SHARE = 0.75
# An engine that uses AMX does so with more types (Q4_0, Q4_1, Q8_0, Q4_K, Q5_K, Q6_K, IQ4_XS) and nearly all.
_TILED_FILE_TYPES = frozenset({2, 3, 7, 14, 15, 16, 17, 18, 30})
_TILED_SHARE = 1.0
CONTEXT_STEP = 256
_PROCESS_BYTES = 32 * MIB
# The table in which the engine looks up what followed the same tokens before.
LOOKUP_BYTES = 16 * MIB
_MAX_VOCABULARY = 160_000
_ACTIVATIONS_PER_TOKEN = 24  # rows of embedding length that a block holds at once
_UNKNOWN_COMPUTE_BYTES = 300 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """Predicted bytes of one runner, by purpose; `cache` is what it may spend on kept prompts later."""

    weights: int = 0
    extras: int = 0
    context: int = 0
    compute: int = 0
    repack: int = 0
    cache: int = 0

    @property
    def total(self) -> int:
        return self.at_load + self.cache

    @property
    def at_load(self) -> int:
        """What it takes once the model is loaded; kept prompts come later, and stay in system memory."""
        return self.weights + self.extras + self.context + self.compute + self.repack


def can_repack(network: Network, *, amx: bool) -> bool:
    return repack_bytes(network, 1 << 20, amx=amx) > 0


def repack_bytes(network: Network, weights_size: int, *, amx: bool) -> int:
    """The second copy of the weights that an engine makes, which uses AMX or does not."""
    if amx and network.file_type in _TILED_FILE_TYPES:
        return int(weights_size * _TILED_SHARE)
    return int(weights_size * _REPACKED_SHARE) if network.file_type in _REPACKED_FILE_TYPES else 0


def context_bytes(network: Network, num_ctx: int, num_slots: int, kv_cache_type: str = "") -> int:
    """Keys and values of every token of all slots; the engine rounds a window up to steps of 256 tokens."""
    window = -(-num_ctx // CONTEXT_STEP) * CONTEXT_STEP
    head = network.embedding_length // network.num_heads if network.num_heads else 0
    row = (network.key_length or head) + (network.value_length or head)
    elements = network.num_blocks * (network.num_kv_heads or 1) * row * window * num_slots
    return int(elements * KV_ELEMENT_BYTES.get(kv_cache_type, 2.0))


def compute_bytes(network: Network, num_batch: int) -> int:
    """The work buffers of one batch: its logits and activations in 32 bits, and the process itself."""
    if not network.embedding_length or not network.parameter_count:
        return _UNKNOWN_COMPUTE_BYTES + _PROCESS_BYTES
    # The header facts at hand do not hold the vocabulary; its embedding is at most all there is.
    vocabulary = min(_MAX_VOCABULARY, network.parameter_count // network.embedding_length)
    row = vocabulary + _ACTIVATIONS_PER_TOKEN * network.embedding_length
    return num_batch * row * 4 + _PROCESS_BYTES
