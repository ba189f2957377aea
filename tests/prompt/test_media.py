import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.errors import InvalidInput
from corral.prompt import Media, inspect
from tests.helpers.files import picture, tone

PNG = picture()
STARTS = st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF....WEBPVP8 ", b""])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (40, 30), (700, 3)])
def test_the_size_of_a_picture_is_read_from_its_header(kind, size):
    assert inspect(picture(kind, size), "image 1") == Media(kind.lower(), *size)


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (b"VP8X" + bytes(8) + b"\x27\0\0\x1d\0\0", (40, 30)),
        (b"VP8L" + bytes(5) + struct.pack("<I", 39 | 29 << 14), (40, 30)),
        (b"VP8 " + bytes(10) + struct.pack("<HH", 40, 30), (40, 30)),
    ],
)
def test_all_kinds_of_webp_are_known(head, size):
    assert inspect(b"RIFF\0\0\0\0WEBP" + head + bytes(8), "image 1") == Media("webp", *size)


@pytest.mark.parametrize(
    ("data", "kind"), [(tone(), "wav"), (b"ID3\4", "mp3"), (b"\xff\xfb\x90", "mp3"), (b"fLaC", "flac")]
)
def test_audio_is_told_by_its_first_bytes(data, kind):
    found = inspect(data, "image 1")
    assert (found.kind, found.is_audio) == (kind, True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "image 3 is empty: images are PNG, JPEG, GIF, BMP or WebP, audio is WAV, MP3 or FLAC"),
        (b"<svg/>", "image 3 has an unknown format: images are PNG"),
        (PNG[:20], "image 3 is a damaged PNG file"),
        (picture("JPEG")[:30], "image 3 is a damaged JPEG file"),
        (
            PNG[:16] + struct.pack(">II", 60_000, 60_000),
            "image 3 is 60000 x 60000 pixels: at most 100 million",
        ),
        (PNG[:16] + struct.pack(">II", 0, 30), "image 3 is 0 x 30 pixels"),
        (PNG[:16] + struct.pack(">II", 70_000, 1), "image 3 is 70000 x 1 pixels"),
    ],
)
def test_what_no_engine_should_see_is_refused_with_the_reason(data, message):
    with pytest.raises(InvalidInput) as caught:
        inspect(data, "image 3")
    assert caught.value.message.startswith(message)


@given(STARTS, st.binary(max_size=80))
def test_any_bytes_are_a_known_file_or_refused(start, rest):
    try:
        found = inspect(start + rest, "image 1")
    except InvalidInput:
        return
    assert found.is_audio or found.width * found.height > 0
