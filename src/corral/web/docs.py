"""The frame of the page about the API. No script runs on it, and nothing is loaded from anywhere else."""

from __future__ import annotations

from pathlib import Path

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def docs_page(content: str) -> bytes:
    """The page at `/docs` around `content`, which is HTML."""
    frame = (Path(__file__).parent / "docs.html").read_bytes()
    return frame.replace(b"{content}", content.encode(), 1)


def docs_headers() -> dict[str, str]:
    return {"content-type": "text/html; charset=utf-8", "content-security-policy": _POLICY}
