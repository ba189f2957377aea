"""What goes between the server and the child that converts: one job in, steps out."""

from __future__ import annotations

from typing import Literal

import msgspec


class Job(msgspec.Struct, frozen=True):
    """The first line on the child's stdin. `file_type` is a name such as `Q4_K_M`."""

    source: str
    file_type: str
    num_threads: int


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """So many bytes of the source file are done."""

    completed: int


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The whole file is written: its SHA-256 as 64 hex digits, its size in bytes."""

    sha256: str
    size: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Nothing usable was written; `kind` says which error the parent is to raise."""

    kind: Literal["storage", "corrupt", "unsupported"]
    message: str


Step = Progress | Finished | Failed
