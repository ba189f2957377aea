"""A stored key as the administration API and `corral keys list --json` show it."""

from __future__ import annotations

from typing import Any

from corral.core.units import local_time_text
from corral.keys.scopes import SCOPES
from corral.keys.table import KeyRow


def key_record(row: KeyRow) -> dict[str, Any]:
    """Limits as they were written, moments as RFC 3339; null where there is none."""
    key = row.key
    return {
        "name": key.name,
        "hint": key.hint,
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "rate": key.rate.text if key.rate else None,
        "tokens": key.tokens.text if key.tokens else None,
        "concurrency": key.concurrency or None,
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
        "usage": {
            "requests": row.requests,
            "prompt_tokens": row.prompt_tokens,
            "completion_tokens": row.completion_tokens,
            "last_used_at": _moment(row.last_used_at),
        },
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else local_time_text(seconds)
