from __future__ import annotations

import pytest

from corral.cli.attachments import content_type, names_a_file, take_attachments
from corral.cli.errors import CommandError

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def test_an_existing_image_is_taken_out_of_the_prompt(tmp_path, capsys):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    assert take_attachments(f"what is on {path} ?") == ("what is on  ?", [PNG])
    assert capsys.readouterr().err == f"Added image '{path}'\n"


def test_quotes_and_escaped_spaces_belong_to_the_path(tmp_path, capsys):
    path = tmp_path / "my cat.PNG"
    path.write_bytes(PNG)
    escaped = str(path).replace(" ", "\\ ")
    assert take_attachments(f"'{escaped}' what is this") == ("what is this", [PNG])


def test_a_sound_is_taken_too(tmp_path, capsys):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    assert take_attachments(str(path))[1] == [b"RIFF\0\0\0\0WAVEfmt "]
    assert capsys.readouterr().err == f"Added audio '{path}'\n"


def test_a_path_that_is_no_file_stays_in_the_prompt():
    assert take_attachments("see /nowhere/a.png") == ("see /nowhere/a.png", [])


def test_a_file_that_is_no_image_is_refused(tmp_path, capsys):
    path = tmp_path / "a.png"
    path.write_bytes(b"hello")
    with pytest.raises(CommandError, match="invalid file type: text/plain; charset=utf-8"):
        take_attachments(str(path))
    expected = 'Couldn\'t process file: "invalid file type: text/plain; charset=utf-8"\n'
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"\0\1\2", "application/octet-stream"),
    ],
)
def test_a_kind_is_known_by_the_first_bytes(data, kind):
    assert content_type(data) == kind


def test_a_path_can_be_told_from_a_command():
    assert names_a_file("/tmp/a.png what is this")
    assert not names_a_file("/show info")
