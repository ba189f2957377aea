"""The progress records of pull, push and create, drawn as they come. Rules: cli.md sections 16 to 18."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corral.cli.output import print_json_line
from corral.cli.progress import Bar, Display


def print_records(records: Iterable[Mapping[str, Any]]) -> None:
    """For programs: each record as it came, on a line of stdout."""
    for record in records:
        print_json_line(record)


def show_records(records: Iterable[Mapping[str, Any]], display: Display, *, pulling: bool = False) -> None:
    """Consume the records of one request.

    A record with a digest moves that digest's bar; one without begins a spinner when its status is new.
    A bar is named after the record's status; `pulling` names it after the digest, and begins it only when
    something has arrived.
    """
    bars: dict[str, Bar] = {}
    status = ""
    for record in records:
        digest = str(record.get("digest") or "")
        done = int(record.get("completed") or 0)
        if digest and digest in bars:
            display.update(bars[digest], done)
        elif digest and (done or not pulling):
            label = _pull_label(digest) if pulling else str(record.get("status", ""))
            bars[digest] = display.bar(label, int(record.get("total") or 0))
            display.update(bars[digest], done)
        elif not digest and record.get("status", "") != status:
            status = str(record.get("status", ""))
            display.spinner(status)


def _pull_label(digest: str) -> str:
    return f"pulling {digest.removeprefix('sha256:')[:12]}:"
