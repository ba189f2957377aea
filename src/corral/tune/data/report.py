"""What was found in the data: shown in the terminal, the API and the browser before anything is trained."""

from __future__ import annotations

import msgspec


class FileFound(msgspec.Struct, frozen=True, kw_only=True):
    """One file of examples. `format` is one of the names that `Spec.format` may have."""

    path: str
    format: str
    rows: int
    bytes: int
    sha256: str


class DropReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why rows were left out, how many, and where the first of them stand (`file:line`)."""

    reason: str
    rows: int
    places: tuple[str, ...]


class Lengths(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of the sequences, before any was cut."""

    min: int = 0
    median: int = 0
    p95: int = 0
    max: int = 0


class Span(msgspec.Struct, frozen=True, array_like=True):
    """A piece of a rendered row: [text, trained]."""

    text: str
    trained: bool


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence of one of the first rows as the model sees it; a row may have several."""

    place: str
    spans: tuple[Span, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are from 0 to 1. `notes` are sentences for the user: what was cut, left out, assumed."""

    files: tuple[FileFound, ...]
    rows: int  # read
    used: int
    train_rows: int
    held_out_rows: int
    sequences: int
    dropped: tuple[DropReason, ...] = ()
    duplicates: int = 0  # rows that are the same as an earlier one
    lengths: Lengths = Lengths()
    max_length: int = 0
    over_long: int = 0  # sequences that were longer than max_length
    over_long_share: float = 0.0
    tokens: int = 0
    trained_tokens: int = 0
    trained_share: float = 0.0
    reasoned: int = 0  # rows that are learnt behind the base's own reasoning too
    template: str = ""  # who renders: native, template, family, harmony
    samples: tuple[Sample, ...] = ()
    notes: tuple[str, ...] = ()
