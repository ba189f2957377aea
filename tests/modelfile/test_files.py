from pathlib import Path

import pytest

from corral.errors import ModelfileError, StorageError
from corral.modelfile import LocalParts, collect_files, local_parts, parse, relative_names, resolve_path

ZIP = b"PK\x03\x04zip"
BINARY = b"\x00\x01binary"
JSON = b'{"a": 1}'


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"model.safetensors": b"", "m.gguf": BINARY}, {"model.safetensors"}),
        (
            {"model-1.safetensors": b"", "sub/model.safetensors": b"", "a/b/model.safetensors": b""},
            {"model-1.safetensors", "sub/model.safetensors"},
        ),
        ({"consolidated.safetensors": b"", "m.bin": BINARY}, {"consolidated.safetensors"}),
        ({"pytorch_model.bin": ZIP, "consolidated.pth": ZIP}, {"pytorch_model.bin"}),
        ({"pytorch_model.bin": b"text", "consolidated.pth": ZIP}, {"consolidated.pth"}),
        ({"a.gguf": BINARY, "b.gguf": BINARY, "c.bin": BINARY}, {"a.gguf", "b.gguf"}),
        ({"a.gguf": b"version https://git-lfs\n", "c.bin": BINARY}, {"c.bin"}),
        (
            {"a.gguf": BINARY, "config.json": JSON, "1/x.json": JSON, "1/2/y.json": JSON, "z.txt": b""},
            {"a.gguf", "config.json", "1/x.json"},
        ),
        (
            {"model.safetensors": b"", "chat_template.jinja": b"{{ x }}", "tokenizer.model": BINARY},
            {"model.safetensors", "chat_template.jinja", "tokenizer.model"},
        ),
        (
            {"model.safetensors": b"", "t/tokenizer.model": BINARY},
            {"model.safetensors", "t/tokenizer.model"},
        ),
        (
            {"model.safetensors": b"", "tokenizer.model": BINARY, "t/tokenizer.model": BINARY},
            {"model.safetensors", "tokenizer.model"},
        ),
    ],
)
def test_a_folder_contributes_its_known_files(tmp_path: Path, files, expected):
    found = collect_files(fill(tmp_path, files))
    assert {path.relative_to(tmp_path).as_posix() for path in found} == expected


def test_a_file_contributes_itself(tmp_path: Path):
    fill(tmp_path, {"x.txt": b""})
    assert collect_files(tmp_path / "x.txt") == [tmp_path / "x.txt"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"readme.txt": b""}, "no Modelfile or safetensors files found"),
        ({"a.gguf": b"a pointer, not weights"}, "no Modelfile or safetensors files found"),
        (
            {"a.gguf": BINARY, "config.json": BINARY},
            "invalid content type: expected application/octet-stream for {}/config.json",
        ),
        (
            {"a.gguf": BINARY, "config.json": b"<!DOCTYPE html><p>Not found"},
            "invalid content type: expected text/html for {}/config.json",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, files, message: str):
    with pytest.raises(ModelfileError) as caught:
        collect_files(fill(tmp_path, files))
    assert caught.value.message == message.format(tmp_path)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("out.safetensors", ""),
        (
            ".cache/out.safetensors",
            "\n\nUse --local-dir <dir> when downloading model to disable caching",
        ),
    ],
)
def test_a_link_must_not_leave_the_folder(tmp_path: Path, target: str, hint: str):
    fill(tmp_path, {target: b""})
    inside = fill(tmp_path / "in", {"config.json": JSON})
    (inside / "model.safetensors").symlink_to(tmp_path / target)
    with pytest.raises(ModelfileError) as caught:
        collect_files(inside)
    assert caught.value.message == f"insecure path: ../{target}{hint}"


def test_a_link_inside_the_folder_keeps_its_name(tmp_path: Path):
    fill(tmp_path, {"blobs/1": BINARY})
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "blobs" / "1")
    assert collect_files(tmp_path) == [tmp_path / "model.safetensors"]


def test_a_dangling_link_is_a_storage_error(tmp_path: Path):
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "absent")
    with pytest.raises(StorageError):
        collect_files(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/abs/m", "/abs/m"),
        ("m.gguf", "/dir/m.gguf"),
        ("../m", "/dir/../m"),
        ("~/m", "/home/me/m"),
        ("~", "/home/me"),
    ],
)
def test_paths_are_relative_to_the_modelfile(monkeypatch, text: str, expected: str):
    monkeypatch.setenv("HOME", "/home/me")
    assert resolve_path(text, Path("/dir")) == Path(expected)


def test_the_home_of_nobody_is_refused():
    with pytest.raises(ModelfileError, match="failed to find user 'no-such-user-here'"):
        resolve_path("~no-such-user-here/m", Path("/dir"))


def test_names_are_relative_to_the_deepest_shared_folder(tmp_path: Path):
    one, two, three = (tmp_path / name for name in ("a/b/1", "a/b/2", "a/c/3"))
    assert relative_names([one]) == {"1": one}
    assert relative_names([one, two]) == {"1": one, "2": two}
    assert relative_names([one, three]) == {"b/1": one, "c/3": three}
    assert relative_names([]) == {}


def test_a_from_that_does_not_exist_is_a_model_name(tmp_path: Path):
    assert local_parts(parse("FROM llama3.2"), tmp_path) == LocalParts(base="llama3.2")
    assert local_parts(parse("FROM " + "x" * 5000), tmp_path).base == "x" * 5000


def test_the_parts_of_a_modelfile_are_found(tmp_path: Path):
    fill(tmp_path, {"m.gguf": BINARY, "p.gguf": BINARY, "lora/x.gguf": BINARY, "d.gguf": BINARY})
    text = "FROM m.gguf\nFROM ./p.gguf\nADAPTER lora\nDRAFT d.gguf"
    assert local_parts(parse(text), tmp_path) == LocalParts(
        files={"m.gguf": tmp_path / "m.gguf", "p.gguf": tmp_path / "p.gguf"},
        adapters={"x.gguf": tmp_path / "lora/x.gguf"},
        drafts={"d.gguf": tmp_path / "d.gguf"},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM m.gguf\nADAPTER absent", "stat {}/absent: no such file or directory"),
        ("FROM m.gguf\nDRAFT absent", "stat {}/absent: no such file or directory"),
        (
            "FROM m.gguf\nDRAFT ./m.gguf",
            "DRAFT must not reference the same local path as FROM: ./m.gguf",
        ),
    ],
)
def test_parts_that_make_no_sense_are_refused(tmp_path: Path, text: str, message: str):
    fill(tmp_path, {"m.gguf": BINARY})
    with pytest.raises(ModelfileError) as caught:
        local_parts(parse(text), tmp_path)
    assert caught.value.message == message.format(tmp_path)
