from __future__ import annotations

import hashlib
from urllib.parse import quote

import pytest

from tests.helpers.scripted_server import Asked, Reply

DONE = Reply([{"status": "writing manifest"}, {"status": "success"}])
GATHERING = "gathering model components\n"


def test_everything_a_modelfile_says_is_sent(server, corral, tmp_path):
    (tmp_path / "Modelfile").write_text(
        "FROM base\nSYSTEM Be kind.\nTEMPLATE {{ .Prompt }}\nPARAMETER num_ctx 512\nPARAMETER stop a\n"
        "PARAMETER stop b\nLICENSE MIT\nMESSAGE user hi\nMESSAGE assistant hello\nRENDERER r\nPARSER p\n"
        "REQUIRES v0.14.0\nPARAMETER mirostat 1\n"
    )
    server.on("POST", "/api/create", DONE)
    outcome = corral("create", "new", "-q", "q8_0")
    assert outcome.out == "warning: parameter mirostat is deprecated\n"
    assert outcome.err == f"{GATHERING}writing manifest\nsuccess\n"
    assert server.asked[0].body == {
        "model": "new",
        "from": "base",
        "system": "Be kind.",
        "template": "{{ .Prompt }}",
        "parameters": {"num_ctx": 512, "stop": ["a", "b"]},
        "license": ["MIT"],
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}],
        "renderer": "r",
        "parser": "p",
        "requires": "0.14.0",
        "quantize": "q8_0",
    }


def test_a_local_file_is_uploaded_first(server, corral, tmp_path):
    digest = f"sha256:{hashlib.sha256(b'GGUF...').hexdigest()}"
    (tmp_path / "weights.gguf").write_bytes(b"GGUF...")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "My.file").write_text("FROM ../weights.gguf\n")
    server.on("POST", f"/api/blobs/{digest}", Reply(None, 201))
    server.on("POST", "/api/create", DONE)
    outcome = corral("create", "new", "--file", "sub/My.file")
    assert outcome.err == f"{GATHERING}copying file {digest} 100%\nwriting manifest\nsuccess\n"
    assert server.asked == [
        Asked("HEAD", f"/api/blobs/{digest}"),
        Asked("POST", f"/api/blobs/{digest}", b"GGUF..."),
        Asked("POST", "/api/create", {"model": "new", "files": {"weights.gguf": digest}}),
    ]


def test_a_file_of_the_same_file_system_is_shared_and_not_sent(server, corral, tmp_path):
    digest = hashlib.sha256(b"GGUF...").hexdigest()
    blobs = tmp_path / "a store" / "blobs"
    blobs.mkdir(parents=True)
    (tmp_path / "weights.gguf").write_bytes(b"GGUF...")
    (tmp_path / "Modelfile").write_text("FROM weights.gguf\n")
    missing = Reply(None, 404, {"corral-blobs": quote(str(blobs))})
    server.on("HEAD", f"/api/blobs/sha256:{digest}", missing, Reply())
    server.on("POST", "/api/create", DONE)
    corral("create", "new")
    assert [asked.method for asked in server.asked] == ["HEAD", "HEAD", "POST"]
    assert (blobs / f"sha256-{digest}").read_bytes() == b"GGUF..."


def test_a_folder_that_is_not_the_server_s_own_does_not_keep_a_file_from_it(server, corral, tmp_path):
    digest = hashlib.sha256(b"GGUF...").hexdigest()
    (tmp_path / "weights.gguf").write_bytes(b"GGUF...")
    (tmp_path / "Modelfile").write_text("FROM weights.gguf\n")
    server.on("HEAD", f"/api/blobs/sha256:{digest}", Reply(None, 404, {"corral-blobs": str(tmp_path)}))
    server.on("POST", f"/api/blobs/sha256:{digest}", Reply(None, 201))
    server.on("POST", "/api/create", DONE)
    corral("create", "new")
    assert [asked.method for asked in server.asked] == ["HEAD", "HEAD", "POST", "POST"]


def test_a_file_that_the_server_has_is_not_sent_again(server, corral, tmp_path):
    digest = f"sha256:{hashlib.sha256(b'GGUF...').hexdigest()}"
    (tmp_path / "weights.gguf").write_bytes(b"GGUF...")
    (tmp_path / "Modelfile").write_text("FROM base\nADAPTER weights.gguf\n")
    server.on("HEAD", f"/api/blobs/{digest}", Reply())
    server.on("POST", "/api/create", DONE)
    corral("create", "new")
    expected = {"model": "new", "from": "base", "adapters": {"weights.gguf": digest}}
    assert server.asked[1:] == [Asked("POST", "/api/create", expected)]


@pytest.mark.parametrize(
    ("text", "said", "message"),
    [
        ("SYSTEM x\n", "", "no FROM line"),
        ('FROM base\nSYSTEM """abc\n', "", "unexpected EOF"),
        ("FROM base\nPARAMETER num_ctx many\n", GATHERING, "invalid int value [many]"),
        ("FROM .\n", GATHERING, "no Modelfile or safetensors files found"),
        ("FROM base\nREQUIRES x\n", GATHERING, "requires must be a valid semver (e.g. 0.14.0)"),
    ],
)
def test_a_wrong_modelfile_is_refused_before_the_server_is_asked(
    server, corral, tmp_path, text, said, message
):
    (tmp_path / "Modelfile").write_text(text)
    outcome = corral("create", "new")
    assert (outcome.status, outcome.err) == (1, f"{said}Error: {message}\n")
    assert server.asked == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a b"], "invalid model name: a b"),
        (["new", "-f", "Other"], "the Modelfile 'Other' does not exist"),
        (["new", "--experimental"], "models of single tensors (--experimental) are not supported"),
    ],
)
def test_what_cannot_be_created_is_told(corral, words, message):
    assert corral("create", *words).err == f"Error: {message}\n"


def test_without_a_modelfile_the_folder_is_the_model(corral):
    assert corral("create", "new").err == f"{GATHERING}Error: no Modelfile or safetensors files found\n"


def test_a_draft_type_needs_a_draft(corral, tmp_path):
    (tmp_path / "Modelfile").write_text("FROM base\n")
    outcome = corral("create", "new", "--draft-quantize", "q4_0")
    assert outcome.err == f"{GATHERING}Error: --draft-quantize requires a DRAFT model\n"
