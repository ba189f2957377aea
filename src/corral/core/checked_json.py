"""JSON from a disk or a network that is not ours: a value of the wanted shape, or one error."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from corral.errors import CorruptData

T = TypeVar("T")


def decode(data: bytes, shape: type[T], what: str, *, strict: bool = True) -> T:
    """`data` as a `shape`; unless `strict`, numbers may be written as texts.

    Raises CorruptData, which calls the data `what`.
    """
    try:
        return msgspec.json.decode(data, type=shape, strict=strict)
    # Texts that are no UTF-8 and nesting without end are not among msgspec's own errors.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptData(f"invalid {what}: {error}") from error
