"""Image and sound files that a prompt names. Source: cli.md 19.6."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from corral.cli.errors import CommandError

_CANDIDATE = re.compile(
    r"(?:[a-zA-Z]:)?(?:~/|\.{0,2}/|\\)[\S\\ ]+?\.(?i:jpg|jpeg|png|webp|wav)\b",
)
_ESCAPED = re.compile(r"\\([ ()\[\]{}$&;'\\*?~])")
_LIMIT = 100 << 20  # bytes


def take_attachments(prompt: str) -> tuple[str, list[bytes]]:
    """The prompt without the paths of existing files, and their contents in order.

    Names that are no files stay in the text. Raises CommandError when a file is not what its name says.
    """
    contents: list[bytes] = []
    for found in _CANDIDATE.findall(prompt):
        path = Path(_ESCAPED.sub(r"\1", found))
        try:
            path = path.expanduser()
            if not path.is_file():
                continue
            contents.append(_read(path))
        except (CommandError, OSError) as error:
            print(f'Couldn\'t process file: "{error}"', file=sys.stderr)
            raise
        kind = "audio" if path.suffix.lower() == ".wav" else "image"
        print(f"Added {kind} '{path}'", file=sys.stderr)
        prompt = prompt.replace(f"'{found}'", "").replace(found, "")
    return (prompt.strip() if contents else prompt), contents


def names_a_file(text: str) -> bool:
    """Whether a line that begins with a slash is the path of such a file rather than a command."""
    return _CANDIDATE.match(text) is not None


def _read(path: Path) -> bytes:
    if path.stat().st_size > _LIMIT:
        raise CommandError("file size exceeds maximum limit (100MB)")
    data = path.read_bytes()
    kind = content_type(data)
    if kind not in ("image/jpeg", "image/png", "image/webp", "audio/wave"):
        raise CommandError(f"invalid file type: {kind}")
    return data


def content_type(data: bytes) -> str:
    """The kind of a file by its first bytes, as far as it matters here."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"RIFF") and data[8:14] == b"WEBPVP":
        return "image/webp"
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return "audio/wave"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    is_text = not any(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in data[:512])
    return "text/plain; charset=utf-8" if is_text else "application/octet-stream"
