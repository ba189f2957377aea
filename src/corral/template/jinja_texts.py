"""Published Jinja chat templates, for finding models whose own template differs from one by a few edits."""

from __future__ import annotations

from typing import Final

JINJA_TEXTS: Final[tuple[str, ...]] = ()
