"""From the names of a checkpoint to those of a GGUF file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corral.convert.architectures import Architecture
from corral.errors import Unsupported

_NUMBER = re.compile(r"(?<=\.)\d{1,6}(?=\.|$)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor goes: its module as in `Architecture.tensors`, its whole name, its expert."""

    module: str
    name: str
    expert: int | None = None


def place_of(name: str, architecture: Architecture) -> Place | None:
    """None for a tensor that the file does without. Raises Unsupported for one that nobody knows."""
    path, _, kind = _without_prefix(name, architecture).rpartition(".")
    pattern = _NUMBER.sub("*", path)
    module = architecture.tensors.get(pattern)
    if module is not None and kind in ("weight", "bias"):
        return _placed(module, kind, [int(number) for number in _NUMBER.findall(path)])
    if _is_inside(pattern, architecture.ignored) or is_left_out(name, architecture):
        return None
    raise Unsupported(f'tensor "{name[:200]}" has no place in the architecture {architecture.name}')


def is_left_out(name: str, architecture: Architecture) -> bool:
    """Whether a tensor belongs to a part that the conversion does without."""
    return _is_inside(name, architecture.left_out)


def _without_prefix(name: str, architecture: Architecture) -> str:
    for prefix in architecture.prefixes:
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            # One class keeps `model.` behind the prefix, another one puts the prefix behind it.
            return f"model.{rest}" if prefix.startswith("model.") else rest
    return name


def _placed(module: str, kind: str, numbers: list[int]) -> Place:
    block, expert = [*numbers, None, None][:2]
    return Place(module, f"{module.replace('*', str(block))}.{kind}", expert)


def _is_inside(path: str, modules: tuple[str, ...]) -> bool:
    return any(path == module or path.startswith(f"{module}.") for module in modules)
