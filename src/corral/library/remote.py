"""Stubs: models that another server runs. Source: http-api.md 5.11 (`remote_host` forms) and 16."""

from __future__ import annotations

from urllib.parse import urlsplit

from corral.errors import InvalidInput

CLOUD_HOST = "https://ollama.com:443"
_DEFAULT_PORT = 11434


def remote_url(text: str) -> str:
    """A complete address from what a request gives. Raises InvalidInput.

    `/path` is on this machine; a missing scheme is http, a missing port 11434.
    """
    if text == "ollama.com":
        return CLOUD_HOST
    if text.startswith("/"):
        return f"http://localhost:{_DEFAULT_PORT}{text}"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or _DEFAULT_PORT
    except ValueError as error:
        raise InvalidInput("bad remote") from error
    if not parts.hostname or any(char.isspace() for char in text):
        raise InvalidInput("bad remote")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path}"
