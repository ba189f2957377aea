"""Keys taken out of texts before they are written down."""

from __future__ import annotations

import re

REMOVED = "[removed]"
# Keys of Corral and of services that a request may mention.
_SECRET = re.compile(r"\b(corral|sk|hf|ghp)[-_][A-Za-z0-9_-]{16,}")


def without_secrets(text: str) -> str:
    return _SECRET.sub(REMOVED, text)
