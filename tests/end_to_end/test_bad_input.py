"""What a client can send that is wrong: one clear error each, and the server goes on."""

import hashlib
import json
import socket

import pytest

from tests.helpers import hostile
from tests.helpers.questions import ANSWER, chat
from tests.helpers.server import wait_until

pytestmark = pytest.mark.slow

HOSTILE = hostile.hostile_files()


def answers(server):
    """The server still does its work."""
    return server.post("/api/chat", chat(stream=False))["message"]["content"] == ANSWER


def upload(server, data):
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    status, _ = server.request("POST", f"/api/blobs/{digest}", data)
    assert status == 201
    return digest


def create(server, name, digest):
    return server.request(
        "POST", "/api/create", {"model": name, "files": {"m.gguf": digest}, "stream": False}
    )


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_makes_no_model(server, what):
    status, body = create(server, what.replace(" ", "-"), upload(server, HOSTILE[what]))
    assert 400 <= status <= 500
    assert json.loads(body)["error"]
    assert server.request("POST", "/api/show", {"model": what.replace(" ", "-")})[0] == 404
    assert answers(server)


@pytest.mark.parametrize(
    "key",
    ["llama.context_length", "llama.block_count", "llama.embedding_length", "llama.attention.head_count"],
)
def test_an_absurd_number_in_a_file_is_an_error_or_bounded(server, key):
    status, _ = create(server, "absurd", upload(server, hostile.with_number(key, 2**31 - 1)))
    if status == 200:
        body = {"model": "absurd", "prompt": "hi", "stream": False, "options": {"num_predict": 2}}
        status, answer = server.request("POST", "/api/generate", body)
        assert status == 200 or json.loads(answer)["error"]
        server.request("DELETE", "/api/delete", {"model": "absurd"})
    assert answers(server)


def test_an_absurd_context_window_is_an_error_or_bounded(server):
    status, answer = server.request(
        "POST", "/api/chat", chat(stream=False, options={"num_ctx": 2**31, "num_predict": 2})
    )
    assert status == 200 or json.loads(answer)["error"]
    assert answers(server)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "missing request body"),
        (b"{", "unexpected EOF"),
        (b'{"model": 1}', "json:"),
        (b"[]", "json:"),
        (b'{"model": "peer", "messages": "hi"}', "json:"),
        (b"\xff\xfe", "invalid"),
        (b"[" * 200_000, "invalid"),
    ],
)
def test_a_body_that_is_wrong_is_a_400_that_says_why(server, body, error):
    status, answer = server.request("POST", "/api/chat", body)
    assert status == 400
    assert error in json.loads(answer)["error"]


def test_a_body_too_large_is_refused_before_it_is_sent(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(
            b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n{"
        )
        answer = connection.recv(65536)
        while not answer.endswith(b"}"):  # head and body may come in two pieces
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"request body too large" in answer
    assert answers(server)


def test_what_is_no_http_is_refused(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        assert b"400" in connection.recv(65536)
    assert answers(server)


def test_an_upload_that_breaks_off_leaves_nothing(server):
    digest = f"sha256:{'ab' * 32}"
    head = f"POST /api/blobs/{digest} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    before = blob_files(server)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"x" * 500_000)
        wait_until(lambda: blob_files(server) != before, message="the upload does not begin")
    wait_until(lambda: blob_files(server) == before, message="a part is left behind")
    assert server.request("HEAD", f"/api/blobs/{digest}")[0] == 404


def test_an_upload_with_another_digest_leaves_nothing(server):
    before = blob_files(server)
    status, answer = server.request("POST", f"/api/blobs/sha256:{'cd' * 32}", b"something else")
    assert status == 400
    assert "digest mismatch" in json.loads(answer)["error"]
    assert blob_files(server) == before


@pytest.mark.parametrize(
    "path", ["/api/blobs/..%2f..%2fetc", "/api/blobs/sha256:..", "/api/blobs/sha256-" + "0" * 63]
)
def test_a_digest_that_is_none_touches_no_file(server, path):
    status, _ = server.request("POST", path, b"data")
    assert status in (400, 404)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b/c/d/e", "-x", "a:b:c", "x" * 400, "a\x00b"])
def test_a_name_that_is_none_makes_no_model(server, name):
    status, answer = server.request("POST", "/api/create", {"model": name, "from": "peer", "stream": False})
    assert status == 400
    assert json.loads(answer)["error"] == "invalid model name"


def blob_files(server):
    return sorted(path.name for path in (server.models / "blobs").iterdir())
