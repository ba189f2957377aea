from __future__ import annotations

import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from corral.cli.client import Client
from corral.cli.connect import client_host, connect, is_local
from corral.cli.errors import NoServer, NotSignedIn, ServerError, SilentServer
from corral.errors import CorralError
from corral.settings import Address
from tests.helpers.scripted_server import Asked, Reply


@pytest.fixture
def client(server):
    return Client(Address(port=server.port), api_key="secret")


@pytest.fixture
def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_a_call_sends_json_and_decodes_the_answer(server, client):
    server.on("POST", "/api/show", Reply({"license": "MIT"}))
    assert client.call("POST", "/api/show", {"model": "é"}) == {"license": "MIT"}
    assert server.asked == [Asked("POST", "/api/show", {"model": "é"})]
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_a_stream_yields_its_records(server, client):
    server.on("POST", "/api/pull", Reply([{"status": "a"}, {"status": "b"}]))
    assert [record["status"] for record in client.stream("/api/pull", {})] == ["a", "b"]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply({"error": "model 'x' not found"}, 404), "model 'x' not found"),
        (Reply({"error": {"message": "no key"}}, 403), "no key"),
        (Reply(b"404 page not found", 404), "404 page not found"),
        (Reply(None, 500), "500 Internal Server Error"),
        (Reply(b"oops"), "the server's answer is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (Reply(b"[]"), "the server's answer is no JSON object"),
        (Reply(b"null"), "the server's answer is no JSON object"),
    ],
)
def test_an_error_of_a_call_is_its_text(server, client, reply, message):
    server.on("GET", "/api/tags", reply)
    with pytest.raises(ServerError) as caught:
        client.call("GET", "/api/tags")
    assert (caught.value.message, caught.value.status) == (message, reply.status)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply({"error": "invalid model name"}, 400), "400 Bad Request: invalid model name"),
        (Reply([{"status": "a"}, {"error": "no such file"}]), "no such file"),
        (Reply(b"[]\n"), "a record of the answer is no object"),
    ],
)
def test_an_error_of_a_stream_names_the_status_it_came_with(server, client, reply, message):
    server.on("POST", "/api/pull", reply)
    with pytest.raises(ServerError) as caught:
        list(client.stream("/api/pull", {}))
    assert caught.value.message == message


def test_who_must_sign_in_is_told_where(server, client):
    server.on("POST", "/api/me", Reply({"error": "unauthorized", "signin_url": "https://x/y"}, 401))
    with pytest.raises(NotSignedIn) as caught:
        client.call("POST", "/api/me")
    assert caught.value.signin_url == "https://x/y"


def test_an_upload_sends_the_bytes_and_tells_how_far_it_is(server, client):
    server.on("POST", "/api/blobs/sha256:1", Reply(None, 201))
    told: list[int] = []
    client.upload("/api/blobs/sha256:1", io.BytesIO(b"\xff" * 3_000_000), 3_000_000, told.append)
    assert server.asked[0].body == b"\xff" * 3_000_000
    assert told == [1 << 20, 2 << 20, 3_000_000]


def test_a_refused_connection_is_tried_again_after_the_server_was_started(server, closed_port):
    def start() -> bool:
        client.address = Address(port=server.port)
        return True

    server.on("GET", "/api/version", Reply({"version": "1.2.3"}))
    client = Client(Address(port=closed_port), when_refused=start)
    assert client.call("GET", "/api/version") == {"version": "1.2.3"}


def test_no_server_is_an_error_that_says_what_to_run(closed_port):
    client = Client(Address(port=closed_port), program="ollama", when_refused=lambda: False)
    with pytest.raises(NoServer) as caught:
        client.call("GET", "/api/tags")
    message = "could not connect to ollama server, run 'ollama serve' to start it"
    assert caught.value.message == message


@pytest.mark.parametrize("reply", [b"", b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"models"'])
def test_a_server_that_takes_connections_and_falls_silent_is_not_waited_for_long(reply):
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        client = Client(Address(port=listener.getsockname()[1]), patience_s=0.05)
        called = pool.submit(client.call, "GET", "/api/ps?verbose=1")
        with listener.accept()[0] as connection:
            connection.sendall(reply)
            with pytest.raises(SilentServer, match="takes connections but does not answer"):
                called.result(timeout=10)


def test_a_call_that_makes_the_server_work_may_take_its_time(server):
    server.on("POST", "/api/generate", Reply({"done": True}))
    client = Client(Address(port=server.port), patience_s=1e-9)
    assert client.call("POST", "/api/generate", {}) == {"done": True}


def test_a_connection_that_breaks_is_an_error():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = Client(Address(port=listener.getsockname()[1]))

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(CorralError, match=r"the connection to http://127.0.0.1:.* broke"):
            client.call("GET", "/")
        thread.join()


def test_the_proxy_of_the_environment_is_used_for_other_machines(server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://user:pa%20ss@127.0.0.1:{server.port}")
    connection, target = connect(Address(host="models.test", port=8080), "/api/tags")
    connection.close()
    assert target == "http://models.test:8080/api/tags"


def test_a_proxy_is_not_used_for_this_machine(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    connection, target = connect(Address(port=server.port), "/api/tags")
    connection.close()
    assert target == "/api/tags"


@pytest.mark.parametrize(
    ("host", "target", "local"),
    [
        ("", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("::", "::1", True),
        ("localhost", "localhost", True),
        ("10.0.0.1", "10.0.0.1", False),
    ],
)
def test_a_server_on_all_interfaces_is_found_on_this_machine(host, target, local):
    assert (client_host(host), is_local(client_host(host))) == (target, local)
