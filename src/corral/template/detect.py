"""Which named template goes with the Jinja chat template of an imported model.

The reference compares with 37 published Jinja templates and takes the nearest one below a distance of 100
edits. Of each we know the length and the beginning of the digest, which is enough to recognise it when it is
used unchanged, as most models do. The texts of 27, as their makers published them, are in the folder `known`;
of these changed ones are found too.
Source: modelfile specification, section 14.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
from collections import Counter
from typing import Final

from corral.template.named import NAMED, NamedTemplate

MAX_DISTANCE: Final = 100

# Name, length in characters, first 16 hex digits of the SHA-256 of the UTF-8 text; in the reference's order.
FINGERPRINTS: Final[tuple[tuple[str, int, str], ...]] = (
    ("chatml", 441, "91aa728ae59c8e30"),
    ("chatml", 291, "58c1a1f04baa7ada"),
    ("zephyr", 410, "66291cf0045c2425"),
    ("chatml", 358, "3ce2fe9753f9a77a"),
    ("openchat", 222, "901b10d47195fadb"),
    ("chatml", 209, "a805e50fed68938a"),
    ("chatml", 196, "153280e3ff55d19d"),
    ("chatml", 328, "793202280c0910ab"),
    ("chatml", 327, "af9c0233881b083b"),
    ("zephyr", 306, "bf61473d7119388a"),
    ("mistral-instruct", 470, "26a59556925c9873"),
    ("starcoder2-instruct", 574, "6de66c5b4eb23df8"),
    ("llama2-chat", 813, "ea2472f29dbd93c3"),
    ("codellama-70b-instruct", 531, "75678d4630858651"),
    ("mistral-instruct", 477, "7e995b379ec01747"),
    ("chatml", 450, "e6f6e5c192657d16"),
    ("chatml", 306, "f42d04ffb2e487fa"),
    ("chatml", 629, "f02c534193010c4b"),
    ("chatml", 1842, "faf1f8b675beeabd"),
    ("alpaca", 1041, "993c0af704bad76a"),
    ("chatqa", 459, "8aeba567270fa9a8"),
    ("gemma-instruct", 591, "ecd6ae513fe103f0"),
    ("gemma3-instruct", 1532, "7de1c58e208eda46"),
    ("llama3-instruct", 389, "ba03a121d097859c"),
    ("llama3-instruct", 4614, "e10ca381b1ccc5cf"),
    ("granite-instruct", 376, "e84ee90c8a81a15d"),
    ("magicoder", 571, "230527c8a608cf3a"),
    ("alfred", 533, "071cfb2d4c797ad4"),
    ("llama2-chat", 815, "e8d5b5a546d3f19d"),
    ("phi-3", 254, "605841622bcb6572"),
    ("phi-3", 269, "268b6082ceb7176d"),
    ("phi-3", 218, "b0e53f5e7bae6fdb"),
    ("chatqa", 690, "cd3636885332999f"),
    ("falcon-instruct", 356, "2c575663fbb6c03a"),
    ("falcon-instruct", 340, "f6084d6ec1cb3238"),
    ("solar-instruct", 409, "b8e5e922a7a4ab5d"),
    ("command-r", 1204, "9db2cf47ce03bfd0"),
)


def detect(jinja_text: str) -> NamedTemplate | None:
    """The named template for this Jinja text, or None when no known one is near."""
    name = _exact(jinja_text) or _nearest(jinja_text)
    return NAMED[name] if name else None


def fingerprint(text: str) -> tuple[int, str]:
    """Length in characters and the first 16 hex digits of the digest."""
    return len(text), hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _exact(text: str) -> str | None:
    for variant in _spellings(text):
        mark = fingerprint(variant)
        for name, length, digest in FINGERPRINTS:
            if mark == (length, digest):
                return name
    return None


def _spellings(text: str) -> tuple[str, ...]:
    """The text and the changes that tools often make to it: line ends, who writes the first token."""
    text = text.replace("\r\n", "\n")
    bare = text.strip()
    without_start = bare.removeprefix("{{ bos_token }}").removeprefix("{{bos_token}}")
    return (text, text + "\n", bare, bare + "\n", without_start, "{{ bos_token }}" + without_start)


def _nearest(text: str) -> str | None:
    best, best_name = MAX_DISTANCE, None
    for name, known in known_texts():
        found = distance(text, known, best)
        if found < best:
            best, best_name = found, name
    return best_name


@functools.cache
def known_texts() -> tuple[tuple[str, str], ...]:
    """Name and text of each known template that we hold, in the order of the table."""
    folder = importlib.resources.files("corral.template") / "known"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".jinja")), key=lambda f: f.name)
    return tuple((file.name[3:].removesuffix(".jinja"), file.read_bytes().decode()) for file in files)


def distance(one: str, other: str, limit: int) -> int:
    """Levenshtein distance over characters, or `limit` when it is not smaller.

    Only the diagonals within `limit` are looked at, so the time is the length times the limit.
    """
    one, other = _without_common_ends(one, other)
    if _least_distance(one, other) >= limit:
        return limit
    row = list(range(min(len(other), limit) + 1)) + [limit] * max(0, len(other) - limit)
    for index, character in enumerate(one, start=1):
        row = _next_row(row, index, character, other, limit)
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)


def _least_distance(one: str, other: str) -> int:
    """How many edits it takes at least: each character in excess on one side needs one."""
    ours, theirs = Counter(one), Counter(other)
    return max((ours - theirs).total(), (theirs - ours).total())


def _without_common_ends(one: str, other: str) -> tuple[str, str]:
    start, shorter = 0, min(len(one), len(other))
    while start < shorter and one[start] == other[start]:
        start += 1
    end = 0
    while end < shorter - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return one[start : len(one) - end], other[start : len(other) - end]


def _next_row(row: list[int], index: int, character: str, other: str, limit: int) -> list[int]:
    """Distances of the first `index` characters to every beginning of the other text."""
    first, last = max(1, index - limit), min(len(other), index + limit)
    following = [limit] * len(row)
    if first == 1:
        following[0] = min(index, limit)
    for column in range(first, last + 1):
        following[column] = min(
            row[column] + 1,
            following[column - 1] + 1,
            row[column - 1] + (character != other[column - 1]),
        )
    return following
