"""What an image or audio file is, from its first bytes. Nothing is decoded here.

Source: the specifications of the formats, section "header" of each; http-api.md 8.6.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from corral.errors import InvalidInput

# A decoded picture takes three bytes a pixel in the engine, and some engines keep it as floats too.
MAX_PIXELS = 100_000_000
MAX_SIDE = 65_500


@dataclass(frozen=True, slots=True)
class Media:
    """`kind` is the format's name in lower case; the size is in pixels, 0 for audio."""

    kind: str
    width: int = 0
    height: int = 0

    @property
    def is_audio(self) -> bool:
        return self.kind in _AUDIO


_AUDIO = ("wav", "mp3", "flac")


def is_audio(data: bytes) -> bool:
    """WAV, FLAC, or MP3 by its tag or the synchronisation bits of a frame; all else counts as an image."""
    return audio_kind(data) != ""


def audio_kind(data: bytes) -> str:
    """The format of an audio file, empty for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"fLaC":
        return "flac"
    is_frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] != 0xD8
    return "mp3" if data[:3] == b"ID3" or is_frame else ""


def inspect(data: bytes, name: str) -> Media:
    """What the file is. `name` is what errors call it.

    Raises InvalidInput for an unknown format, a damaged header, and a picture that is too large to decode.
    """
    if kind := audio_kind(data):
        return Media(kind)
    kind, measure = _format(data, name)
    try:
        width, height = measure(data)
    except (struct.error, IndexError, ValueError):
        raise InvalidInput(f"{name} is a damaged {kind.upper()} file: its size cannot be read") from None
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise InvalidInput(
            f"{name} is {width} x {height} pixels: at most {MAX_PIXELS // 1_000_000} million can be read"
        )
    return Media(kind, width, height)


def _format(data: bytes, name: str) -> tuple[str, Callable[[bytes], tuple[int, int]]]:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp", _webp
    for magic, (kind, measure) in _FORMATS.items():
        if data.startswith(magic):
            return kind, measure
    what = "is empty" if not data else "has an unknown format"
    raise InvalidInput(f"{name} {what}: images are PNG, JPEG, GIF, BMP or WebP, audio is WAV, MP3 or FLAC")


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return width, abs(height)  # a negative height means that the first line is the top one


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # the frame's header
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a length
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("unknown kind of WebP")


_FORMATS: Mapping[bytes, tuple[str, Callable[[bytes], tuple[int, int]]]] = {
    b"\x89PNG\r\n\x1a\n": ("png", _png),
    b"\xff\xd8\xff": ("jpeg", _jpeg),
    b"GIF87a": ("gif", _gif),
    b"GIF89a": ("gif", _gif),
    b"BM": ("bmp", _bmp),
}
