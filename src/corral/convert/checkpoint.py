"""A checkpoint of safetensors files with what lies beside them, opened by the names the files had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corral.convert.config import Config, decode
from corral.convert.safetensors import StoredTensor, read_table
from corral.errors import CorruptData, InvalidInput

_MAX_TEXT = 256 << 20  # bytes: the largest tokenizers have some 30 MB


class Checkpoint:
    """`files` maps relative names, such as `tokenizer.json`, to paths. Nothing is read unasked."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def read(self, name: str) -> bytes | None:
        """The content of the file of that name; None where there is none."""
        path = self._files.get(name)
        if path is None:
            return None
        if path.stat().st_size > _MAX_TEXT:
            raise CorruptData(f"{name} has more than {_MAX_TEXT} bytes")
        return path.read_bytes()

    def json(self, name: str) -> dict[str, Any] | None:
        data = self.read(name)
        return None if data is None else decode(data, name)

    def config(self, name: str) -> Config:
        """The JSON of that name; empty where there is none."""
        return Config(self.json(name) or {}, name)

    def required(self, name: str) -> Config:
        """Raises InvalidInput when the file is missing."""
        values = self.json(name)
        if values is None:
            raise InvalidInput(f"open {name}: no such file or directory")
        return Config(values, name)

    def tensors(self) -> dict[str, StoredTensor]:
        """All tensors of all files, by name. Raises CorruptData when two have the same."""
        found: dict[str, StoredTensor] = {}
        for name in sorted(self._files):
            if not name.endswith(".safetensors"):
                continue
            for tensor in read_table(self._files[name], name):
                if tensor.name in found:
                    raise CorruptData(f"duplicate tensor name '{tensor.name}' was found for this model")
                found[tensor.name] = tensor
        self._check_complete(found)
        return found

    def _check_complete(self, found: Mapping[str, StoredTensor]) -> None:
        """Raises InvalidInput when a file of several is missing."""
        parts = self.config("model.safetensors.index.json").section("weight_map").values
        missing = sorted({str(file) for name, file in parts.items() if name not in found})
        if missing:
            raise InvalidInput(f"open {missing[0]}: no such file or directory")
