"""The network: a llama-shaped decoder on a flat row of tokens, without padding in its matrix products.

A step's dialogues are sorted by length and cut into groups; only attention sees the groups, as
(dialogues, length) blocks padded on the right. Causal attention never looks right, so padding needs no mask.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Shape:
    vocab_size: int = 3072
    width: int = 256
    num_blocks: int = 6
    num_heads: int = 4
    num_kv_heads: int = 2
    ffn_width: int = 768
    context_length: int = 2048
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_width(self) -> int:
        return self.width // self.num_heads

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


# (dialogues, length) of every group, in the order in which their tokens lie in the flat row
Groups = list[tuple[int, int]]


class Rope(nn.Module):
    """Rotary positions in halves: feature i turns together with feature i + head_width / 2."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        rates = shape.rope_base ** (-torch.arange(0, shape.head_width, 2).float() / shape.head_width)
        angles = torch.outer(torch.arange(shape.context_length).float(), rates)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        cos = self.cos[positions].to(x.dtype)[:, None, :]  # (num_tokens, 1, head_width / 2)
        sin = self.sin[positions].to(x.dtype)[:, None, :]
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.num_kv_heads * shape.head_width
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, kv_width, bias=False)
        self.v = nn.Linear(shape.width, kv_width, bias=False)
        self.o = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, positions: Tensor, groups: Groups, rope: Rope) -> Tensor:
        s = self.shape
        q = rope(self.q(x).view(-1, s.num_heads, s.head_width), positions)
        k = rope(self.k(x).view(-1, s.num_kv_heads, s.head_width), positions)
        v = self.v(x).view(-1, s.num_kv_heads, s.head_width)
        k, v = _for_all_heads(k, s.num_heads), _for_all_heads(v, s.num_heads)
        sizes = [rows * length for rows, length in groups]
        blocks = zip(q.split(sizes), k.split(sizes), v.split(sizes), groups, strict=True)
        return self.o(torch.cat([_attend(*block) for block in blocks]))


def _for_all_heads(x: Tensor, num_heads: int) -> Tensor:
    """Each key or value head repeated for its query heads; as a view, whose gradient is a plain sum."""
    num_tokens, num_kv_heads, width = x.shape
    shape = (num_tokens, num_kv_heads, num_heads // num_kv_heads, width)
    return x[:, :, None].expand(shape).reshape(num_tokens, num_heads, width)


def _attend(q: Tensor, k: Tensor, v: Tensor, group: tuple[int, int]) -> Tensor:
    """Causal attention within each dialogue of a group; heads are (rows * length, num_heads, head_width)."""
    rows, length = group
    q, k, v = (heads.view(rows, length, *heads.shape[1:]).transpose(1, 2) for heads in (q, k, v))
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return mixed.transpose(1, 2).reshape(rows * length, -1)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.norm_eps)
        self.attention = Attention(shape)
        self.ffn_norm = nn.RMSNorm(shape.width, eps=shape.norm_eps)
        self.gate = nn.Linear(shape.width, shape.ffn_width, bias=False)
        self.up = nn.Linear(shape.width, shape.ffn_width, bias=False)
        self.down = nn.Linear(shape.ffn_width, shape.width, bias=False)

    def forward(self, x: Tensor, positions: Tensor, groups: Groups, rope: Rope) -> Tensor:
        x = x + self.attention(self.attention_norm(x), positions, groups, rope)
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Decoder(nn.Module):
    """Token ids in, logits out; input and output share one embedding table."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab_size, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.num_blocks))
        self.norm = nn.RMSNorm(shape.width, eps=shape.norm_eps)
        self.rope = Rope(shape)
        self._start_weights()

    def _start_weights(self) -> None:
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                last = name.endswith(("o.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * self.shape.num_blocks) ** 0.5 if last else 0.02)

    def forward(self, tokens: Tensor, positions: Tensor, groups: Groups, wanted: Tensor) -> Tensor:
        """Logits at the flat indices `wanted` only: (num_wanted, vocab_size), in the weights' dtype."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, positions, groups, self.rope)
        return F.linear(self.norm(x[wanted]), self.embedding.weight)

    @torch.no_grad()
    def complete(self, prompt: list[int], stop: int, limit: int = 80) -> list[int]:
        """The greedy continuation, computed the slow and obvious way (no cache)."""
        tokens = list(prompt)
        while len(tokens) < len(prompt) + limit:
            row, positions = torch.tensor(tokens), torch.arange(len(tokens))
            logits = self(row, positions, [(1, len(tokens))], torch.tensor([len(tokens) - 1]))
            tokens.append(int(logits.argmax()))
            if tokens[-1] == stop:
                break
        return tokens[len(prompt) :]
