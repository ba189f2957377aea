"""Pictures and sounds, made on the spot."""

from __future__ import annotations

import io
import math
import struct
import wave

from PIL import Image


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), color: str = "red") -> bytes:
    """A file in a format that Pillow writes, all of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, kind)
    return out.getvalue()


def tone(hertz: int = 440, seconds: float = 0.5) -> bytes:
    """A WAV file, 16 kHz, one channel."""
    values = (int(20_000 * math.sin(math.tau * hertz * at / 16_000)) for at in range(int(16_000 * seconds)))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"".join(struct.pack("<h", value) for value in values))
    return out.getvalue()
