"""What the query of a request asks for."""

from __future__ import annotations

from starlette.requests import Request

from corral.errors import InvalidInput


def is_asked(request: Request, name: str) -> bool:
    """Whether a switch such as `?verbose=1` is on."""
    return request.query_params.get(name, "") not in ("", "0", "false")


def asked_number(request: Request, name: str, default: int, *, most: int) -> int:
    """A whole number from 0 on; what is above `most` means `most`. Raises InvalidInput."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f'{name} must be a whole number, not "{text}"')
    return min(int(text[:19]), most)
