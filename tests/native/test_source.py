from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from corral.errors import BuildError, DigestMismatch, RegistryError
from corral.native import PINNED
from corral.native.source import Patch, check_digest, download, unpack

INDEX = "https://index.test/simple"
FILES = {
    "vendor/llama.cpp/CMakeLists.txt": "project(x)",
    "other.py": "",
    "vendor/llama.cpp/src/a.cpp": "int a;",
}


class Index:
    """Two addresses: the page of the package, and its file, which may be asked for in part."""

    def __init__(self, source, data, *, html=False):
        self.source, self.data, self.html = source, data, html
        self.ranges = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/simple/pack/":
            link = f"../../files/{self.source.file}"
            if self.html:
                return httpx.Response(200, html=f'<a href="{link}#sha256=abc">{self.source.file}</a>')
            page = {
                "files": [
                    {"filename": "pack-0.9.tar.gz", "url": "x"},
                    {"filename": self.source.file, "url": link},
                ]
            }
            kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
            return httpx.Response(200, json=page, headers=kind)
        if request.url.path == f"/files/{self.source.file}":
            begin = request.headers.get("range")
            self.ranges.append(begin)
            if begin is None:
                return httpx.Response(200, content=self.data)
            return httpx.Response(206, content=self.data[int(begin[6:-1]) :])
        return httpx.Response(404)

    def fetch(self, target):
        return list(download(self.source, INDEX, target, transport=httpx.MockTransport(self)))


@pytest.mark.parametrize("html", [False, True])
def test_the_file_is_found_on_the_page_of_the_index_and_fetched(make_source, tmp_path, html):
    source, data = make_source(FILES)
    target = tmp_path / source.file
    steps = Index(source, data, html=html).fetch(target)
    assert target.read_bytes() == data
    assert steps[-1] == (len(data), len(data))


def test_a_download_that_broke_off_is_gone_on_with(make_source, tmp_path):
    source, data = make_source(FILES)
    (tmp_path / f"{source.file}.part").write_bytes(data[:50])
    index = Index(source, data)
    index.fetch(tmp_path / source.file)
    assert index.ranges == ["bytes=50-"]
    assert (tmp_path / source.file).read_bytes() == data


def test_what_is_there_already_is_not_fetched_again(make_source, tmp_path):
    source, data = make_source(FILES)
    (tmp_path / source.file).write_bytes(data)
    index = Index(source, data)
    assert index.fetch(tmp_path / source.file) == []
    assert index.ranges == []


def test_another_file_of_the_same_name_is_refused_and_not_kept(make_source, tmp_path):
    source, data = make_source(FILES)
    with pytest.raises(DigestMismatch):
        Index(source, data + b"x").fetch(tmp_path / source.file)
    assert list(tmp_path.iterdir()) == []


def test_an_index_without_the_file_is_an_error_that_names_both(make_source, tmp_path):
    source, data = make_source(FILES)
    index = Index(source, data)
    index.source = PINNED
    with pytest.raises(RegistryError, match=r"https://index.test/simple/pack/ has no pack-1.0.tar.gz"):
        list(download(source, INDEX, tmp_path / "f", transport=httpx.MockTransport(index)))


def test_an_index_that_cannot_be_reached_is_an_error(make_source, tmp_path):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    source, _ = make_source(FILES)
    with pytest.raises(RegistryError, match="cannot be downloaded: no route"):
        list(download(source, INDEX, tmp_path / "f", transport=httpx.MockTransport(refuse)))


def test_only_the_engine_s_folder_is_unpacked(make_source, tmp_path):
    source, data = make_source(FILES)
    archive = tmp_path / source.file
    archive.write_bytes(data)
    check_digest(archive, source)
    unpack(archive, source, tmp_path / "tree")
    assert sorted(path.name for path in (tmp_path / "tree").rglob("*")) == ["CMakeLists.txt", "a.cpp", "src"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.file, "tree"]


def test_a_patch_is_applied_where_its_text_stands_once(make_source, tmp_path):
    source, data = make_source(FILES)
    archive = tmp_path / source.file
    archive.write_bytes(data)
    patched = replace(source, patches=(Patch("src/a.cpp", "int a;", "long a;"),))
    unpack(archive, patched, tmp_path / "tree")
    assert (tmp_path / "tree/src/a.cpp").read_text() == "long a;"
    with pytest.raises(BuildError, match=r"src/a\.cpp is not what it was"):
        unpack(archive, replace(source, patches=(Patch("src/a.cpp", "int b;", ""),)), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_an_archive_that_is_cut_leaves_no_tree(make_source, tmp_path):
    source, data = make_source(FILES | {"vendor/llama.cpp/b": "b" * 100_000})
    archive = tmp_path / source.file
    archive.write_bytes(data[:-100])
    with pytest.raises(BuildError, match="cannot be unpacked"):
        unpack(archive, source, tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == [source.file]
