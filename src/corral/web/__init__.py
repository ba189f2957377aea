"""What a browser gets: static files that use only the public HTTP API. The server serves them."""

from __future__ import annotations

from importlib.resources import files

# Nothing may be loaded from anywhere else, and no script runs on this page.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def home_page() -> bytes:
    """The page at `/`."""
    return _file("index.html")


def docs_page(content: str) -> bytes:
    """The page at `/docs` around `content`, which is HTML."""
    return _file("docs.html").replace(b"{content}", content.encode(), 1)


def _file(name: str) -> bytes:
    return (files(__package__) / name).read_bytes()
