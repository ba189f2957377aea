"""What a dialect says of one of its routes, for the description of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`body` is the shape of a JSON body, or a JSON Schema of one of `body_type`; None: there is no body.

    `answer` and `stream` are the content types of a whole and of a streamed answer; empty: there is none.
    """

    method: str
    path: str
    summary: str
    body: type[msgspec.Struct] | Mapping[str, Any] | None = None
    body_type: str = JSON
    required: tuple[str, ...] = ()
    example: Mapping[str, Any] | None = None
    answer: str = JSON
    stream: str = ""
