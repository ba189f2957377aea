"""Tool names as a model may write them, where its format allows only identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SEPARATORS = re.compile(r"[ \-.]")
_UNUSUAL = re.compile(r"[^A-Za-z0-9_$]")


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """From each declared name to one that is an identifier; names that would collide are numbered.

    Space, `-` and `.` become `_`, other unusual characters go, a leading digit gets `_` before it.
    Source: http-api.md 11.5, harmony.
    """
    out: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        if name in out:
            continue
        base = _safe(name)
        safe, number = base, 2
        while safe in used:
            safe, number = f"{base}_{number}", number + 1
        used.add(safe)
        out[name] = safe
    return out


def _safe(name: str) -> str:
    text = _UNUSUAL.sub("", _SEPARATORS.sub("_", name))
    if not text:
        return "unnamed"
    return "_" + text if text[0].isdigit() else text
