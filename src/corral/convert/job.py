"""What goes between the server and the child that converts: one job in, steps out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec


class Quantize(msgspec.Struct, frozen=True, tag="quantize"):
    """A GGUF file of other types. `file_type` is a name such as `Q4_K_M`; `imatrix` a path, or empty."""

    source: str
    file_type: str
    num_threads: int
    imatrix: str = ""


class Convert(msgspec.Struct, frozen=True, tag="convert"):
    """A checkpoint as a GGUF file. `files` maps relative names to paths; `file_type` may be empty."""

    files: Mapping[str, str]
    file_type: str
    num_threads: int


class ConvertAdapter(msgspec.Struct, frozen=True, tag="adapter"):
    """A LoRA adapter as a GGUF file for the model in the GGUF file `base`."""

    files: Mapping[str, str]
    base: str


Job = Quantize | Convert | ConvertAdapter


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """So many bytes of the source are done, of `total`."""

    completed: int
    total: int


class Note(msgspec.Struct, frozen=True, tag="note"):
    """Something about the result that the user should know."""

    text: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The whole file is written: its SHA-256 as 64 hex digits, its size in bytes."""

    sha256: str
    size: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Nothing usable was written; `kind` says which error the parent is to raise."""

    kind: Literal["storage", "corrupt", "unsupported", "invalid"]
    message: str


Step = Progress | Note | Finished | Failed
