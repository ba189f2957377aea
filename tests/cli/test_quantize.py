from __future__ import annotations

import pytest

from corral.gguf import read_gguf
from tests.helpers.gguf_files import TENSORS, build_gguf
from tests.helpers.plain_checkpoint import checkpoint
from tests.helpers.scripted_server import Asked, Reply

DONE = Reply([{"status": "success"}])


def test_a_model_is_made_of_a_model_by_the_server(server, corral):
    server.on("POST", "/api/create", DONE)
    assert corral("quantize", "llama3.2:1b", "small", "q4_k").status == 0
    assert server.asked == [
        Asked("POST", "/api/create", {"model": "small", "from": "llama3.2:1b", "quantize": "Q4_K_M"})
    ]


@pytest.mark.slow
def test_a_file_is_made_of_a_file_without_a_server(server, corral, tmp_path):
    build_gguf(tmp_path / "a.gguf")
    outcome = corral("quantize", "a.gguf", "b.gguf", "q8_0")
    assert (outcome.status, outcome.out.startswith("wrote b.gguf (")) == (0, True)
    found = read_gguf(tmp_path / "b.gguf")
    assert {tensor.type_name for tensor in found.tensors} == {"F32", "Q8_0"}
    assert found.file_type_name == "Q8_0"
    assert server.asked == []
    assert {path.name for path in tmp_path.glob("*.gguf*")} == {"a.gguf", "b.gguf"}


@pytest.mark.slow
def test_a_file_is_made_of_a_checkpoint(corral, tmp_path):
    (tmp_path / "checkpoint").mkdir()
    for name, data in checkpoint().items():
        (tmp_path / "checkpoint" / name).write_bytes(data)
    assert corral("quantize", "checkpoint", "b.gguf", "q8_0").status == 0
    found = read_gguf(tmp_path / "b.gguf")
    assert (found.architecture, found.file_type_name) == ("llama", "Q8_0")


@pytest.mark.slow
def test_work_that_fails_leaves_the_target_as_it_was(corral, tmp_path):
    build_gguf(tmp_path / "a.gguf")
    (tmp_path / "b.gguf").write_bytes(b"mine")
    outcome = corral("quantize", "a.gguf", "b.gguf", "iq2_xxs", "--imatrix", "nothing")
    assert (outcome.status, outcome.err.splitlines()[-1]) == (
        1,
        "Error: quantization failed: no such file or directory",
    )
    assert (tmp_path / "b.gguf").read_bytes() == b"mine"
    assert list(tmp_path.glob(".b.gguf*")) == []


REFUSED = [
    (("a.gguf", "b.gguf", "q9"), "unsupported quantization type Q9 - supported types are F32"),
    (("none", "b.gguf", "q8_0"), "none does not exist"),
    (("a.gguf", "a.gguf", "q8_0"), "source and target are the same file"),
    (("small.gguf", "b.gguf", "q8_0"), "quantization is only supported for F16, BF16 and F32 models"),
    (("part.gguf", "b.gguf", "q8_0"), "part.gguf is one of 2 parts"),
    (("a.gguf", "model", "q8_0", "--imatrix", "i"), "--imatrix works for files"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_what_cannot_be_done_is_said_before_any_work(server, corral, tmp_path, words, message):
    build_gguf(tmp_path / "a.gguf")
    build_gguf(tmp_path / "small.gguf", metadata={"general.file_type": 7})
    build_gguf(tmp_path / "part.gguf", metadata={"split.count": 2, "split.no": 0}, tensors=TENSORS[:1])
    outcome = corral("quantize", *words)
    assert (outcome.status, server.asked) == (1, [])
    assert message in outcome.err.splitlines()[-1]
