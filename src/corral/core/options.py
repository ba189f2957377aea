"""Options: how one request generates, and which of them a load depends on. Source: http-api.md section 4.

`OPTIONS` is the one list of them. Model PARAMETERs and request options use the same names and rules.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from corral.errors import InvalidOption

log = logging.getLogger("corral.options")

Kind = Literal["integer", "float32", "boolean", "array"]


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option: the kind of its value, and whether a loaded runner depends on it (`load`)."""

    kind: Kind
    load: bool = False


OPTIONS: Mapping[str, OptionSpec] = {
    "num_ctx": OptionSpec("integer", load=True),
    "num_batch": OptionSpec("integer", load=True),
    "num_gpu": OptionSpec("integer", load=True),
    "main_gpu": OptionSpec("integer", load=True),
    "use_mmap": OptionSpec("boolean", load=True),
    "num_thread": OptionSpec("integer", load=True),
    "draft_num_predict": OptionSpec("integer", load=True),
    "num_keep": OptionSpec("integer"),
    "seed": OptionSpec("integer"),
    "num_predict": OptionSpec("integer"),
    "top_k": OptionSpec("integer"),
    "top_p": OptionSpec("float32"),
    "min_p": OptionSpec("float32"),
    "typical_p": OptionSpec("float32"),
    "repeat_last_n": OptionSpec("integer"),
    "temperature": OptionSpec("float32"),
    "repeat_penalty": OptionSpec("float32"),
    "presence_penalty": OptionSpec("float32"),
    "frequency_penalty": OptionSpec("float32"),
    "stop": OptionSpec("array"),
    # Ours: which adapters of the model apply, as NAME or NAME=SCALE.
    "adapters": OptionSpec("array"),
}

# Accepted in Modelfiles with a warning, ignored everywhere.
DEPRECATED_OPTIONS = frozenset(
    {
        "penalize_newline",
        "low_vram",
        "f16_kv",
        "logits_all",
        "vocab_only",
        "use_mlock",
        "mirostat",
        "mirostat_tau",
        "mirostat_eta",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The effective options of one request. None means that the value is chosen automatically."""

    num_ctx: int | None = None
    num_batch: int | None = None
    num_gpu: int = -1
    main_gpu: int | None = None
    use_mmap: bool | None = None
    num_thread: int = 0
    draft_num_predict: int | None = None
    num_keep: int = 4
    seed: int = -1
    num_predict: int = -1
    top_k: int = 40
    top_p: float = 0.9
    min_p: float = 0.0
    typical_p: float = 1.0
    repeat_last_n: int = 64
    temperature: float = 0.8
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop: tuple[str, ...] = ()
    adapters: tuple[str, ...] | None = None


def resolve_options(*layers: Mapping[str, object]) -> Options:
    """Options from several layers, the last one winning key by key.

    Unknown names are ignored (logged), None keeps the lower layer's value, ranges are not checked.
    Raises InvalidOption for a value of the wrong type.
    """
    values: dict[str, object] = {}
    for layer in layers:
        for name, value in layer.items():
            spec = OPTIONS.get(name)
            if spec is None:
                log.warning("invalid option provided: option=%s", name)
            elif value is not None:
                values[name] = check_option(name, value)
    return Options(**values)  # type: ignore[arg-type]  # check_option gave each its type


def check_option(name: str, value: object) -> int | float | bool | tuple[str, ...]:
    """`value` in the type that option `name` has. Raises InvalidOption."""
    kind = OPTIONS[name].kind
    if name == "adapters" and isinstance(value, Mapping):
        # JSON's own way to say it: scales by name.
        value = [f"{adapter}={scale}" for adapter, scale in value.items()]
    if kind == "array":
        return _strings(name, value)
    if kind == "boolean":
        if isinstance(value, bool):
            return value
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        # Whole options cut a fraction off: 1.9 means 1.
        return int(value) if kind == "integer" else float(value)
    raise InvalidOption(f'option "{name}" must be of type {kind}')


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise InvalidOption(f'option "{name}" must be of type array')
    if not all(isinstance(item, str) for item in value):
        raise InvalidOption(f'option "{name}" must be of an array of strings')
    return tuple(value)
