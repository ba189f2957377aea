"""GGUF files of the parity suite with other metadata."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from gguf import GGUFReader, TokenType


def with_control_tokens(source: Path, target: Path, tokens: Iterable[str]) -> Path:
    """A copy in which these tokens are control tokens, as the tags of many families are; returns `target`.

    The engine leaves control tokens out of the text unless it is told to show them.
    """
    shutil.copyfile(source, target)
    reader = GGUFReader(target, "r+")
    names = reader.fields["tokenizer.ggml.tokens"].contents()
    types = reader.fields["tokenizer.ggml.token_type"]
    for token in tokens:
        types.parts[types.data[names.index(token)]][0] = TokenType.CONTROL
    reader.data.flush()
    return target


def with_opening_token(source: Path, target: Path) -> Path:
    """A copy to whose prompts the engine adds `<|endoftext|>` in front; returns `target`."""
    shutil.copyfile(source, target)
    reader = GGUFReader(target, "r+")
    field = reader.fields["tokenizer.ggml.add_bos_token"]
    field.parts[field.data[0]][0] = True
    reader.data.flush()
    return target
