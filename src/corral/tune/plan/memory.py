"""How much memory a job takes, added up from the sizes of its network before anything is loaded.

The counts of numbers that one token leaves behind for the way back are those of transformers' decoders; the
sum was compared with measured peaks.
"""

from __future__ import annotations

from dataclasses import dataclass

from corral.gguf import GGUF

_FLOAT = 4
_HALF = 2
# 4 bits and the scales of their blocks.
_PACKED = 0.57
# A number of an adapter: itself, its gradient, two moments of AdamW, and the best one so far.
_ADAPTED = 5 * _FLOAT
# Python and torch by themselves; with kernels and buffers of the device.
_PROGRAM_CPU, _PROGRAM_CUDA = 550 << 20, 900 << 20
# For the way back through a block a token leaves behind so many numbers, in widths of the network and of its
# feed-forward part; and for each number of attention scores, where they are not computed on the fly.
_WIDTHS, _FFN_WIDTHS, _SCORES = 14, 5, 3
# In halves norms still count in 32 bits, and each adapter keeps its own copy of what goes into it: measured.
_HALF_WIDTHS = 17
# What the allocator of a device holds, by what is in use: an H100 held 28.8 GB where all adds up to 29.9.
_HELD = 1.12
# Blocks whose numbers are there beside the kept ones: those under way, and what the allocator keeps.
_UNDER_WAY, _AGAIN = 2, 5
# A logit, its probability and their gradients.
_LOGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of a network, in numbers. `adapted` is what a rank of 1 adds: in- and outputs of all linear layers."""

    parameters: int
    packable: int  # of them in linear layers of blocks
    adapted: int
    blocks: int
    width: int
    ffn_width: int
    heads: int
    vocabulary: int
    largest_tensor: int
    has_scores: bool  # attention that is computed step by step


def sizes_of(gguf: GGUF) -> Sizes:
    matrices = [t for t in gguf.tensors if t.name.startswith("blk.") and len(t.shape) == 2]
    return Sizes(
        parameters=gguf.parameter_count,
        packable=sum(tensor.num_elements for tensor in matrices),
        adapted=sum(sum(tensor.shape) for tensor in matrices),
        blocks=gguf.block_count,
        width=gguf.embedding_length,
        ffn_width=gguf.uint("feed_forward_length"),
        heads=gguf.head_count,
        vocabulary=max((t.shape[-1] for t in gguf.tensors if t.name == "token_embd.weight"), default=0),
        largest_tensor=max((tensor.num_elements for tensor in gguf.tensors), default=0),
        has_scores=gguf.architecture == "gemma2",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How the network is computed. `rows` of at most `length` tokens at once, `targets` of them learned."""

    on_cuda: bool
    is_half: bool
    is_packed: bool
    checkpointing: bool
    rank: int
    rows: int
    length: int
    targets: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at the worst moment, by what they are for."""

    weights: int
    adapter: int
    activations: int
    logits: int
    program: int

    @property
    def total(self) -> int:
        return self.weights + self.adapter + self.activations + self.logits + self.program


def memory_of(sizes: Sizes, run: Run) -> Memory:
    number = _HALF if run.is_half else _FLOAT
    packed = sizes.packable if run.is_packed else 0
    weights = int(packed * _PACKED) + (sizes.parameters - packed) * number
    if not run.on_cuda:  # where a tensor is unpacked before it is put into its place
        weights += sizes.largest_tensor * _FLOAT
    return Memory(
        weights=weights,
        adapter=sizes.adapted * run.rank * _ADAPTED,
        activations=_activations(sizes, run, number),
        logits=run.targets * sizes.vocabulary * _LOGITS * _FLOAT,
        program=_PROGRAM_CUDA if run.on_cuda else _PROGRAM_CPU,
    )


def _activations(sizes: Sizes, run: Run, number: int) -> int:
    tokens = run.rows * run.length
    widths = _HALF_WIDTHS if run.is_half else _WIDTHS
    block = tokens * (widths * sizes.width + _FFN_WIDTHS * sizes.ffn_width) * number
    if sizes.has_scores:
        block += run.rows * sizes.heads * run.length**2 * _SCORES * _FLOAT
    if run.on_cuda:
        block = int(block * _HELD)
    if run.checkpointing:  # only what goes into each block is kept; one at a time is computed again
        return sizes.blocks * tokens * sizes.width * number + _AGAIN * block
    return (sizes.blocks + _UNDER_WAY) * block
